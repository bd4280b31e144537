"""``calib apply``: calibrate predictions with a saved calibrator."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from calib.cli._options import Force, OneSource
from calib.cli._output import refuse_existing, say
from calib.cli._progress import working
from calib.cli._reading import opened, opens_sources
from calib.reading import AS_IT_IS, OF_NETWORKS, OF_WEIGHTS, Reading


@opens_sources
def apply(
    calibrator: Annotated[Path, typer.Argument(metavar="CALIBRATOR", help="What `calib calibrate` wrote.")],
    source: OneSource,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Predictions to write; its ending says how.")
    ],
    reading: Reading = AS_IT_IS,
    force: Force = False,
) -> None:
    """Apply a saved calibrator to predictions.

    Writes the test split of a run directory or checkpoint, or the whole of a predictions file, as calibrated
    probabilities in float64: .npz, .csv, .jsonl, .parquet, .feather or .arrow. The file needs no labels; its other
    columns are written again as they are.

    Example: calib apply calibrator.json predictions.csv -o calibrated.csv
    """
    from calib.files.write import as_probs, check_ending, write_predictions

    check_ending(output)
    refuse_existing(output, force=force, inputs=(source, calibrator))
    from calib.calibrators.application import apply_calibrator
    from calib.files.carried import carried_columns
    from calib.files.group_column import column_of_groups
    from calib.files.read import read_predictions
    from calib.files.rounded import notes_of
    from calib.files.shards import is_shards
    from calib.sources import holds_weights

    carried = None
    if source.is_file() and not holds_weights(source):
        reading.refuse((*OF_WEIGHTS, *OF_NETWORKS), what=f"{source} holds predictions, no weights")
        kind, labels, names = reading.kind, reading.labels, reading.class_names
        with working("reading"):
            predictions = read_predictions(source, kind=kind, labels=labels, class_names=names, unlabelled=True)
            as_text = output.suffix.lower() == ".csv"
            carried = carried_columns(
                source, predictions.n, kind=kind, class_names=predictions.class_names, as_text=as_text
            )
        for note in notes_of(predictions):
            say(f"note: {note}")
    else:
        predictions = opened(source, reading).test
        if is_shards(source):
            say("note: of shards the predictions alone are written; file by file, other columns come along")
    with working("applying"):
        calibrated, warnings = apply_calibrator(calibrator, predictions, partial(column_of_groups, source))
    for warning in warnings:
        say(f"warning: {warning}")
    with working("writing"):
        notes = write_predictions(as_probs(calibrated), output, carried)
    for note in notes:
        say(f"note: {note}")
    print(output)
