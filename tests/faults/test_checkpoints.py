"""Cases 1 to 7: files that are no checkpoint, are damaged, or would run code; none is opened, all are named."""

import contextlib
import io
import os
import pickle
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.package.package_exporter import PackageExporter

from calib.errors import InputError
from calib.models.weights_file import read_tensors

from .conftest import Run, assert_refused, contents, unprivileged

pytestmark = pytest.mark.timeout(60)

# every place of the command line that opens what somebody names; {run} is a good run directory
COMMANDS = {
    "evaluate": "evaluate {source}",
    "pattern": "evaluate {source}*",
    "calibration": "evaluate {run} --calibration {source}",
    "against": "evaluate {run} --against {source}",
    "calibrator": "evaluate {run} --calibrator {source}",
    "labels": "evaluate {logits} --labels {source}",
    "predict": "predict {source} -o {new}.npz",
    "reliability-plot": "reliability-plot {source} -o {new}.png",
    "compare": "compare {source}",
    "calibrate": "calibrate {source} -o {new}.json",
    "apply": "apply {source} {run} -o {new}.npz",
    "compare-calibrators": "compare-calibrators {source}",
    "per-class": "per-class {source}",
    "info": "info {source}",
    "config": "train --config {source} -o {new}",
    "teacher": "train --dataset digits --teacher {source} -o {new}",
    "projections": "study projections {source} --output {new}.png",
}


def _unreadable(folder: Path) -> Path:
    path = folder / "secret.npz"
    np.savez(path, logits=np.zeros((2, 2)), labels=[0, 1])
    path.chmod(0)
    return path


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _folder(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


SPECIAL: dict[str, Callable[[Path], Path]] = {
    "01-missing": lambda folder: folder / "nothing",
    "01-folder": _folder,
    "01-pipe": _pipe,
    "01-endless-device": lambda folder: Path("/dev/zero"),
    "01-unreadable-device": lambda folder: Path("/proc/self/mem"),
    "01-permission-denied": _unreadable,
}


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs pipes and devices")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("case", SPECIAL)
def test_what_is_no_file_is_refused_by_every_command(
    run: Run, trained: Path, open_folder: Path, case: str, command: str
) -> None:
    good = shutil.copytree(trained, open_folder / "good")
    source, logits = SPECIAL[case](open_folder), open_folder / "scores.npy"
    np.save(logits, np.zeros((2, 2)))
    words = COMMANDS[command].format(source=source, run=good, logits=logits, new=open_folder / "free" / "new").split()
    (open_folder / "free").mkdir()
    (open_folder / "free").chmod(0o777)
    before = sorted(open_folder.rglob("*"))
    with unprivileged() if case.endswith("denied") else contextlib.nullcontext():
        result = run(*words)
    assert_refused(result, str(source))
    assert sorted(open_folder.rglob("*")) == before


def _tar() -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("data.pkl"), io.BytesIO())
    return whole.getvalue()


OTHERS = {
    "02-empty": (b"", "an empty file"),
    "02-html": (b"<!DOCTYPE html><title>404</title>", "an HTML page"),
    "02-json": (b'{"error": "not found"}', "JSON text"),
    "02-lfs-pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
    "02-xz": (b"\xfd7zXZ\x00\x00\x04", "an xz file"),
    "02-gzip": (b"\x1f\x8b\x08\x00", "a gzip file"),
    "02-tar": (_tar(), "a tar archive"),
    "02-zip-of-photos": (b"PK\x05\x06" + 18 * b"\0", "no torch checkpoint"),
    "02-zip-of-several-disks": (
        b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 2) + b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, 9, 0, 0),
        "multiple disks",
    ),
    "02-text": (b"see README\n", "a text file"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_file_of_another_kind_is_named_as_what_it_is(run: Run, tmp_path: Path, case: str) -> None:
    content, words = OTHERS[case]
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    for command in ("info", "evaluate", "calibrate"):
        output = ("-o", tmp_path / "new.json") if command == "calibrate" else ()
        assert_refused(run(command, path, *output), words, "model.pt")


@pytest.mark.parametrize("case", ["02-cut-anywhere-zip", "02-cut-anywhere-legacy"])
def test_a_checkpoint_cut_at_any_byte_is_refused(tmp_path: Path, case: str) -> None:
    path = tmp_path / "model.pt"
    torch.save({"fc.weight": torch.arange(3.0)}, path, _use_new_zipfile_serialization=case.endswith("zip"))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError):
            read_tensors(path)


