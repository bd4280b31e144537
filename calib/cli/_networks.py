"""What the commands that train many networks share: training behind a bar, and the command that their pages name."""

import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from calib.cli._output import say
from calib.cli._progress import counting_bar
from calib.errors import InputError

if TYPE_CHECKING:
    from calib.studies.train_all import Watch
    from calib.training.config import TrainConfig


def train_networks(
    configs: "Mapping[str, TrainConfig]",
    folder: Path,
    *,
    workers: int | None,
    force: bool,
    data_dir: Path | None,
    device: str = "cpu",
    watch: "Watch | None" = None,
) -> list[Path]:
    """Train what is not finished yet into ``folder``, by default in one process a core, on a GPU in one.

    ``watch`` is that of `calib.studies.train_all.train_all`.
    """
    from calib.studies.train_all import train_all

    start = time.perf_counter()
    with counting_bar("networks") as on_progress:
        runs = train_all(
            configs,
            folder,
            workers=workers or (None if device == "cpu" else 1),
            force=force,
            data_dir=data_dir,
            device=device,
            on_progress=on_progress,
            watch=watch,
        )
    say(f"{len(runs)} networks are trained, after {time.perf_counter() - start:.0f} s.")
    return runs


def recipe_name(setting: str | None, paper: str | None, default: str) -> str:
    """The setting or paper to follow.  Raises `InputError` where both are given."""
    if setting is not None and paper is not None:
        raise InputError("--setting and --paper both name a recipe", help="choose one of them")
    return paper or setting or default


def command_line(command: str, options: Mapping[str, object]) -> str:
    """``command`` with the options that were given, quoted for a shell; None and False are not given.

    >>> command_line("calib study projections", {"paper": None, "seeds": 2, "classes": "a b,c", "force": True})
    "calib study projections --seeds 2 --classes 'a b,c' --force"
    """
    words = [command]
    for name, value in options.items():
        if value is not None and value is not False:
            option = f"--{name.replace('_', '-')}"
            words.append(option if value is True else f"{option} {shlex.quote(str(value))}")
    return " ".join(words)


def numbers(text: str | None, option: str) -> list[float] | None:
    """Numbers with commas between; None stays None.  Raises `InputError` for anything else."""
    if text is None:
        return None
    try:
        return [float(word) for word in words(text)]
    except ValueError as error:
        raise InputError(
            f"{option} takes numbers with commas between, got {text!r}", help="such as 0,0.05,0.1"
        ) from error


def words(text: str) -> list[str]:
    """Words with commas between."""
    return [word.strip() for word in text.split(",") if word.strip()]
