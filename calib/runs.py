"""A run is a directory: train a network and write checkpoint, predictions, history and config into one."""

import csv
import io
import json
from pathlib import Path

from calib.errors import InputError
from calib.files.atomic import atomic_file, atomic_folder
from calib.files.npz import save_predictions
from calib.inference import Part, predict_part
from calib.sources import CALIBRATION, CHECKPOINT, TEST, file_hash
from calib.training.checkpoint import Checkpoint, save_checkpoint
from calib.training.config import TrainConfig
from calib.training.loop import OnEpoch, train

HISTORY, CONFIG = "history.csv", "config.json"
_RUN = {CHECKPOINT, CALIBRATION, TEST, HISTORY, CONFIG}


def train_run(
    config: TrainConfig,
    output: Path | str,
    *,
    data_dir: Path | None = None,
    device: str = "cpu",
    force: bool = False,
    on_epoch: OnEpoch | None = None,
) -> Checkpoint:
    """Train as ``config`` says and write the run directory ``output``, which appears only when it is complete.

    Raises `InputError` where ``output`` exists (unless ``force``), holds anything but a run, or cannot be written:
    before any training.
    """
    _refuse_other_content(Path(output))
    with atomic_folder(output, force=force) as folder:
        checkpoint = train(config, data_dir=data_dir, device=device, on_epoch=on_epoch)
        save_checkpoint(checkpoint, folder / CHECKPOINT)
        provenance = {"checkpoint_sha256": file_hash(folder / CHECKPOINT)}
        saved: tuple[tuple[Part, str], ...] = (("calibration", CALIBRATION), ("test", TEST))
        for part, name in saved:
            predictions = predict_part(checkpoint, part, data_dir=data_dir, device=device, provenance=provenance)
            save_predictions(predictions, folder / name)
        _write_text(folder / HISTORY, _csv(checkpoint.history))
        _write_text(folder / CONFIG, json.dumps(config.to_dict(), indent=2) + "\n")
    return checkpoint


def _csv(rows: list[dict[str, float]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write_text(path: Path, text: str) -> None:
    with atomic_file(path) as file:
        file.write(text.encode("utf-8"))


def _refuse_other_content(output: Path) -> None:
    """Replacing a run deletes its folder: never one that holds something else."""
    others = sorted({path.name for path in output.iterdir()} - _RUN) if output.is_dir() else []
    if others:
        raise InputError(
            f"{output} holds more than a run ({others[0]}), so it is not replaced", help="name another --output"
        )


def is_finished(config: TrainConfig, output: Path | str) -> bool:
    """Whether ``output`` holds a complete run of exactly this config, so that it need not be trained again."""
    folder = Path(output)
    try:
        written = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(written == config.to_dict()) and all((folder / name).is_file() for name in _RUN)
