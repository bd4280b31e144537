"""Whether a run directory is complete, found out without torch."""

import json
from pathlib import Path

from calib.files.run_folder import CONFIG, RUN
from calib.training.config import TrainConfig


def is_finished(config: TrainConfig, output: Path | str) -> bool:
    """Whether ``output`` holds a complete run of exactly this config, so that it need not be trained again."""
    folder = Path(output)
    return all((folder / name).is_file() for name in RUN) and written_config(folder) == config


def written_config(folder: Path) -> TrainConfig | None:
    """The config that a run directory says it is of; None where it says nothing that can be read."""
    try:
        return TrainConfig.from_dict(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError, TypeError):
        return None
