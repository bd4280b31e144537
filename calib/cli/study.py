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
from calib.cli._help import add_commands

app = typer.Typer(help="Answer questions of the literature.", no_args_is_help=True)
add_commands(
    app,
    {
        "smoothing-versus-temperature": study_smoothing.smoothing_versus_temperature,
        "projections": study_projections.projections,
        "distillation": study_distillation.distillation,
        "wrong-labels": study_wrong_labels.wrong_labels,
        "selective-prediction": study_selective_prediction.selective_prediction,
        "two-routes": study_two_routes.two_routes,
    },
)
