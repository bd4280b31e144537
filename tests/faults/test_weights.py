"""Cases 8 to 15: checkpoints that can be opened, with what trainers put into them, or that hold no usable weights."""

import argparse
import json
import pathlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from calib.files.npz import load_predictions
from calib.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

from .conftest import Run, assert_refused, sample, save

pytestmark = pytest.mark.timeout(60)
Weights = dict[str, Tensor]
LAST = "fc.weight"


def evaluated(run: Run, path: Path) -> Any:
    return run("evaluate", path, "--dataset", "digits", "--arch", "resnet8")


def _prefixed(weights: Weights, prefix: str) -> Weights:
    return {prefix + name: value for name, value in weights.items()}


LOADS: dict[str, tuple[Callable[[Weights], Any], str]] = {
    "08-namespace": (lambda w: {"model": w, "args": argparse.Namespace(lr=0.1)}, "resnet8"),
    "08-path": (lambda w: {"model": w, "data": pathlib.PosixPath("/data")}, "resnet8"),
    "08-numpy-scalar": (lambda w: {"model": w, "best": np.float64(91.5), "n": np.int64(3)}, "resnet8"),
    "09-data-parallel": (lambda w: {"state_dict": _prefixed(w, "module.")}, "began with module."),
    "09-compiled": (lambda w: _prefixed(w, "_orig_mod."), "began with _orig_mod."),
    "09-lightning": (lambda w: {"state_dict": _prefixed(w, "model.")}, "began with model."),
    "09-averaged": (lambda w: {"model": w, "model_ema": w}, "--ema"),
    "12-float16": (lambda w: {name: value.half() for name, value in w.items()}, "resnet8"),
    "12-bfloat16": (lambda w: {name: value.bfloat16() for name, value in w.items()}, "resnet8"),
}


@pytest.mark.parametrize("case", LOADS)
def test_what_trainers_save_is_loaded_and_told(run: Run, tmp_path: Path, weights: Weights, case: str) -> None:
    make, words = LOADS[case]
    torch.save(make(weights), tmp_path / "theirs.pth")
    result = run(
        "predict", tmp_path / "theirs.pth", "--dataset", "digits", "--arch", "resnet8", "-o", tmp_path / "p.npz"
    )
    assert result.code == 0, result.err
    assert words in result.err
    assert load_predictions(tmp_path / "p.npz").values.dtype == np.float32


def _changed(weights: Weights, change: Callable[[Tensor], Any], name: str = LAST) -> Weights:
    return {**weights, name: change(weights[name])}


def _with_nan(value: Tensor) -> Tensor:
    value = value.clone()
    value.view(-1)[3] = torch.nan
    return value


def _sparse(value: Tensor) -> Tensor:
    return value.to_sparse()


UNFIT: dict[str, tuple[Callable[[Weights], Any], str]] = {
    "10-other-architecture": (lambda w: {f"layer.{name}": value for name, value in w.items()}, "do not fit"),
    "10-other-classes": (lambda w: _changed(w, lambda value: value.repeat(10, 1)), "100 classes"),
    "10-other-channels": (
        lambda w: _changed(w, lambda value: value.repeat(1, 3, 1, 1), "conv1.weight"),
        "images of 3 channels",
    ),
    "10-many-names": (lambda w: {**w, **{f"head.{i}": torch.zeros(2) for i in range(300)}}, "300 names more"),
    "11-nan": (lambda w: _changed(w, _with_nan), "NaN or infinite weights"),
    "11-infinite": (lambda w: _changed(w, lambda value: value * torch.inf), "NaN or infinite weights"),
    "12-float8": (lambda w: _changed(w, lambda value: value.to(torch.float8_e4m3fn)), "float32"),
    "12-meta": (lambda w: _changed(w, lambda value: value.to("meta")), "float32"),
    "12-sparse": (lambda w: _changed(w, _sparse), "float32"),
    "12-quantised": (
        lambda w: _changed(w, lambda value: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8)),
        "float32",
    ),
    "12-complex": (lambda w: _changed(w, lambda value: value.to(torch.complex64)), "float32"),
    "12-integers": (lambda w: _changed(w, lambda value: (value * 100).int()), "float32"),
    "13-list": (lambda w: list(w.values()), "only a list"),
    "13-tensor": (lambda w: w[LAST], "only a Tensor"),
    "13-empty": (lambda w: {}, "only a dict"),
    "13-number": (lambda w: 3, "only a int"),
    "13-nothing": (lambda w: None, "only a NoneType"),
    "13-names-alone": (lambda w: {"state_dict": list(w)}, "state_dict"),
    "13-numbered": (lambda w: dict(enumerate(w.values())), "maps names to tensors"),
}


