"""Networks that calib did not train: weights and what was said of them in, predictions and notes out."""

import contextlib
import importlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from calib._arrays import Int
from calib._nearest import unknown
from calib._text import printable
from calib.content_hash import file_hash
from calib.datasets import DATASETS, load_dataset
from calib.datasets.image_folder import MEAN, STD, image_folder
from calib.errors import InputError
from calib.inference import predict
from calib.integrations.onnx_network import OnnxNetwork, is_onnx
from calib.models import ARCHITECTURES, LIBRARIES, ExternalModel, build_model
from calib.models.foreign import ForeignWeights, read_foreign
from calib.models.hugging_face import ENDING, image_classifier
from calib.models.recognise import Fit, compared, fit, n_channels_of, n_classes_of, recognise
from calib.models.weights_file import check_weights, read_tensors
from calib.predictions import Predictions
from calib.reading import Reading
from calib.training.images import Normalisation

FOLDER = "folder"  # --dataset folder: images in folders named by class


@dataclass(frozen=True, eq=False)
class _Data:
    """What a network is run on: a name, its images in batches, classes, and how pixels are normalised."""

    name: str
    batches: Iterator[tuple[Any, Int]]
    class_names: tuple[str, ...]
    normalisation: Normalisation
    shape: tuple[int, int, int]
    notes: tuple[str, ...]


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
        try:
            weights = read_foreign(content, averaged=reading.averaged)
        except InputError as error:
            raise InputError(f"{path}: {error}", help=error.help) from error
        weights = replace(weights, arch=weights.arch or said)
        check_weights(weights.state_dict, path)
        if (weights.arch or "").endswith(ENDING) and reading.arch is None and reading.model is None:
            module, how, data = _transformers(replace(weights, state_dict=content), reading, path)
        else:
            data = _data(reading)
            module, how = _network(weights, data, reading, path)
        network, notes = module.to(reading.device), [how, *data.notes, *weights.notes]
    loader = ((data.normalisation(images), torch.from_numpy(labels)) for images, labels in data.batches)
    device, on_images = reading.device, reading.on_images
    predictions = predict(network, loader, device=device, class_names=data.class_names, on_images=on_images)
    notes += _doubts(predictions)
    provenance = {"checkpoint_sha256": file_hash(path), "split": "test", "data": data.name, "notes": notes}
    return Predictions.from_logits(
        predictions.values, predictions.labels, class_names=data.class_names, provenance=provenance
    )


def _transformers(weights: ForeignWeights, reading: Reading, path: Path) -> tuple[nn.Module, str, _Data]:
    """The network that the config beside the weights describes, and the data, labels in the order of its classes."""
    network, names = image_classifier(path.parent)
    data = _data(reading)
    if len(names) != len(data.class_names):
        raise InputError(
            f"{path} knows {len(names)} classes, {data.name} has {len(data.class_names)}",
            help="name the data set it was trained for",
        )
    if names != data.class_names and sorted(names) == sorted(data.class_names):
        place = np.array([names.index(name) for name in data.class_names])
        said = f"labels were matched by name with the classes of the network: {_listed(names)}"
        data = replace(
            data,
            batches=((images, place[labels]) for images, labels in data.batches),
            class_names=names,
            notes=(*data.notes, said),
        )
    how = f"the architecture is {weights.arch} (config.json says so)"
    return _loaded(network, weights.state_dict, str(weights.arch), path), how, data


def _onnx(path: Path, reading: Reading) -> tuple[_Data, Callable[[Tensor], Tensor], list[str]]:
    reading.refuse(("arch", "model", "averaged"), what=f"{path} is a whole network")
    network = OnnxNetwork.of(path)
    if reading.dataset == FOLDER and reading.image_size is None and network.image_size is not None:
        reading = replace(reading, image_size=network.image_size)
    data = _data(reading)
    network.refuse_other_images(data.shape, name=data.name)
    return data, network, [*network.notes, *data.notes]


