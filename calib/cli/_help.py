"""The help of a command: its options in groups, values by their names, defaults as they are."""

from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperCommand

RUNNING = "Where networks run"
PREDICTIONS = "Predictions of others"
WEIGHTS = "Weights of others"
SHARDS = "Shards"


class Command(TyperCommand):
    """A command whose options are listed under the group that each names as its ``rich_help_panel``.

    Options without a group come first.  A group that would hold one option alone is none.
    """

    def collect_usage_pieces(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The usage without typer's braces around what must be given: ``SOURCE...``."""
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write the arguments, then the options by group."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        parameters = self.get_params(ctx)
        panels = [getattr(parameter, "rich_help_panel", None) for parameter in parameters]
        for parameter, panel in zip(parameters, panels, strict=True):
            record = _record(parameter, ctx)
            if record is not None:
                is_argument = parameter.param_type_name == "argument"
                own = panel if panel is not None and panels.count(panel) > 1 else "Options"
                groups.setdefault("Arguments" if is_argument else own, []).append(record)
        for name, records in groups.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


def add_commands(app: typer.Typer, commands: Mapping[str, Callable[..., None]]) -> None:
    """Add each function as the command of its name, in this order."""
    for name, command in commands.items():
        app.command(name, cls=Command)(command)


def _record(parameter: Any, ctx: typer.Context) -> tuple[str, str] | None:
    """Name and help of a parameter, without the type of an argument and the brackets around a default in words."""
    record = parameter.get_help_record(ctx)
    if record is None:
        return None
    name, help = record
    if parameter.param_type_name == "argument":
        name = parameter.metavar or name
    default = parameter.show_default
    return name, help.replace(f"default: ({default})", f"default: {default}") if isinstance(default, str) else help