@pytest.mark.parametrize("case", ["03-flipped-bit"])
def test_a_flipped_bit_in_any_record_names_the_record(trained: Path, tmp_path: Path, run: Run, case: str) -> None:
    whole = (trained / "checkpoint.pt").read_bytes()
    path = tmp_path / "flipped.pt"
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(trained / "checkpoint.pt") as archive:
        members = [member for member in archive.infolist() if member.file_size]
    for member in members:
        name_size, extra_size = struct.unpack_from("<HH", whole, member.header_offset + 26)
        start = member.header_offset + 30 + name_size + extra_size
        flipped = bytearray(whole)
        flipped[start + rng.integers(member.file_size)] ^= 1 << rng.integers(8)
        path.write_bytes(flipped)
        with pytest.raises(InputError, match=f"checksum mismatch in {member.filename} of"):
            read_tensors(path)
    assert_refused(run("evaluate", path), "checksum mismatch")


def _rewritten(source: Path, target: Path, **changes: Any) -> Path:
    """A copy of a zip archive, its members compressed or called otherwise."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member), compress_type=changes.get("compress_type"))
        for name in changes.get("more", ()):
            new.writestr(name, b"x")
    return target


def _oversized(source: Path, target: Path) -> Path:
    """Declare a terabyte for a stored member, in the directory alone."""
    whole = bytearray(source.read_bytes())
    entry = whole.index(b"PK\x01\x02")
    whole[entry + 20 : entry + 28] = struct.pack("<II", 0xFFFFFFF0, 0xFFFFFFF0)
    target.write_bytes(whole)
    return target


ARCHIVES: dict[str, tuple[Callable[[Path, Path], Path], str]] = {
    "04-deflated": (lambda s, t: _rewritten(s, t, compress_type=zipfile.ZIP_DEFLATED), "compressed parts"),
    "04-oversized": (_oversized, "more than it holds"),
    "05-duplicate": (lambda s, t: _rewritten(s, t, more=["archive/data.pkl"]), "duplicate"),
    "05-parent": (lambda s, t: _rewritten(s, t, more=["../../etc/cron.d/x"]), "escaping"),
    "05-absolute": (lambda s, t: _rewritten(s, t, more=["/etc/cron.d/x"]), "escaping"),
    "05-backslash": (lambda s, t: _rewritten(s, t, more=["..\\..\\x"]), "escaping"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", ARCHIVES)
def test_odd_archives_are_refused_by_their_directory_alone(
    run: Run, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    spoil, words = ARCHIVES[case]
    path = spoil(trained / "checkpoint.pt", tmp_path / "odd.pt")

    def opened(*_: Any, **__: Any) -> None:
        pytest.fail("a member was opened")

    monkeypatch.setattr(zipfile.ZipFile, "open", opened)
    for command in ("evaluate", "info"):
        assert_refused(run(command, path), words, "odd.pt")


class Calls:
    """Unpickled, it calls what it is given."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


PAYLOADS: dict[str, Callable[[Path], Any]] = {
    "06-os-system": lambda canary: Calls(os.system, f"touch {canary}"),
    "06-eval": lambda canary: Calls(eval, f"open({str(canary)!r}, 'w')"),
    "06-getattr": lambda canary: Calls(getattr, Path(canary), "touch"),
    "06-torch-hub": lambda canary: Calls(torch.hub.load, str(canary.parent), "x"),
    "06-numpy-objects": lambda canary: np.array([Calls(Path.touch, canary)], object),
}


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
@pytest.mark.parametrize("case", PAYLOADS)
def test_nothing_in_a_file_is_ever_run(run: Run, tmp_path: Path, case: str, form: str) -> None:
    canary, path = tmp_path / "canary", tmp_path / "model.pt"
    (tmp_path / "hubconf.py").write_text(f"open({str(canary)!r}, 'w')")
    content = {"state_dict": {"fc.weight": torch.zeros(2, 2)}, "extra": PAYLOADS[case](canary)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(content["extra"]))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    before = contents(tmp_path)
    for command in ("evaluate", "info"):
        assert_refused(run(command, path), "could run code from the file", "torch.save(model.state_dict()")
    assert contents(tmp_path) == before


def _package(path: Path) -> None:
    with PackageExporter(path) as exporter:
        exporter.save_text("pack", "words.txt", "hello")


def _program(path: Path) -> None:
    torch.export.save(torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),)), path)


WHOLE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "07-module": (lambda path: torch.save(torch.nn.Linear(2, 2), path), "torch.nn.modules.linear.Linear"),
    "07-torchscript": (
        lambda path: torch.jit.script(torch.nn.Linear(2, 2)).save(str(path)),  # type: ignore[no-untyped-call]
        "TorchScript",
    ),
    "07-exported-program": (_program, "torch.export"),
    "07-package": (_package, "torch.package"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", WHOLE)
def test_networks_saved_whole_are_refused_with_the_way_to_save_them_again(run: Run, tmp_path: Path, case: str) -> None:
    make, words = WHOLE[case]
    make(tmp_path / "whole.pt2")
    assert_refused(run("evaluate", tmp_path / "whole.pt2"), words, "torch.save(model.state_dict()")
