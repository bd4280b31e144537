"""Checkpoints describe themselves, notice damage, and never run code from a file."""

import pickle
import zipfile
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from calib.errors import InputError
from calib.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from calib.training.config import TrainConfig
from calib.training.loop import train


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return train(TrainConfig(dataset="digits", width=2, epochs=1, train_size=64, label_noise=0.4, smoothing=0.05))


@pytest.fixture
def path(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    save_checkpoint(checkpoint, tmp_path / "checkpoint.pt")
    return tmp_path / "checkpoint.pt"


class RunsCode:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.canary,)


def test_everything_comes_back(checkpoint: Checkpoint, path: Path) -> None:
    loaded = load_checkpoint(path)
    for name in ("config", "history", "class_names", "normalisation", "input_shape", "fingerprint", "versions"):
        assert getattr(loaded, name) == getattr(checkpoint, name)
    for part in ("train", "calibration", "test"):
        assert np.array_equal(getattr(loaded.split, part), getattr(checkpoint.split, part))
    x = torch.randn(3, 1, 8, 8)
    assert torch.equal(loaded.model()(x), checkpoint.model()(x))


def test_the_file_holds_plain_types_only(path: Path) -> None:
    assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == []


def test_every_flipped_bit_is_noticed_or_harmless(checkpoint: Checkpoint, path: Path) -> None:
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for position in rng.choice(len(whole), 300, replace=False):
        broken = bytearray(whole)
        broken[position] ^= 1 << rng.integers(8)
        path.write_bytes(broken)
        try:
            loaded = load_checkpoint(path)
        except InputError:
            refused += 1
            continue
        for name, tensor in checkpoint.state_dict.items():
            assert torch.equal(loaded.state_dict[name], tensor)
        assert loaded.config == checkpoint.config
    assert refused > 150


def test_a_flipped_weight_is_a_checksum_mismatch(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda member: member.file_size)
    broken = bytearray(path.read_bytes())
    broken[largest.header_offset + 30 + len(largest.filename) + largest.file_size // 2 + 64] ^= 1
    path.write_bytes(broken)
    with pytest.raises(InputError, match="checksum mismatch"):
        load_checkpoint(path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match=r"truncated|damaged|empty"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><title>404</title>", "HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (b"", "empty file"),
        (b'{"error": "not found"}', "JSON"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"\x00\x01\x02\x03" * 100, "unknown binary"),
    ],
)
def test_what_is_no_checkpoint_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "model.pt"
    file.write_bytes(content)
    with pytest.raises(InputError, match=words):
        load_checkpoint(file)


def test_a_pickle_that_would_run_code_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    torch.save({"calib": {"format": 1}, "state_dict": RunsCode(canary)}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match="could run code"):
        load_checkpoint(tmp_path / "evil.pt")
    assert not canary.exists()


def test_a_legacy_pickle_that_would_run_code_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "evil.pt").write_bytes(pickle.dumps(RunsCode(canary)))
    with pytest.raises(InputError, match="pickle"):
        load_checkpoint(tmp_path / "evil.pt")
    assert not canary.exists()


def test_a_whole_module_is_refused_with_the_way_to_save_it_again(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(InputError, match=r"torch\.nn\.modules\.linear\.Linear") as error:
        load_checkpoint(tmp_path / "module.pt")
    assert "state_dict" in error.value.help


def test_compressed_duplicate_and_escaping_members_are_refused(path: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    bomb, escaping, double = (tmp_path / name for name in ("bomb.pt", "escaping.pt", "double.pt"))
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with zipfile.ZipFile(escaping, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
        archive.writestr("../../evil", b"")
    with zipfile.ZipFile(double, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("archive/data.pkl", b"x")
    for file, words in ((bomb, "compressed"), (escaping, "escaping"), (double, "duplicate")):
        with pytest.raises(InputError, match=words):
            load_checkpoint(file)


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", logits=np.zeros((2, 2)))
    with pytest.raises(InputError, match="no torch checkpoint"):
        load_checkpoint(tmp_path / "p.npz")


def test_bare_weights_say_how_to_go_on(tmp_path: Path) -> None:
    torch.save(OrderedDict(w=torch.zeros(2)), tmp_path / "w.pt")
    with pytest.raises(InputError, match="not made by `calib train`") as error:
        load_checkpoint(tmp_path / "w.pt")
    assert "calib.predict" in error.value.help


def rewrite(path: Path, change: Any) -> None:
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)


def test_a_newer_format_asks_for_an_upgrade(path: Path) -> None:
    rewrite(path, lambda content: content["calib"].update(format=99))
    with pytest.raises(InputError, match="newer calib"):
        load_checkpoint(path)


def test_an_unknown_architecture_names_the_known_ones(path: Path) -> None:
    rewrite(path, lambda content: content["calib"]["config"].update(arch="vit9000"))
    with pytest.raises(InputError, match="vit9000"):
        load_checkpoint(path).model()


@pytest.mark.parametrize("key", ["config", "class_names", "mean", "fingerprint", "history"])
def test_a_missing_field_is_refused(path: Path, key: str) -> None:
    rewrite(path, lambda content: content["calib"].pop(key))
    with pytest.raises(InputError, match="incomplete checkpoint"):
        load_checkpoint(path)


def test_weights_of_another_shape_are_refused(checkpoint: Checkpoint) -> None:
    wider = replace(checkpoint, config=replace(checkpoint.config, width=8))
    with pytest.raises(InputError, match="do not fit"):
        wider.model()


def test_hostile_class_names_come_back(checkpoint: Checkpoint, tmp_path: Path) -> None:
    names = ("$x^$", "[/]", "<script>", "\x1b[31m", "NA", "a\nb", "", "nan", "ü", "=1+1")
    save_checkpoint(replace(checkpoint, class_names=names), tmp_path / "c.pt")
    assert load_checkpoint(tmp_path / "c.pt").class_names == names


def test_a_file_that_does_not_exist_and_a_folder_are_refused(tmp_path: Path) -> None:
    for file in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(InputError, match="a checkpoint was expected"):
            load_checkpoint(file)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("history", []),
        ("history", "none"),
        ("class_names", 7),
        ("class_names", []),
        ("input_shape", [10**9, 8, 8]),
        ("input_shape", "ab"),
        ("mean", None),
        ("versions", 3),
        ("kept_epoch", 0),
        ("kept_epoch", 99),
        ("kept_epoch", "1"),
        ("n_epochs", 0),
        ("config", {"dataset": "digits", "epochs": 1e300}),
        ("config", {"dataset": ["digits"]}),
        ("config", {"dataset": "digits", "width": 10**9}),
    ],
)
def test_hostile_metadata_is_refused_in_words(path: Path, where: str, value: Any) -> None:
    rewrite(path, lambda content: content["calib"].update({where: value}))
    with pytest.raises(InputError):
        load_checkpoint(path).model()
