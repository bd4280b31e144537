"""``calib study``: questions of the literature, answered by networks that are trained or named; a command each."""

import typer

from calib.cli import study_projections, study_smoothing

app = typer.Typer(help="Questions of the literature, each answered by one command.", no_args_is_help=True)
app.command("smoothing-versus-temperature")(study_smoothing.smoothing_versus_temperature)
app.command("projections")(study_projections.projections)
