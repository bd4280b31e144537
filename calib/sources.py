"""What a SOURCE on the command line means: a run directory, a checkpoint or a file of predictions."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from calib.errors import InputError
from calib.files.npz import load_predictions
from calib.files.sniff import is_npz
from calib.predictions import Predictions

CHECKPOINT, CALIBRATION, TEST = "checkpoint.pt", "calibration.npz", "test.npz"


@dataclass(frozen=True, eq=False)
class Source:
    """Predictions of one model: on the split to report, and on the calibration split where there is one."""

    name: str
    test: Predictions
    calibration: Predictions | None


def open_source(
    path: Path | str,
    *,
    calibration: Path | None = None,
    data_dir: Path | None = None,
    device: str = "cpu",
    batch_size: int = 500,
) -> Source:
    """Open a run directory, a checkpoint or a predictions file.

    Predictions saved beside a checkpoint are used while they carry its hash; otherwise the network is run again on the
    data it was trained with.  ``calibration`` names a predictions file that takes the place of the calibration split.
    torch is loaded only where a network is run.  Raises `InputError` for what cannot be opened, or does not fit
    together.
    """
    path = Path(path)
    source = _open(path, data_dir, device, batch_size)
    if calibration is None:
        return source
    given = load_predictions(calibration)
    if given.n_classes != source.test.n_classes:
        raise InputError(
            f"{calibration} has {given.n_classes} classes, {path} has {source.test.n_classes}",
            help="calibration and test predictions must come from the same model",
        )
    if given.kind != source.test.kind:
        raise InputError(
            f"{calibration} holds {given.kind}, {path} holds {source.test.kind}",
            help="a temperature fitted on the one does not belong on the other; save both as logits",
        )
    return Source(source.name, source.test, given)


def file_hash(path: Path | str) -> str:
    """SHA-256 of a file, in hex."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open(path: Path, data_dir: Path | None, device: str, batch_size: int) -> Source:
    if not path.exists():
        raise InputError(f"{path} does not exist", help="name a run directory, a checkpoint or a predictions file")
    if path.is_file() and is_npz(path):
        return Source(path.stem, load_predictions(path), None)
    run = path if path.is_dir() else path.parent
    checkpoint = path / CHECKPOINT if path.is_dir() else path
    if path.is_dir() and not checkpoint.exists():
        raise InputError(
            f"{path} is no run directory: it has no {CHECKPOINT}", help="`calib train --output DIR` makes one"
        )
    saved = _saved(run, checkpoint)
    if saved is not None:
        return saved
    from calib.inference import predict_part
    from calib.training.checkpoint import load_checkpoint

    opened = load_checkpoint(checkpoint)
    provenance = {"checkpoint_sha256": file_hash(checkpoint)}
    calibration, test = (
        predict_part(opened, part, data_dir=data_dir, device=device, batch_size=batch_size, provenance=provenance)
        for part in ("calibration", "test")
    )
    return Source(_name(checkpoint), test, calibration)


def _saved(run: Path, checkpoint: Path) -> Source | None:
    """Predictions saved in the run directory, if they were made by this very checkpoint."""
    files = [run / TEST, run / CALIBRATION]
    if not all(file.is_file() for file in files):
        return None
    expected = file_hash(checkpoint)
    test, calibration = (load_predictions(file) for file in files)
    if any(part.provenance.get("checkpoint_sha256") != expected for part in (test, calibration)):
        return None
    return Source(_name(checkpoint), test, calibration)


def _name(checkpoint: Path) -> str:
    return checkpoint.resolve().parent.name if checkpoint.name == CHECKPOINT else checkpoint.stem