@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor")
@pytest.mark.filterwarnings("ignore:.*is deprecated")
@pytest.mark.filterwarnings("ignore:.*TypedStorage")
@pytest.mark.parametrize("case", UNFIT)
def test_weights_that_do_not_fit_are_refused_before_they_are_run(
    run: Run, tmp_path: Path, weights: Weights, case: str
) -> None:
    make, words = UNFIT[case]
    torch.save(make(weights), tmp_path / "theirs.pth")
    result = evaluated(run, tmp_path / "theirs.pth")
    assert_refused(result, words, "theirs.pth")
    assert len(result.err) < 800


@pytest.mark.parametrize("case", ["11-own-checkpoint"])
def test_a_checkpoint_of_calib_with_nan_is_refused(run: Run, trained: Path, tmp_path: Path, case: str) -> None:
    whole = load_checkpoint(trained / "checkpoint.pt")
    broken = Checkpoint(**{**vars(whole), "state_dict": _changed(whole.state_dict, _with_nan)})
    save_checkpoint(broken, tmp_path / "nan.pt")
    assert_refused(run("evaluate", tmp_path / "nan.pt"), "nan.pt", "NaN")
    assert_refused(run("predict", tmp_path / "nan.pt", "-o", tmp_path / "p.npz"), "nan.pt", "NaN")
    assert not (tmp_path / "p.npz").exists()


@pytest.mark.parametrize("case", ["14-cuda-tensors"])
def test_tensors_of_a_gpu_come_to_the_processor(run: Run, tmp_path: Path, weights: Weights, case: str) -> None:
    torch.save(weights, tmp_path / "cpu.pt")
    with (
        zipfile.ZipFile(tmp_path / "cpu.pt") as old,
        zipfile.ZipFile(tmp_path / "cuda.pt", "w", zipfile.ZIP_STORED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0"))
    here, there = (evaluated(run, tmp_path / name) for name in ("cpu.pt", "cuda.pt"))
    assert b"cuda:0" in (tmp_path / "cuda.pt").read_bytes()
    assert there.code == 0, there.err
    assert there.out.partition(":")[2] == here.out.partition(":")[2]


def _newer_checkpoint(trained: Path, folder: Path) -> Path:
    content = torch.load(trained / "checkpoint.pt", weights_only=True)
    content["calib"]["format"] = 99
    torch.save(content, folder / "newer.pt")
    return folder / "newer.pt"


def _newer_predictions(trained: Path, folder: Path) -> Path:
    return save(folder / "newer.npz", **sample(), meta=np.array(json.dumps({"format": 99})))


@pytest.mark.parametrize("case", ["15-checkpoint", "15-predictions"])
def test_files_of_a_newer_calib_ask_for_an_upgrade(run: Run, trained: Path, tmp_path: Path, case: str) -> None:
    path = (_newer_checkpoint if case.endswith("checkpoint") else _newer_predictions)(trained, tmp_path)
    for command in (("evaluate", path), ("info", path), ("predict", path, "-o", tmp_path / "p.npz")):
        assert_refused(run(*command), "written by a newer calib", "upgrade", path.name)


@pytest.mark.parametrize("case", ["15-calibrator"])
def test_a_calibrator_of_a_newer_calib_asks_for_an_upgrade(run: Run, trained: Path, tmp_path: Path, case: str) -> None:
    path = tmp_path / "newer.json"
    path.write_text(json.dumps({"format": 99, "method": "temperature", "parameters": {"temperature": 2.0}}))
    assert_refused(run("apply", path, trained, "-o", tmp_path / "p.npz"), "written by a newer calib", "newer.json")
    assert_refused(run("evaluate", trained, "--calibrator", path), "written by a newer calib", "newer.json")
