"""``calib info``: what is in a file, without running anything that is in it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calib._text import printable
from calib.cli._options import OnlyJson
from calib.cli._output import SCHEMA
from calib.cli._progress import working
from calib.export import to_json

if TYPE_CHECKING:
    from calib.predictions import Predictions


def info(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A checkpoint, a run directory, a predictions file or example:NAME.")
    ],
    json: OnlyJson = False,
) -> None:
    """Say what is in a file, safely.

    For checkpoints, run directories and predictions files; nothing from the file is run.

    Example: calib info runs/ls05/checkpoint.pt
    """
    from calib.examples import example_named
    from calib.files.run_folder import CHECKPOINT
    from calib.files.shards import is_shards

    shards = is_shards(file)
    path = file / CHECKPOINT if file.is_dir() and not shards else file
    name = example_named(file)
    found = _example(name) if name is not None else _shards(file) if shards else _file(path)
    if json:
        typer.echo(to_json({"schema": SCHEMA, "file": str(path), **found}), nl=False)
        return
    for name, value in found.items():
        if value is None or value == {}:
            continue
        typer.echo(f"{name.replace('_', ' ')}: {printable(_in_words(value), limit=2000)}")


def _example(name: str) -> dict[str, Any]:
    from calib.examples import SPLITS, load_example

    example = load_example(name)
    sizes = {split: getattr(example, split).n for split in SPLITS}
    shared = {**_described(example.test), "provenance": dict(example.provenance)}
    return {**shared, "what": "an example that comes with calib", "n": sizes}


def _file(path: Path) -> dict[str, Any]:
    from calib.integrations.onnx_network import is_onnx
    from calib.sources import holds_weights

    if path.is_file() and path.suffix.lower() == ".json" and path.read_bytes()[:1000].lstrip()[:1] == b"{":
        return _calibrator(path)
    if is_onnx(path) and path.is_file():
        return _onnx(path)
    return _predictions(path) if path.is_file() and not holds_weights(path) else _checkpoint(path)


def _calibrator(path: Path) -> dict[str, Any]:
    from calib.calibrators.application import describe
    from calib.files.calibrator_json import load_with_provenance

    calibrator, provenance = load_with_provenance(path)
    return {"what": "a calibrator", "method": describe(calibrator), "provenance": dict(provenance)}


def _onnx(path: Path) -> dict[str, Any]:
    from calib.integrations.onnx_network import OnnxNetwork

    network = OnnxNetwork.of(path)
    sides = [side if side is not None else "any" for side in network.shape]
    return {"what": "an ONNX network", "input_shape": sides, "notes": list(network.notes)}


def _shards(path: Path) -> dict[str, Any]:
    from calib.files.shards import Shards

    shards = Shards.of(path)
    first = next(iter(shards), None)
    size = {"files": len(shards.files), "bytes": shards.n_bytes}
    if first is None:
        return {"what": "shards of predictions without rows", **size}
    described = {**_described(first), "what": "shards of predictions, of which the first says", **size}
    del described["n"], described["provenance"]
    return described


def _predictions(path: Path) -> dict[str, Any]:
    from calib.cli._reading import logged_outcomes
    from calib.errors import InputError
    from calib.files.read import read_predictions

    with working("reading"):
        try:
            return _described(read_predictions(path))
        except InputError:
            if (logged := logged_outcomes(path)) is None:
                raise
    return {
        "what": "a log of confidences",
        "n": {"examples": logged.n},
        "mean_confidence": logged.mean(logged.confidence),
        "accuracy": logged.mean(logged.correct),
        "weighted": logged.weight is not None,
    }


def _described(predictions: "Predictions") -> dict[str, Any]:
    return {
        "what": "predictions",
        "kind": predictions.kind,
        "n": {"examples": predictions.n},
        "n_classes": predictions.n_classes,
        "dtype": str(predictions.values.dtype),
        "class_names": predictions.class_names,
        "provenance": dict(predictions.provenance),
    }


def _checkpoint(path: Path) -> dict[str, Any]:
    from calib.models.weights_file import read_tensors
    from calib.training.checkpoint import load_checkpoint

    content = read_tensors(path)
    if not (isinstance(content, dict) and isinstance(content.get("calib"), dict)):
        return {"what": "weights not made by calib", **_tensors(content)}
    checkpoint = load_checkpoint(path)
    return {
        "what": "a calib checkpoint",
        "config": checkpoint.config.to_dict(),
        "input_shape": checkpoint.input_shape,
        "class_names": checkpoint.class_names,
        "n": {part: len(getattr(checkpoint.split, part)) for part in ("train", "calibration", "test")},
        "epochs": {"trained": len(checkpoint.history), "kept": checkpoint.kept_epoch, "all": checkpoint.n_epochs},
        "last_epoch": checkpoint.history[-1],
        "wrong_training_labels": checkpoint.wrong_labels,
        "data_fingerprint": checkpoint.fingerprint,
        "versions": checkpoint.versions,
        **_tensors(checkpoint.state_dict),
    }


def _tensors(content: Any) -> dict[str, Any]:
    """Count the tensors of a state dict, or of the one inside a wrapping dict."""
    if not isinstance(content, dict):
        return {"holds": type(content).__name__}
    tensors = {name: value for name, value in content.items() if hasattr(value, "numel")}
    if not tensors:
        return {"keys": [str(key) for key in content]}
    return {"tensors": len(tensors), "numbers": sum(value.numel() for value in tensors.values())}


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_words(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
