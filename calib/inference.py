"""Run a network over data: a model and batches in, Predictions out."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from calib.datasets import load_dataset
from calib.datasets.splits import fingerprint
from calib.errors import InputError
from calib.predictions import Predictions, look_like_probs
from calib.training.checkpoint import Checkpoint

Part: TypeAlias = Literal["train", "calibration", "test"]


def predict(
    model: Callable[..., Any],
    loader: Iterable[Any],
    *,
    device: str | torch.device | None = None,
    class_names: Sequence[str] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Predictions:
    """Collect the logits of ``model`` over batches ``(inputs, labels)``, without gradients and in eval mode.

    ``model`` is any ``nn.Module`` whose output is logits ``(n, k)``, or has them as ``.logits``; each of its modules is
    put back into the mode it was in.  ``loader`` is a DataLoader or any iterable of batches.  ``device`` is that of the
    model's parameters unless given.  Raises `InputError` for batches or outputs of another form.

    >>> batches = [(torch.eye(2), torch.tensor([0, 1]))]
    >>> predict(nn.Linear(2, 3), batches).values.shape
    (2, 3)
    """
    where = torch.device(device) if device is not None else _device_of(model)
    logits, labels = [], []
    with _evaluating(model), torch.inference_mode():
        for batch in loader:
            if not isinstance(batch, tuple | list) or len(batch) < 2:
                raise InputError(
                    f"each batch must be (inputs, labels), got {type(batch).__name__}",
                    help="wrap the loader accordingly",
                )
            output = model(batch[0].to(where))
            output = getattr(output, "logits", output)
            if not isinstance(output, Tensor) or output.ndim != 2:
                found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
                raise InputError(
                    f"the model must return logits (n, k), it returned {found}", help="wrap the model, batch the data"
                )
            logits.append(output.detach().cpu())
            labels.append(torch.as_tensor(batch[1]).cpu())
    if not logits:
        raise InputError("the loader is empty", help="pass at least one batch")
    predictions = Predictions.from_logits(
        torch.cat(logits), torch.cat(labels), class_names=class_names, provenance=provenance
    )
    if look_like_probs(predictions):
        warnings.warn(
            "the model's outputs all sum to 1: these are probabilities, predict needs the logits before the softmax",
            stacklevel=2,
        )
    return predictions


def predict_part(
    checkpoint: Checkpoint,
    part: Part,
    *,
    data_dir: Path | None = None,
    device: str = "cpu",
    batch_size: int = 500,
    provenance: Mapping[str, Any] | None = None,
) -> Predictions:
    """Predict one split of a calib checkpoint on the data it was trained with.

    Raises `InputError` where the data is missing or is not that data.
    """
    dataset = load_dataset(checkpoint.config.dataset, data_dir=data_dir)
    if fingerprint(dataset, checkpoint.split) != checkpoint.fingerprint:
        raise InputError(
            f"the {dataset.name} found here is not what the checkpoint was trained on",
            help="point --data-dir to the original files, or train again",
        )
    rows = getattr(checkpoint.split, part)
    images, labels = dataset.images[rows], torch.from_numpy(dataset.labels[rows])
    batches = (
        (checkpoint.normalisation(images[start : start + batch_size]), labels[start : start + batch_size])
        for start in range(0, len(rows), batch_size)
    )
    return predict(
        checkpoint.model().to(device),
        batches,
        device=device,
        class_names=checkpoint.class_names,
        provenance={
            **(provenance or {}),
            "split": part,
            "config": checkpoint.config.to_dict(),
            "fingerprint": checkpoint.fingerprint,
            "versions": checkpoint.versions,
            "epochs": {"trained": len(checkpoint.history), "kept": checkpoint.kept_epoch, "all": checkpoint.n_epochs},
        },
    )


def resolve_device(device: str) -> str:
    """Turn "auto" into the best device there is.  Raises `InputError` where the device is not available."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {device!r} is not available", help="use --device cpu") from error
    return device


@contextmanager
def _evaluating(model: Callable[..., Any]) -> Iterator[None]:
    """Put the model into eval mode; afterwards every module is back in the mode it was in, frozen ones too."""
    if not isinstance(model, nn.Module):
        yield
        return
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        model.train(modes[0][1])  # models that override train() see it called; the flags then go module by module
        for module, training in modes:
            module.training = training


def _device_of(model: Callable[..., Any]) -> torch.device:
    parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    return torch.device("cpu") if parameter is None else parameter.device
