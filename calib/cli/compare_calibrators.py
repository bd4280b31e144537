"""``calib compare-calibrators``: every method on one calibration and test pair."""

from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from calib._text import number, printable
from calib.cli._options import Bins, Calibration, FileFormat, Force, Json, OneSource, Output, Seed
from calib.cli._output import emit, refuse_existing, render, say, table_format
from calib.cli._progress import progress_bar
from calib.cli._reading import opened, opens_sources
from calib.errors import NumericalError
from calib.reading import AS_IT_IS, Reading

if TYPE_CHECKING:
    import pandas as pd

CHANGES = "Changes are 95 % intervals of the difference from uncalibrated, on the same examples; negative is better."


@opens_sources
def compare_calibrators(
    source: OneSource,
    calibration: Calibration = None,
    methods: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Methods, with commas between.", show_default="those that suit the classes"),
    ] = None,
    reading: Reading = AS_IT_IS,
    bins: Bins = 15,
    seed: Seed = 0,
    format: FileFormat = None,
    json: Json = False,
    output: Output = None,
    force: Force = False,
) -> None:
    """Compare calibration methods.

    Every method is fitted on the calibration split and judged on the test split; without one, 5-fold cross-fitted. The
    changes are from the uncalibrated scores on the same examples, with 95 % intervals; negative is better.

    Example: calib compare-calibrators runs/hard --methods temperature,vector,isotonic
    """
    refuse_existing(output, force=force, inputs=(source, calibration))
    written = table_format(output, format, json=json)
    from calib.calibrators.comparison import compare_calibrators as compare
    from calib.calibrators.registry import suitable

    given = opened(source, reading, calibration=calibration)
    chosen = suitable(given.test.n_classes) if methods is None else [name.strip() for name in methods.split(",")]
    with progress_bar() as progress:
        task = progress.add_task("fitting", total=len(chosen))
        found = compare(
            given.test,
            given.calibration,
            methods=chosen,
            n_bins=bins,
            seed=seed,
            on_method=lambda name: progress.update(task, advance=1, description=name),
        )
    split = "5-fold cross-fitted" if given.calibration is None else f"fitted on n = {given.calibration.n:,}"
    about = f"{printable(given.name)}: n = {given.test.n:,}, {split}"
    extra: dict[str, object] = {
        "source": given.name,
        "n": {
            "test": given.test.n,
            "calibration": (given.calibration or given.test).n,
            "cross_fitted": given.calibration is None,
        },
        "n_classes": given.test.n_classes,
        "n_bins": bins,
        "binning": "equal-width (a, b]",
        "warnings": list(found.warnings),
    }
    text = render(written, full=found.table, shown=_shown(found.table), extra=extra)
    emit(f"{about}\n\n{text}\n{CHANGES}\n" if written == "table" else text, output)
    for warning in found.warnings:
        say(f"warning: {warning}")
    if found.table["nll"][1:].isna().all():
        raise NumericalError("no method could be fitted", help="the warnings above say why")


def _shown(table: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for row in table.to_dict("records"):
        if row["method"] != "uncalibrated" and pd.isna(row["nll"]):
            rows.append({"method": row["method"]})
            continue
        shown = {"method": row["method"], "accuracy": number(row["accuracy"])}
        for name, label in (("nll", "NLL"), ("brier", "Brier"), ("ece", "ECE")):
            shown[label] = number(row[name])
            low, high = (number(row[f"{name}_change_{end}"], sign="+") for end in ("low", "high"))
            known = row["method"] != "uncalibrated" and isfinite(row[f"{name}_change"])
            shown[f"{label} change"] = f"{low} … {high}" if known else "–"
        shown["changed"] = f"{row['changed']:.0f}"
        shown["seconds"] = f"{row['seconds']:.2f}"
        if row["note"]:
            shown["method"] += f" ({row['note']})"
        rows.append(shown)
    return pd.DataFrame(rows).fillna("–")
