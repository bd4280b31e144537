"""Case 32: the n-th write fails, for every n until none is left: nothing is lost, and nothing pretended."""

import contextlib
import errno
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calib.errors import InputError
from calib.files.atomic import leftovers
from calib.studies._files import write_page
from calib.studies._page import Section
from calib.training.config import TrainConfig
from calib.training.finished import is_finished

from .conftest import Run, assert_refused, contents, sample, save
from .failing import failing_disk

pytestmark = pytest.mark.timeout(280)
MOST = 400  # things that a command asks of the disk

COMMANDS = {
    "32-predict": "predict {source} --force -o {out}/new.npz",
    "32-calibrate": "calibrate {source} --force -o {out}/new.json",
    "32-apply": "apply {calibrator} {source} --force -o {out}/new.npz",
    "32-apply-csv": "apply {calibrator} {source} --force -o {out}/new.csv",
    "32-apply-jsonl": "apply {calibrator} {source} --force -o {out}/new.jsonl",
    "32-apply-parquet": "apply {calibrator} {source} --force -o {out}/new.parquet",
    "32-per-class": "per-class {source} --force -o {out}/new.txt",
}
SLOW = {
    "32-evaluate": "evaluate {source} --force -o {out}/new.txt",
    "32-compare": "compare {source} --force -o {out}/new.csv --format csv",
    "32-compare-calibrators": "compare-calibrators {source} --force -o {out}/new.md --format markdown",
    "32-report": "report {source} --force -o {out}/new.html",
    "32-reliability-plot": "reliability-plot {source} --force -o {out}/new.png",
}
CODES = [errno.ENOSPC, *(pytest.param(code, marks=pytest.mark.slow) for code in (errno.EIO, errno.EROFS, errno.EDQUOT))]


@pytest.fixture
def words(run: Run, tmp_path: Path) -> Callable[[str], list[str]]:
    """A command with its files: predictions, a calibrator, and a folder ``out`` that holds an older result."""
    source = save(tmp_path / "p.npz", **sample(60))
    assert run("calibrate", source, "-o", tmp_path / "c.json").code == 0
    (tmp_path / "out").mkdir()

    def words(command: str) -> list[str]:
        filled = command.format(source=source, calibrator=tmp_path / "c.json", out=tmp_path / "out").split()
        Path(filled[filled.index("-o") + 1]).write_bytes(b"old")
        return filled

    return words


def timeless(folder: Path) -> dict[str, bytes]:
    """The files of a folder without the seconds that end a row of a comparison."""
    return {name: re.sub(rb"\d\.\d\d +\|\n", b"", content or b"") for name, content in contents(folder).items()}


@pytest.mark.parametrize("code", CODES, ids=lambda code: errno.errorcode[code])
@pytest.mark.parametrize("case", [*COMMANDS, *(pytest.param(case, marks=pytest.mark.slow) for case in SLOW)])
def test_a_disk_that_fails_at_any_call_leaves_the_old_file_and_exits_2(
    run: Run, tmp_path: Path, words: Callable[[str], list[str]], case: str, code: int
) -> None:
    command = words({**COMMANDS, **SLOW}[case])
    out = tmp_path / "out"
    before = contents(out)
    assert run(*command).code == 0
    good = timeless(out)
    assert good.keys() == before.keys()
    refused = 0
    for fails_at in range(1, MOST):
        (name,) = before
        (out / name).write_bytes(before[name] or b"")
        with failing_disk(str(out), fails_at, code) as disk:
            result = run(*command)
        if not disk.failed:
            assert timeless(out) == good
            break
        if result.code == 0:  # the folder could not be synced: the file itself was
            assert timeless(out) == good
            continue
        refused += 1
        assert result.code == 2, result.err
        assert result.out == ""
        error, cure = result.err.strip().splitlines()[-2:]  # warnings come before
        assert error.startswith(f"error: cannot write {out / name}: ")
        assert cure.startswith("help: ")
        assert contents(out) == before
    else:
        pytest.fail("the disk was never good enough")
    assert refused >= 5  # made, written, synced, its mode, renamed


@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", ["32-training"])
@pytest.mark.parametrize("code", [pytest.param(errno.ENOSPC, marks=pytest.mark.slow)], ids=["ENOSPC"])
def test_a_training_on_a_failing_disk_never_says_that_it_is_done_and_can_be_gone_on_with(
    run: Run, tmp_path: Path, case: str, code: int
) -> None:
    import torch

    folder = tmp_path / "run"
    command = ["train", "--dataset", "digits", "--width", "2", "--train-size", "64", "--epochs", "1", "-o", str(folder)]
    config = TrainConfig(dataset="digits", width=2, train_size=64, epochs=1)
    expected = None
    for fails_at in range(1, MOST, 4):  # a training takes its time
        with failing_disk(str(folder), fails_at, code) as disk:
            result = run(*command, "--resume")
        assert not folder.exists() or leftovers(folder) == []
        if result.code != 0:
            assert result.code == 2, result.err
            assert len(result.err.strip().splitlines()) <= 3
            assert result.out == ""
            assert run(*command, "--resume").code == 0
        assert is_finished(config, folder)
        found = torch.load(folder / "checkpoint.pt", weights_only=True)["state_dict"]
        expected = expected or found
        assert all(torch.equal(found[name], expected[name]) for name in expected)
        if not disk.failed:
            break
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    else:
        pytest.fail("the disk was never good enough")
    assert fails_at > 30


@pytest.mark.parametrize("case", ["32-study-page"])
def test_a_study_on_a_failing_disk_leaves_whole_files_and_fails(tmp_path: Path, case: str) -> None:
    out = tmp_path / "study"
    table = pd.DataFrame({"model": ["a", "b"], "ece": [0.1, 0.2]})

    def write() -> None:
        sections = [Section("Scores", ["Made by `calib study`."], table.astype(str))]
        write_page(out, "page", "A study", sections, tables={"table": table}, figures={})

    write()
    good = contents(out)
    for fails_at in range(1, MOST):
        with failing_disk(str(out), fails_at, errno.ENOSPC) as disk:
            with contextlib.suppress(InputError):
                write()
            assert contents(out) == good
        if not disk.failed:
            break
    assert fails_at > 15


@pytest.mark.parametrize("case", ["32-folder-vanishes"])
def test_a_folder_that_vanishes_before_the_rename_is_an_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    import os
    import shutil

    source = save(tmp_path / "p.npz", **sample(60))
    real = os.replace

    def vanish(old: str, new: str) -> None:
        shutil.rmtree(tmp_path / "out")
        real(old, new)

    monkeypatch.setattr(os, "replace", vanish)
    assert_refused(run("predict", source, "-o", tmp_path / "out" / "q.npz"), "cannot write", "q.npz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.npz"]


@pytest.mark.parametrize("case", ["32-other-device"])
def test_temporary_files_lie_beside_their_target_whatever_tmpdir_says(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setenv("TMPDIR", "/proc/self/nowhere")
    source = save(tmp_path / "p.npz", logits=np.eye(3), labels=[0, 1, 2])
    assert run("predict", source, "-o", tmp_path / "q.npz").code == 0
