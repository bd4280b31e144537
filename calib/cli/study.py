"""``calib study``: questions of the literature, answered by networks that are trained or named; a command each."""

import typer

from calib.cli import study_projections

app = typer.Typer(help="Ask a question of the literature again.", no_args_is_help=True)
app.command("projections")(study_projections.projections)
