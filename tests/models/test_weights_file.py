"""Files of weights are opened without running what is in them, in torch's formats old and new, and safetensors."""

import argparse
import pathlib
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from calib.errors import InputError
from calib.models.weights_file import read_tensors

WEIGHTS = {"fc.weight": torch.arange(6.0).reshape(2, 3), "fc.bias": torch.zeros(2)}


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return pathlib.Path.touch, (self.canary,)


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_and_plain_metadata_are_read(tmp_path: Path, zipped: bool) -> None:
    content = {
        "model": WEIGHTS,
        "args": argparse.Namespace(lr=0.1, data=pathlib.PurePosixPath("/data")),
        "acc": np.float64(91.5),
        "best": np.float32(1.5),
        "epoch": 3,
    }
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    found = read_tensors(tmp_path / "a.pth")
    assert torch.equal(found["model"]["fc.weight"], WEIGHTS["fc.weight"])
    assert found["args"].lr == 0.1
    assert float(found["acc"]) == 91.5


def test_safetensors_are_read(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch", reason="the extra `safetensors` is not installed")
    safetensors.save_file(WEIGHTS, tmp_path / "model.safetensors")
    assert torch.equal(read_tensors(tmp_path / "model.safetensors")["fc.weight"], WEIGHTS["fc.weight"])


@pytest.mark.parametrize("zipped", [True, False])
def test_what_would_run_code_is_refused_and_does_not(tmp_path: Path, zipped: bool) -> None:
    canary = tmp_path / "canary"
    torch.save({"state_dict": WEIGHTS, "x": Evil(canary)}, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match="could run code from the file") as error:
        read_tensors(tmp_path / "a.pt")
    assert "state_dict()" in error.value.help
    assert not canary.exists()


@pytest.mark.filterwarnings("ignore")
def test_programs_and_modules_are_refused_by_name(tmp_path: Path) -> None:
    module = torch.nn.Linear(2, 2)
    torch.save(module, tmp_path / "module.pt")
    torch.save(module, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    torch.jit.script(module).save(str(tmp_path / "script.pt"))  # type: ignore[no-untyped-call]
    torch.export.save(torch.export.export(module, (torch.zeros(1, 2),)), tmp_path / "program.pt2")
    (tmp_path / "raw.pkl").write_bytes(pickle.dumps({"a": 1}))
    for name, words in (
        ("module.pt", "torch.nn.modules.linear.Linear"),
        ("old.pt", "torch.nn.modules.linear.Linear"),
        ("script.pt", "TorchScript"),
        ("program.pt2", "torch.export"),
        ("raw.pkl", "a pickle"),
    ):
        with pytest.raises(InputError, match="could run code") as error:
            read_tensors(tmp_path / name)
        assert words in str(error.value)


def test_other_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "page.pt").write_text("<html>404</html>")
    (tmp_path / "empty.pt").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.txt", "hello")
    for name, words in (
        ("page.pt", "an HTML page"),
        ("empty.pt", "an empty file"),
        ("photos.zip", "no torch checkpoint"),
    ):
        with pytest.raises(InputError, match=words):
            read_tensors(tmp_path / name)
    with pytest.raises(InputError, match="is a folder, a checkpoint was expected"):
        read_tensors(tmp_path)


def test_an_old_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    whole = (tmp_path / "a.pth").read_bytes()
    for size in range(0, len(whole), 7):
        (tmp_path / "cut.pth").write_bytes(whole[:size])
        with pytest.raises(InputError):
            read_tensors(tmp_path / "cut.pth")


def test_mutated_old_files_raise_nothing_but_input_errors(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    whole, rng = np.frombuffer((tmp_path / "a.pth").read_bytes(), np.uint8), np.random.default_rng(3)
    for _ in range(150):
        changed = whole.copy()
        changed[rng.integers(len(changed), size=2)] = rng.integers(256, size=2)
        (tmp_path / "mutant.pth").write_bytes(changed.tobytes())
        try:
            read_tensors(tmp_path / "mutant.pth")
        except InputError:
            continue
