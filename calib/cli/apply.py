"""``calib apply``: calibrate predictions with a saved calibrator."""

from pathlib import Path
from typing import Annotated

import typer

from calib.cli._options import Force, OneSource
from calib.cli._output import refuse_existing, say
from calib.cli._progress import working
from calib.cli._reading import opened, opens_sources
from calib.errors import InputError
from calib.reading import AS_IT_IS, OF_WEIGHTS, Reading


@opens_sources
def apply(
    calibrator: Annotated[Path, typer.Argument(metavar="CALIBRATOR", help="What `calib calibrate` wrote.")],
    source: OneSource,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Predictions to write, .npz.")],
    reading: Reading = AS_IT_IS,
    force: Force = False,
) -> None:
    """Apply a saved calibrator to predictions.

    Writes the test split of a run directory or checkpoint, or the whole of a predictions file, as calibrated
    probabilities in float64. The file needs no labels.

    Example: calib apply calibrator.json predictions.npz -o calibrated.npz
    """
    if output.suffix.lower() != ".npz":
        raise InputError(f"predictions are saved as .npz, got {output}", help="name a file that ends in .npz")
    refuse_existing(output, force=force, inputs=(source, calibrator))
    from calib.calibrators.application import apply_calibrator, as_probs
    from calib.files.read import read_predictions
    from calib.sources import holds_weights

    if source.is_file() and not holds_weights(source):
        reading.refuse(OF_WEIGHTS, what=f"{source} holds predictions, no weights")
        kind, labels, names = reading.kind, reading.labels, reading.class_names
        with working("reading"):
            predictions = read_predictions(source, kind=kind, labels=labels, class_names=names, unlabelled=True)
    else:
        predictions = opened(source, reading).test
    with working("applying"):
        calibrated, warnings = apply_calibrator(calibrator, predictions)
    for warning in warnings:
        say(f"warning: {warning}")
    with working("writing"):
        as_probs(calibrated).save(output)
    print(output)
