"""Cases 25 to 28: CSV, npz, Parquet and safetensors that are odd, damaged, or made to exhaust the memory."""

import gzip
import json
import resource
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .conftest import Run, assert_refused, sample, save

pytestmark = pytest.mark.timeout(120)
GIB = 1 << 30
GOOD = sample()
HEAD = "label,prob_0,prob_1\n"


def table(rows: int = 20, *, separator: str = ",", end: str = "\n") -> str:
    lines = [["label", "logit_0", "logit_1", "logit_2"]]
    lines += [
        [str(y), *map(str, z.tolist())] for z, y in zip(GOOD["logits"][:rows], GOOD["labels"][:rows], strict=True)
    ]
    return end.join(separator.join(line) for line in lines) + end


TAKEN = {
    "25-byte-order-mark": b"\xef\xbb\xbf" + table().encode(),
    "25-crlf": table(end="\r\n").encode(),
    "25-semicolon": table(separator=";").encode(),
    "25-tab": table(separator="\t").encode(),
    "25-gzip": gzip.compress(table().encode(), mtime=0),
    "25-quoted": "\n".join(",".join(f'"{cell}"' for cell in row.split(",")) for row in table().splitlines()).encode(),
    "25-no-last-newline": table().rstrip("\n").encode(),
}


@pytest.mark.parametrize("case", TAKEN)
def test_every_way_of_writing_a_table_is_the_same_table(run: Run, tmp_path: Path, case: str) -> None:
    (tmp_path / "t.csv").write_bytes(TAKEN[case])
    (tmp_path / "plain.csv").write_text(table())
    found, expected = (
        json.loads(run("evaluate", tmp_path / name, "--json").out)["uncalibrated"] for name in ("t.csv", "plain.csv")
    )
    assert found == expected