def _data(reading: Reading) -> _Data:
    if reading.dataset is None:
        raise InputError(
            "these weights do not say what data to run them on",
            help=f"add --dataset NAME ({', '.join(DATASETS)}), or --dataset {FOLDER} --data-dir DIR (images in folders "
            "named by class), or save predictions, by calib.predict(model, loader), and evaluate those",
        )
    notes = []
    mean: tuple[float, ...]
    std: tuple[float, ...]
    if reading.dataset == FOLDER:
        if reading.data_dir is None:
            raise InputError(
                "--dataset folder needs --data-dir",
                help="add --data-dir FOLDER, which holds a folder of images for each class",
            )
        folder = image_folder(reading.data_dir, image_size=reading.image_size or 224)
        shape = (3, folder.image_size, folder.image_size)
        mean, std, pixel_max, own = MEAN, STD, 255, "ImageNet"
        names, batches = folder.class_names, folder.batches(reading.batch_size)
        notes.append(f"{len(folder.files)} images of {len(names)} classes, in the order {_listed(names)}")
    else:
        if reading.dataset not in DATASETS:
            raise unknown("data set", reading.dataset, (*DATASETS, FOLDER), more=" (images in folders named by class)")
        dataset = load_dataset(reading.dataset, data_dir=reading.data_dir)
        if reading.image_size not in (None, *dataset.shape[1:]):
            raise InputError(
                f"the images of {dataset.name} are {dataset.shape[1]}×{dataset.shape[2]}", help="leave --image-size out"
            )
        rows = dataset.test_rows
        if dataset.n_train is None:
            notes.append(f"{dataset.name} has no official test part: all {dataset.n} images were used")
        mean, std, pixel_max, own, shape = dataset.mean, dataset.std, dataset.pixel_max, dataset.name, dataset.shape
        names = dataset.class_names
        parts = np.split(rows, range(reading.batch_size, len(rows), reading.batch_size))
        batches = ((dataset.images[part], dataset.labels[part]) for part in parts)
    if (reading.mean is None) != (reading.std is None):
        raise InputError("--mean and --std go together", help="give both, one number a channel")
    if reading.mean is None:
        notes.append(f"mean and std are those of {own}: --mean and --std say others")
    mean, std = (_per_channel(values, shape[0]) for values in (reading.mean or mean, reading.std or std))
    return _Data(
        reading.dataset if reading.dataset != FOLDER else str(reading.data_dir),
        batches,
        reading.class_names or names,
        Normalisation(mean, std, pixel_max),
        shape,
        tuple(notes),
    )


def _per_channel(values: tuple[float, ...], n_channels: int) -> tuple[float, ...]:
    if len(values) == 1:
        return values * n_channels
    if len(values) != n_channels:
        raise InputError(
            f"--mean and --std are a number a channel, got {len(values)} for {n_channels}", help="such as .5,.5,.5"
        )
    return values


def _network(weights: ForeignWeights, data: _Data, reading: Reading, path: Path) -> tuple[nn.Module, str]:
    """The network with its weights, and a note on how its architecture was found."""
    if reading.model is not None:
        network = _made_by(reading.model)
        return _loaded(network, weights.state_dict, reading.model, path), f"the network is {reading.model} (--model)"
    found = n_classes_of(weights.state_dict)
    if found != len(data.class_names):
        raise InputError(
            f"{path} knows {found} classes, {data.name} has {len(data.class_names)}",
            help="name the data set it was trained for",
        )
    channels = n_channels_of(weights.state_dict)
    if channels not in (None, data.shape[0]):
        raise InputError(
            f"{path} takes images of {channels} channels, those of {data.name} have {data.shape[0]}",
            help="name the data set it was trained for",
        )
    if reading.arch is not None and ":" in reading.arch:
        return _external(reading.arch, weights, data, path), f"the architecture is {reading.arch} (--arch)"
    best, how = _architecture(weights, data, reading)
    if not best.exact and reading.arch is None and weights.arch and re.fullmatch(r"[\w.]+", weights.arch):
        for name in (f"{family}:{weights.arch.partition('.')[0]}" for family in LIBRARIES):
            with contextlib.suppress(InputError):  # it is not here, or does not know the name either
                return _external(name, weights, data, path), f"the architecture is {name} (the file says so)"
    if not best.exact:
        raise _no_fit(best, weights, data, reading, path)
    built = build_model(
        best.arch, n_classes=found, n_channels=data.shape[0], width=best.width, image_size=data.shape[1:]
    )
    return _loaded(built, weights.state_dict, best.arch, path), f"the architecture is {best.arch} ({how})"


