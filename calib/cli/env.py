"""``calib env``: versions and hardware, for bug reports."""

import platform

import typer

from calib.cli._options import OnlyJson
from calib.cli._output import SCHEMA
from calib.export import to_json


def env(json: OnlyJson = False) -> None:
    """Print versions for a bug report.

    Example: calib env --json
    """
    import torch

    from calib.environment import commit, hardware, versions

    found: dict[str, object] = {
        **versions(),
        "commit": commit(),
        "platform": platform.platform(),
        "hardware": hardware(),
        "torch_threads": torch.get_num_threads(),
        "cuda": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none",
    }
    if json:
        typer.echo(to_json({"schema": SCHEMA, **found}), nl=False)
        return
    for name, value in found.items():
        typer.echo(f"{name}: {value}")
