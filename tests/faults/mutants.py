"""Small files of every format that calib reads, ways of damaging them, and what reads each."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from calib.calibrators.temperature import TemperatureScaling
from calib.calibrators.vector import VectorScaling
from calib.files.calibrator_json import load_calibrator, save_calibrator
from calib.files.read import read_predictions
from calib.predictions import Predictions

from .conftest import sample

GOOD = sample(20)


def _logits(path: Path) -> None:
    read_predictions(path, kind="logits")


def _array(path: Path) -> None:
    np.save(path.parent / "labels.npy", GOOD["labels"])
    read_predictions(path, kind="logits", labels=path.parent / "labels.npy")


def _weights(path: Path) -> None:
    from calib.models.foreign import read_foreign
    from calib.models.weights_file import check_weights, read_tensors

    check_weights(read_foreign(read_tensors(path)).state_dict, path)


def _checkpoint(path: Path) -> None:
    from calib.training.checkpoint import load_checkpoint

    load_checkpoint(path).model()


def _config(path: Path) -> None:
    from calib.cli._training_config import fields_of
    from calib.training.config import TrainConfig

    TrainConfig.from_dict({"dataset": "digits", **fields_of(None, path)})


def _model_folder(path: Path) -> None:
    from calib.files.model_folder import read_model_folder

    folder = path.parent / "network"
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").touch()
    (folder / "config.json").write_bytes(path.read_bytes())
    read_model_folder(folder)


def _idx(path: Path) -> None:
    from calib.datasets.idx import read_idx

    read_idx(path)


def _state(path: Path) -> None:
    from calib.state import CalibrationState

    CalibrationState.from_bytes(path.read_bytes())


def _frame() -> Any:
    import pandas as pd

    return pd.DataFrame({**{f"logit_{i}": GOOD["logits"][:, i] for i in range(3)}, "label": GOOD["labels"]})


def _written(write: Callable[[io.BytesIO], object]) -> bytes:
    whole = io.BytesIO()
    write(whole)
    return whole.getvalue()


def _torch(*, zipped: bool) -> bytes:
    import torch

    weights = {"fc.weight": torch.arange(6.0).reshape(2, 3), "fc.bias": torch.zeros(2)}
    return _written(lambda file: torch.save(weights, file, _use_new_zipfile_serialization=zipped))


def _safetensors(folder: Path) -> bytes:
    from safetensors.numpy import save

    return bytes(save({"logits": GOOD["logits"], "labels": GOOD["labels"]}))


def _trained(folder: Path) -> bytes:
    from calib.training.checkpoint import save_checkpoint
    from calib.training.config import TrainConfig
    from calib.training.loop import train

    config = TrainConfig(dataset="digits", arch="mnist-fc", width=2, epochs=1, train_size=32)
    save_checkpoint(train(config), folder / "own.pt")
    return (folder / "own.pt").read_bytes()


def _calibrator(folder: Path) -> bytes:
    predictions = Predictions.from_logits(**GOOD)
    save_calibrator(VectorScaling.fit(predictions), folder / "c.json", fitted_on=predictions)
    return (folder / "c.json").read_bytes()


def _predictions(folder: Path) -> bytes:
    scaled = TemperatureScaling(2.0).transform(Predictions.from_logits(**GOOD, class_names=["a", "b", "c"]))
    scaled.save(folder / "own.npz")
    return (folder / "own.npz").read_bytes()


def _json_lines() -> bytes:
    rows = zip(GOOD["logits"].tolist(), GOOD["labels"].tolist(), strict=True)
    return "".join(json.dumps({"label": y, "logits": z}) + "\n" for z, y in rows).encode()


def _config_json(folder: Path) -> bytes:
    from calib.training.config import TrainConfig

    config = TrainConfig(dataset="digits", smoothing=0.05, milestones=(0.5, 0.75))
    return json.dumps(config.to_dict(), indent=2).encode()


# name -> the ending, what makes a good file, what reads it, and the libraries that this needs
FORMATS: Mapping[str, tuple[str, Callable[[Path], bytes], Callable[[Path], None], tuple[str, ...]]] = {
    "npz": (".npz", lambda _: _written(lambda file: np.savez(file, **GOOD)), _logits, ()),
    "npz-of-calib": (".npz", _predictions, _logits, ()),
    "npy": (".npy", lambda _: _written(lambda file: np.save(file, GOOD["logits"])), _array, ()),
    "csv": (".csv", lambda _: _frame().to_csv(index=False).encode(), _logits, ()),
    "csv-gz": (".csv.gz", lambda _: gzip.compress(_frame().to_csv(index=False).encode(), mtime=0), _logits, ()),
    "jsonl": (".jsonl", lambda _: _json_lines(), _logits, ()),
    "parquet": (".parquet", lambda _: _written(lambda f: _frame().to_parquet(f)), _logits, ("pyarrow",)),
    "arrow": (".arrow", lambda _: _written(lambda f: _frame().to_feather(f)), _logits, ("pyarrow",)),
    "safetensors": (".safetensors", _safetensors, _logits, ("safetensors",)),
    "torch-zip": (".pt", lambda _: _torch(zipped=True), _weights, ()),
    "torch-legacy": (".pth", lambda _: _torch(zipped=False), _weights, ()),
    "checkpoint": (".pt", _trained, _checkpoint, ()),
    "calibrator": (".json", _calibrator, lambda path: void(load_calibrator(path)), ()),
    "config": (".json", _config_json, _config, ()),
    "config-toml": (".toml", lambda _: b'preset = "mukhoti"\nepochs = 3\nsmoothing = 0.05\n', _config, ()),
    "model-folder": (
        ".json",
        lambda _: (
            b'{"architecture": "resnet18", "num_classes": 10, "pretrained_cfg": {"mean": [0.4, 0.4, 0.4], '
            b'"std": [0.2, 0.2, 0.2], "input_size": [3, 224, 224]}}'
        ),
        _model_folder,
        (),
    ),
    "idx": (".idx", lambda _: b"\0\0\x08\x03" + (2).to_bytes(4, "big") * 3 + bytes(range(8)), _idx, ()),
    "state": (".bin", lambda _: _state_bytes(), _state, ()),
}


def void(_: object) -> None:
    """Take a result and forget it."""


def _state_bytes() -> bytes:
    from calib.state import CalibrationState

    state = CalibrationState()
    state.update(Predictions.from_logits(**GOOD))
    return state.to_bytes()


def mutated(whole: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file as a disk, an editor or an enemy would; the same for the same generator.

    Half the archives are damaged inside, with checksums that fit, so that what is behind those is reached too.
    """
    if whole.startswith(b"PK") and rng.integers(2):
        with zipfile.ZipFile(io.BytesIO(whole)) as old:
            members = {name: old.read(name) for name in old.namelist()}
        chosen = rng.choice(list(members))
        return _zip({**members, chosen: _damaged(members[chosen], rng)})
    if whole.startswith(b"\x1f\x8b") and rng.integers(2):
        return gzip.compress(_damaged(gzip.decompress(whole), rng), mtime=0)
    return _damaged(whole, rng)


def _zip(members: Mapping[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return whole.getvalue()


def _damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(whole)
    for _ in range(int(rng.integers(1, 4))):
        if not data:
            break
        at, size = int(rng.integers(len(data))), int(rng.integers(1, 9))
        match rng.integers(8):
            case 0:
                data[at] ^= 1 << int(rng.integers(8))
            case 1:
                data[at] = int(rng.integers(256))
            case 2:
                del data[at : at + size]
            case 3:
                data[at:at] = rng.bytes(size)
            case 4:
                del data[at:]
            case 5:  # a piece of itself elsewhere
                source = int(rng.integers(len(data)))
                data[at:at] = data[source : source + 8 * size]
            case 6:  # a number that may be a length, an offset or a count
                number = int(rng.choice([0, 1, 0x7F, 0xFF, 0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1]))
                width = int(rng.choice([2, 4, 8]))
                data[at : at + width] = (number % (1 << 8 * width)).to_bytes(width, "little")
            case _:  # text: a sign, a digit or a bracket for another
                data[at : at + 1] = bytes([rng.choice(list(b'0123456789-+.eE,;:"{}[]()\n NnIi'))])
    return bytes(data)
