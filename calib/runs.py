"""A run is a directory: train a network into one, epoch by epoch, so that one that dies can be taken up again."""

import contextlib
import csv
import io
import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calib.content_hash import file_hash
from calib.errors import InputError
from calib.files.atomic import atomic_file, leftovers, made_folder
from calib.files.npz import save_predictions
from calib.files.run_folder import CALIBRATION, CHECKPOINT, CONFIG, DONE, EVENTS, FIGURE, HISTORY, RUN, TEST
from calib.inference import Part, predict_part
from calib.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from calib.training.config import TrainConfig
from calib.training.epoch import OnStep
from calib.training.finished import is_finished, written_config
from calib.training.loop import OnEpoch, train
from calib.training.ranks import ALONE, Ranks

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_SAVED: tuple[tuple[Part, str], ...] = (("calibration", CALIBRATION), ("test", TEST))
SECONDS = 1.0  # between two checkpoints at least: an epoch of a small network is over sooner than its file is written


def train_run(
    config: TrainConfig,
    output: Path | str,
    *,
    data_dir: Path | None = None,
    device: str = "cpu",
    force: bool = False,
    resume: bool = False,
    ranks: Ranks = ALONE,
    on_step: OnStep | None = None,
    on_epoch: OnEpoch | None = None,
) -> Checkpoint:
    """Train as ``config`` says into the run directory ``output``.

    The checkpoint and the history are written after every epoch, or once a second where epochs are shorter, and when
    the training breaks off; ``done.json`` comes last, when all is there.  With ``resume`` an unfinished run of this
    config goes on where it was and a finished one is left as it is; with ``force`` what is there is replaced, once
    there is something to replace it with.

    Raises `InputError` where ``output`` exists (but for the two), holds anything but a run, or cannot be written:
    before any training.
    """
    folder = Path(output)
    refuse_other_content(folder)
    if not force:
        found_run(config, folder, resume=resume)  # what must be refused is refused before a folder is made
    with _alone_in(folder) if ranks.is_first else contextlib.nullcontext():
        before = None if force else found_run(config, folder, resume=resume)
        if before is not None and is_finished(config, folder):
            return before
        with _kept_in(folder) as keep:

            def after_epoch(so_far: Checkpoint) -> None:
                if ranks.is_first:
                    keep(so_far)
                if on_epoch is not None:
                    on_epoch(so_far)

            checkpoint = train(
                config,
                data_dir=data_dir,
                device=device,
                resume=before,
                ranks=ranks,
                on_step=on_step,
                on_epoch=after_epoch,
            )
        if ranks.is_first:
            _save(checkpoint, folder)
            _finish(checkpoint, folder, data_dir, device)
    return checkpoint


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make the folder and keep other trainings out of it; a process that dies gives it free."""
    with made_folder(folder), _locked(folder):
        for file in leftovers(folder):
            file.unlink()
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"another process is training into {folder}", help="wait for it, or stop it") from error
        except OSError:  # a file system that knows no locks: it is the user who sees to it there
            pass
        yield
    finally:
        os.close(handle)


@contextmanager
def _kept_in(folder: Path) -> Iterator[OnEpoch]:
    """What keeps the checkpoints of a training: once in `SECONDS`, and the last of one that breaks off."""
    saved, unsaved = -math.inf, None

    def keep(checkpoint: Checkpoint) -> None:
        nonlocal saved, unsaved
        unsaved = checkpoint
        if time.monotonic() - saved >= SECONDS:
            _save(checkpoint, folder)
            saved, unsaved = time.monotonic(), None

    try:
        yield keep
    except BaseException:
        if unsaved is not None:
            _save(unsaved, folder)
        raise


def found_run(config: TrainConfig, folder: Path, *, resume: bool) -> Checkpoint | None:
    """The checkpoint of this very run that ``folder`` holds already, None if it holds nothing.

    Raises `InputError` where it holds a run and not ``resume``, a run with other settings or anything else.
    """
    if not folder.exists() or (folder.is_dir() and not _content(folder)):
        return None
    if not folder.is_dir():
        raise InputError(f"{folder} is a file, a folder was expected", help="name another --output")
    ways = "pass --resume to go on with it, --force to replace it, or name another --output"
    if not resume:
        state = "a finished run" if (folder / DONE).is_file() else "an unfinished run"
        raise InputError(f"{folder} exists already: it holds {state}", help=ways)
    if not (folder / CHECKPOINT).is_file():
        raise InputError(f"{folder} holds a run without its {CHECKPOINT}", help="start over with --force")
    try:
        checkpoint = load_checkpoint(folder / CHECKPOINT)
    except InputError as error:
        raise InputError(str(error), help="start over with --force, or name another --output") from error
    if differences := config.differences(checkpoint.config):
        raise InputError(
            f"{folder} holds a run with other settings ({differences})",
            help="give those, name another --output, or pass --force to replace it",
        )
    return checkpoint


def _content(folder: Path) -> set[str]:
    """The names of what a folder holds, but for what a killed process was writing: its first checkpoint, it may be."""
    return {path.name for path in folder.iterdir()} - {path.name for path in leftovers(folder)}


def _save(checkpoint: Checkpoint, folder: Path) -> None:
    """Write what an epoch leaves; the predictions of an older checkpoint go once there is a newer one."""
    (folder / DONE).unlink(missing_ok=True)
    save_checkpoint(checkpoint, folder / CHECKPOINT)
    for name in (CALIBRATION, TEST):
        (folder / name).unlink(missing_ok=True)
    if written_config(folder) != checkpoint.config:
        _write_text(folder / CONFIG, json.dumps(checkpoint.config.to_dict(), indent=2) + "\n")
    _write_text(folder / HISTORY, _csv(checkpoint.history))


def _finish(checkpoint: Checkpoint, folder: Path, data_dir: Path | None, device: str) -> None:
    provenance = {"checkpoint_sha256": file_hash(folder / CHECKPOINT)}
    for part, name in _SAVED:
        predictions = predict_part(checkpoint, part, data_dir=data_dir, device=device, provenance=provenance)
        save_predictions(predictions, folder / name)
    row = checkpoint.history[checkpoint.kept_epoch - 1]
    done = {
        "config": checkpoint.config.key,
        "epochs": len(checkpoint.history),
        "wrong_labels": checkpoint.wrong_labels,
        **provenance,
        "kept_epoch": row,
    }
    _write_text(folder / DONE, json.dumps(done, indent=2) + "\n")


def _csv(rows: list[dict[str, float]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write_text(path: Path, text: str) -> None:
    with atomic_file(path) as file:
        file.write(text.encode("utf-8"))


def refuse_other_content(folder: Path) -> None:
    """Training into a folder replaces what it holds: raise `InputError` where that is something else than a run."""
    if not folder.is_dir():
        return
    if others := _content(folder) - set(RUN) - {FIGURE, EVENTS}:
        raise InputError(
            f"{folder} holds more than a run ({min(others)}), so it is not replaced", help="name another --output"
        )