def _external(name: str, weights: ForeignWeights, data: _Data, path: Path) -> nn.Module:
    """A network of timm or torchvision with these weights."""
    n_classes = n_classes_of(weights.state_dict)
    outer = build_model(name, n_classes=n_classes, n_channels=data.shape[0], image_size=data.shape[1:])
    inner = outer.network if isinstance(outer, ExternalModel) else outer
    _loaded(inner, weights.state_dict, name, path)
    return outer.eval()


def _architecture(weights: ForeignWeights, data: _Data, reading: Reading) -> tuple[Fit, str]:
    if reading.arch is not None:
        return fit(weights.state_dict, reading.arch, image_shape=data.shape), "--arch"
    if weights.arch in ARCHITECTURES:
        said = fit(weights.state_dict, weights.arch, image_shape=data.shape)
        if said.exact:
            return said, "the file says so"
    return recognise(weights.state_dict, image_shape=data.shape)[0], "from the shapes of its tensors"


def _no_fit(best: Fit, weights: ForeignWeights, data: _Data, reading: Reading, path: Path) -> InputError:
    likeliest = recognise(weights.state_dict, image_shape=data.shape)[0]
    said = f"the file calls it {printable(weights.arch)}; " if weights.arch else ""
    better = (
        f"they fit {likeliest.arch}: --arch {likeliest.arch}"
        if likeliest.exact
        else (f"{said}--arch timm:NAME or torchvision:NAME, or --model package.module:factory for code of your own")
    )
    asked = reading.arch is not None or weights.arch in ARCHITECTURES
    problem = f"do not fit {best.arch}" if asked else f"fit no architecture of calib, not even {best.arch}"
    return InputError(f"the weights of {path} {problem}: {best.difference}", help=better)


def _made_by(name: str) -> nn.Module:
    """Import and call ``package.module:factory``: code of the user's own, because the user named it."""
    module, _, factory = name.partition(":")
    if not module or not factory:
        raise InputError(f"--model is package.module:factory, got {name!r}", help="such as mynets.resnet:resnet20")
    sys.path.insert(0, "")
    try:
        network = getattr(importlib.import_module(module), factory)()
    except Exception as error:
        reason = printable(f"{type(error).__name__}: {error}")
        raise InputError(
            f"{name} cannot be imported and called without arguments ({reason})", help=f"try import {module}"
        ) from error
    finally:
        sys.path.remove("")
    if not isinstance(network, nn.Module):
        raise InputError(f"{name} returned {type(network).__name__}, no torch.nn.Module", help="return the network")
    return network


def _loaded(network: nn.Module, weights: Mapping[str, Tensor], name: str, path: Path) -> nn.Module:
    found = compared(weights, network, name)
    if not found.exact:
        raise InputError(
            f"the weights of {path} do not fit {name}: {found.difference}", help="name the network they were trained in"
        )
    for key, ours in network.state_dict().items():
        if key in weights and ours.is_floating_point() and not weights[key].is_floating_point():
            raise InputError(
                f"{path}: {printable(key)} is of {str(weights[key].dtype).removeprefix('torch.')}, no weights",
                help="save the weights in float32",
            )
    wide = {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}
    network.load_state_dict(wide, strict=False)  # but for counters that old files lack, nothing is missing
    return network.eval()


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


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(printable(name) for name in names[:5]) + (" …" if len(names) > 5 else "")