REFUSED: dict[str, tuple[bytes, str]] = {
    "25-decimal-comma": (b"label;prob_0;prob_1\n0;0,25;0,75\n", "write decimals with a point"),
    "25-ragged-longer": (f"{HEAD}0,.5,.5\n1,.5,.5,.7\n".encode(), "Expected 3 fields"),
    "25-ragged-shorter": (f"{HEAD}0,.5,.5\n1,.5\n".encode(), "row 1"),
    "25-open-quote": (f'{HEAD}0,.5,".5\n1,.5,.5\n'.encode(), "no table of columns"),
    "25-latin-1": ("label,prob_M\xfcnchen,prob_K\xf6ln\n0,.5,.5\n".encode("latin-1"), "UTF-8"),
    "25-utf-16": (f"{HEAD}0,.5,.5\n".encode("utf-16"), "UTF-8"),
    "25-nul-bytes": (f"{HEAD}0,.5,.5\n".encode() + 100 * b"\0", "t.csv"),
    "25-cut-gzip": (gzip.compress(table().encode(), mtime=0)[:-20], "t.csv"),
    "25-long-header": (b"label," + b"x" * (33 << 20), "line 1 is longer"),
    "28-header-of-2-to-60": (struct.pack("<Q", 1 << 60) + b'{"logits":{}}', "t.csv"),
    "28-header-beyond-the-end": (struct.pack("<Q", 5000) + b'{"logits":{}}', "damaged"),
    "28-offsets-out-of-range": (
        (lambda head: struct.pack("<Q", len(head)) + head + 8 * b"\0")(
            b'{"logits":{"dtype":"F32","shape":[1000,1000],"data_offsets":[0,4000000]}}'
        ),
        "damaged",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_tables_that_cannot_be_read_get_one_clear_sentence(run: Run, tmp_path: Path, case: str) -> None:
    if case.startswith("28"):
        pytest.importorskip("safetensors", reason="the extra `safetensors` is not installed")
    content, words = REFUSED[case]
    (tmp_path / "t.csv").write_bytes(content)
    assert_refused(run("evaluate", tmp_path / "t.csv", "--from", "probs"), words, "t.csv")


def _header(array: str, path: Path) -> Path:
    """An npz whose array says of itself what it likes."""
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(array)) + array.encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("logits.npy", head + 48 * b"\0")
        archive.writestr("labels.npy", head + 48 * b"\0")
    return path


def _bomb(path: Path) -> Path:
    """Two gigabytes and more of zeros in two megabytes."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("logits.npy", "w", force_zip64=True) as member,
    ):
        for _ in range(2100):
            member.write(bytes(1 << 20))
    return path


ODD_ARRAYS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "26-objects": (lambda path: save(path, logits=np.array([[1, "a"]], object), labels=[0]), "plain arrays"),
    "26-structured": (
        lambda path: save(path, logits=np.zeros(4, [("a", "f8"), ("b", "f8")]), labels=np.zeros(4, int)),
        "p.npz",
    ),
    "26-shape-of-terabytes": (
        lambda path: _header("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000, 3), }\n", path),
        "p.npz",
    ),
    "26-shape-too-large": (
        lambda path: _header("{'descr': '<f8', 'fortran_order': False, 'shape': (7, 3), }\n", path),
        "plain arrays",
    ),
    "26-header-of-code": (lambda path: _header("__import__('os').system('touch canary')\n", path), "plain arrays"),
}


@pytest.mark.parametrize("case", ODD_ARRAYS)
def test_arrays_that_are_no_numbers_or_lie_about_their_size_are_refused(run: Run, tmp_path: Path, case: str) -> None:
    make, words = ODD_ARRAYS[case]
    assert_refused(run("evaluate", make(tmp_path / "p.npz")), words, "p.npz")


@pytest.mark.parametrize("case", ["26-fortran-order", "26-big-endian"])
def test_layout_and_byte_order_mean_nothing(run: Run, tmp_path: Path, case: str) -> None:
    logits = np.asfortranarray(GOOD["logits"]) if case.endswith("order") else GOOD["logits"].astype(">f8")
    labels = GOOD["labels"].astype(">i4")
    found, expected = (
        json.loads(run("evaluate", save(tmp_path / "p.npz", **arrays), "--json").out)["uncalibrated"]
        for arrays in ({"logits": logits, "labels": labels}, GOOD)
    )
    assert found == expected


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = ["calib", *sys.argv[2:]]
from calib.cli import main
try:
    main()
finally:
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}", file=sys.stderr)
"""


def limited(*arguments: object, limit: int = 4 * GIB) -> tuple[int, list[str], float]:
    """Exit code, lines on stderr and peak memory in MiB of a command that must not have more than ``limit``."""
    command = [sys.executable, "-c", LIMITED, str(limit), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=550, check=False)
    *lines, peak = done.stderr.strip().splitlines()
    return done.returncode, lines, int(peak.split()[1]) / 1024


def _long_line(path: Path, head: str, *, zipped: bool = False) -> Path:
    with gzip.open(path, "wb", compresslevel=1) if zipped else path.open("wb") as file:
        file.write(head.encode())
        for _ in range(200):
            file.write(b"1" * (1 << 20))
    return path


BOMBS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "25-line-of-200-mb": (lambda folder: _long_line(folder / "long.csv", HEAD), "line 2 is longer"),
    "25-line-of-200-mb-gzip": (lambda folder: _long_line(folder / "l.csv.gz", HEAD, zipped=True), "line 2 is longer"),
    "25-line-of-200-mb-json": (lambda folder: _long_line(folder / "l.jsonl", '{"label": 0, "logits": ['), "line 1 is"),
    "26-bomb": (lambda folder: _bomb(folder / "bomb.npz"), "would inflate to 2 GiB"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", BOMBS)
def test_memory_stays_bounded_whatever_a_file_would_make_of_it(tmp_path: Path, case: str) -> None:
    make, words = BOMBS[case]
    path, started = make(tmp_path), time.monotonic()
    code, lines, peak = limited("evaluate", path)
    assert code == 2
    assert len(lines) == 2
    assert words in lines[0]
    assert str(path) in lines[0]
    assert peak < 400
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("case", ["26-bomb-in-brief"])
def test_a_bomb_is_refused_before_anything_is_inflated(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    path = save(tmp_path / "p.npz", **GOOD)
    whole = bytearray(path.read_bytes())
    entry = whole.index(b"PK\x01\x02")
    whole[entry + 24 : entry + 28] = struct.pack("<I", 0x80000000)
    path.write_bytes(whole)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("a member was opened"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert_refused(run("evaluate", path), "would inflate to 2 GiB")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
