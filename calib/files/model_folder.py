"""A folder as Hugging Face and timm save networks: weights beside a ``config.json`` that says what they are."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from calib._text import printable
from calib.errors import InputError
from calib.reading import Reading

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin", "pytorch_model.pth")
LARGEST = 1 << 24  # bytes of a config


@dataclass(frozen=True)
class ModelFolder:
    """The file of weights, and what the config says of the network, as far as it does."""

    weights: Path
    architecture: str | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    image_size: int | None

    def completed(self, reading: Reading) -> Reading:
        """``reading`` with what the folder says where nobody has said otherwise; mean and std go together."""
        unsaid = reading.mean is None and reading.std is None
        return replace(
            reading,
            mean=self.mean if unsaid else reading.mean,
            std=self.std if unsaid else reading.std,
            image_size=reading.image_size or (self.image_size if reading.dataset == "folder" else None),
        )


def is_model_folder(path: Path) -> bool:
    """Whether a folder holds weights and a config that says what they are."""
    return path.is_dir() and (path / CONFIG).is_file() and any((path / name).is_file() for name in WEIGHTS)


def read_model_folder(path: Path | str) -> ModelFolder:
    """Read ``config.json`` of timm (``architecture``, ``pretrained_cfg``) or of transformers (``architectures``).

    Of transformers, mean, std and size are in ``preprocessor_config.json``.  Raises `InputError` where it is no such
    config.
    """
    path = Path(path)
    content = _content(path / CONFIG)
    weights = next(path / name for name in WEIGHTS if (path / name).is_file())
    trained = content.get("pretrained_cfg")
    given: dict[str, Any] = trained if isinstance(trained, dict) else {}
    several = content.get("architectures")
    named = content.get("architecture") or (several[0] if isinstance(several, list) and several else None)
    mean, std = _numbers(given.get("mean")), _numbers(given.get("std"))
    size = given.get("input_size")
    if (path / PREPROCESSOR).is_file():
        prepared = _content(path / PREPROCESSOR)
        mean, std = _numbers(prepared.get("image_mean")), _numbers(prepared.get("image_std"))
        sides = prepared.get("crop_size") or prepared.get("size")
        size = [sides.get("height", sides.get("shortest_edge"))] if isinstance(sides, dict) else [sides]
    both = mean is not None and std is not None and min(std) > 0
    return ModelFolder(
        weights,
        named if isinstance(named, str) else None,
        mean if both else None,
        std if both else None,
        int(size[-1])
        if isinstance(size, list) and size and isinstance(size[-1], int) and 0 < size[-1] < 10_000
        else None,
    )


def _content(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError("it is too large")
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no names")
    except (OSError, ValueError, RecursionError) as error:
        reason = printable(str(error))
        raise InputError(f"{file} cannot be read ({reason})", help="evaluate the file of weights itself") from error
    return content


def _numbers(values: object) -> tuple[float, ...] | None:
    if not isinstance(values, list) or not values or not all(isinstance(value, int | float) for value in values):
        return None
    return tuple(float(value) for value in values)
