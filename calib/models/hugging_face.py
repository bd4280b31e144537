"""Image classifiers as transformers saves them: the network that a ``config.json`` describes, still without weights."""

from pathlib import Path

from torch import nn

from calib._extras import library
from calib._text import printable
from calib.errors import InputError

ENDING = "ForImageClassification"


def image_classifier(folder: Path) -> tuple[nn.Module, tuple[str, ...]]:
    """The network of a folder's config, with fresh weights, and the names of its classes in their order.

    Needs the extra `transformers`; nothing is downloaded, and code that a folder brings along is not run.  Raises
    `InputError` where the config describes no classifier of images that transformers knows.
    """
    transformers = library("transformers", extra="transformers", what=f"{folder.name}, saved by transformers,")
    try:
        config = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        network = transformers.AutoModelForImageClassification.from_config(config, trust_remote_code=False)
        names = tuple(str(config.id2label[i]) for i in range(config.num_labels))
    except Exception as error:  # a config can be wrong in as many ways as there are architectures
        reason = printable(str(error).partition("\n")[0][:200] or type(error).__name__)
        raise InputError(
            f"{folder} describes no classifier of images that transformers knows ({reason})",
            help="save predictions, by calib.predict(model, loader), and evaluate those",
        ) from error
    assert isinstance(network, nn.Module)  # noqa: S101  # for mypy
    return network.eval(), names
