"""Networks that calib did not train: weights and what was said of them in, predictions and notes out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from calib._text import listed
from calib.content_hash import file_hash
from calib.errors import InputError
from calib.files.naming import naming
from calib.foreign_data import FOLDER, ForeignData, data_of
from calib.foreign_network import loaded, network_for
from calib.inference import predict
from calib.integrations.onnx_network import OnnxNetwork, is_onnx
from calib.models.foreign import ForeignWeights, read_foreign
from calib.models.hugging_face import ENDING, image_classifier
from calib.models.weights_file import check_weights, read_tensors
from calib.predictions import Predictions
from calib.reading import Reading


def predict_foreign(path: Path, reading: Reading, *, said: str | None = None) -> Predictions:
    """Run the network of a file of weights over the test images of a data set.

    The architecture is that of ``reading.arch`` or ``reading.model``, else the one of calib that the tensors fit, else
    what the file, or ``said``, calls it in timm; what was found and where is in the provenance under ``notes``.  Raises
    `InputError` for data or weights that cannot be had, or do not go together.
    """
    if is_onnx(path):
        data, network, notes = _onnx(path, reading)
    else:
        content = read_tensors(path)
        with naming(path):
            weights = read_foreign(content, averaged=reading.averaged)
        weights = replace(weights, arch=weights.arch or said)
        check_weights(weights.state_dict, path)
        if (weights.arch or "").endswith(ENDING) and reading.arch is None and reading.model is None:
            module, how, data = _transformers(replace(weights, state_dict=content), reading, path)
        else:
            data = data_of(reading)
            module, how = network_for(weights, data, reading, path)
        network, notes = module.to(reading.device), [how, *data.notes, *weights.notes]
    loader = ((data.normalisation(images), torch.from_numpy(labels)) for images, labels in data.batches)
    device, on_images = reading.device, reading.on_images
    predictions = predict(network, loader, device=device, class_names=data.class_names, on_images=on_images)
    notes += _doubts(predictions)
    provenance = {"checkpoint_sha256": file_hash(path), "split": "test", "data": data.name, "notes": notes}
    return Predictions.from_logits(
        predictions.values, predictions.labels, class_names=data.class_names, provenance=provenance
    )


def _transformers(weights: ForeignWeights, reading: Reading, path: Path) -> tuple[nn.Module, str, ForeignData]:
    """The network that the config beside the weights describes, and the data, labels in the order of its classes."""
    network, names = image_classifier(path.parent)
    data = data_of(reading)
    if len(names) != len(data.class_names):
        raise InputError(
            f"{path} knows {len(names)} classes, {data.name} has {len(data.class_names)}",
            help="name the data set it was trained for",
        )
    if names != data.class_names and sorted(names) == sorted(data.class_names):
        place = np.array([names.index(name) for name in data.class_names])
        said = f"labels were matched by name with the classes of the network: {listed(names)}"
        data = replace(
            data,
            batches=((images, place[labels]) for images, labels in data.batches),
            class_names=names,
            notes=(*data.notes, said),
        )
    how = f"the architecture is {weights.arch} (config.json says so)"
    return loaded(network, weights.state_dict, str(weights.arch), path), how, data


def _onnx(path: Path, reading: Reading) -> tuple[ForeignData, Callable[[Tensor], Tensor], list[str]]:
    reading.refuse(("arch", "model", "averaged"), what=f"{path} is a whole network")
    network = OnnxNetwork.of(path)
    if reading.dataset == FOLDER and reading.image_size is None and network.image_size is not None:
        reading = replace(reading, image_size=network.image_size)
    data = data_of(reading)
    network.refuse_other_images(data.shape, name=data.name)
    return data, network, [*network.notes, *data.notes]


def _doubts(predictions: Predictions) -> list[str]:
    """What makes these predictions suspicious: accuracy at chance, or classes that seem to be in another order."""
    from scipy.optimize import linear_sum_assignment

    if predictions.values.min() >= 0 and predictions.values.max() <= 1:
        return [
            "all outputs lie between 0 and 1: are they probabilities?  Logits, before softmax or sigmoid, are needed"
        ]
    outcomes, k = predictions.outcomes, predictions.n_classes
    accuracy = float(outcomes.correct.mean())
    table = np.zeros((k, k))
    np.add.at(table, (outcomes.predicted, predictions.labels), 1)
    matched = table[linear_sum_assignment(table, maximize=True)].sum() / predictions.n
    if matched > max(0.5, accuracy + 0.3):
        return [
            f"accuracy is {accuracy:.1%}, but would be {matched:.1%} with the classes in another order: "
            "are the labels in the order that the network was trained with?"
        ]
    if accuracy <= 1 / k + 3 * np.sqrt((1 - 1 / k) / k / predictions.n):
        return [f"accuracy is {accuracy:.1%}, what guessing gives: are these the data, mean and std of its training?"]
    return []
