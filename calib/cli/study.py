"""``calib study``: questions of the literature, answered by networks that are trained or named; a command each."""

import typer

from calib.cli import (
    study_distillation,
    study_projections,
    study_selective_prediction,
    study_smoothing,
    study_two_routes,
    study_wrong_labels,
)

app = typer.Typer(help="Answer questions of the literature.", no_args_is_help=True)
app.command("smoothing-versus-temperature")(study_smoothing.smoothing_versus_temperature)
app.command("projections")(study_projections.projections)
app.command("distillation")(study_distillation.distillation)
app.command("wrong-labels")(study_wrong_labels.wrong_labels)
app.command("selective-prediction")(study_selective_prediction.selective_prediction)
app.command("two-routes")(study_two_routes.two_routes)
