"""``calib calibrate --group-by COLUMN``: one calibrator a group of examples, saved as one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from calib._text import listed, number, printable, with_error
from calib.cli._fit_status import check_status
from calib.cli._output import say, text_table
from calib.errors import InputError

if TYPE_CHECKING:
    from calib.calibrators._base import Calibrator
    from calib.calibrators.grouped import GroupedCalibrator
    from calib.predictions import Predictions


def calibrate_groups(
    source: Path, name: str, column: str, split: "Predictions", method: str, chosen: "type[Calibrator]", output: Path
) -> None:
    """Fit ``chosen``, called ``method``, to the examples of each group, save them and say what they are.

    Raises `InputError` where ``source`` has no such column or it is the label, `NumericalError` where a group
    has no best temperature.
    """
    from calib.calibrators.grouped import GroupedCalibrator
    from calib.calibrators.registry import fewest_examples
    from calib.files.calibrator_json import save_calibrator
    from calib.files.group_column import column_of_groups
    from calib.files.label_column import LABELS
    from calib.files.score_columns import role_of
    from calib.groups import members_of

    if role_of(column) in LABELS:
        raise InputError(
            f"{printable(column)!r} is the label: a calibrator a label would need the answer that is to be predicted",
            help="name a column that is known of new examples too",
        )
    groups = column_of_groups(source, column)
    fitted = GroupedCalibrator.fit(chosen, split, groups)
    parts = {group: split[rows] for group, rows in members_of(split, groups).items()}
    for group, each in fitted.calibrators.items():
        of = f"group {printable(str(group))}, n = {parts[group].n:,}: "
        check_status(method, each, parts[group], of=of, cure="; merge the group with another, or leave --group-by out")
    fewest = fewest_examples(method, split.n_classes)
    if few := [group for group, part in parts.items() if part.n < fewest]:
        say(f"warning: {listed(few)}: few examples for this method, a group should have {fewest:,} or more")
    save_calibrator(fitted, output, fitted_on=split, group_by=column)
    say(f"{method} on {printable(name)}, n = {split.n:,}, one a {printable(column)}; of each, and fitted to all:\n")
    say(_table(column, {**fitted.calibrators, _ALL: chosen.fit(split)}, {**parts, _ALL: split}))
    if method == "temperature":
        say(_alike(fitted))


class _All:
    """What is called all, and is no group that could be called so too."""

    def __str__(self) -> str:
        return "all"


_ALL = _All()


def _table(column: str, fits: "dict[Any, Calibrator]", parts: "dict[Any, Predictions]") -> str:
    from calib.metrics.proper import nll

    rows = []
    for group, fitted in fits.items():
        part = parts[group]
        shown = [printable(str(group)), f"{part.n:,}"]
        if (temperature := getattr(fitted, "temperature", None)) is not None:
            errors = (getattr(fitted, name, float("nan")) for name in ("standard_error", "robust_standard_error"))
            shown += [with_error(temperature, error) for error in errors]
        rows.append([*shown, number(nll(part)), number(nll(fitted.transform(part)))])
    temperatures = ["T ± standard error", "T ± robust one"] if len(rows[0]) > 4 else []
    return text_table([printable(column), "n", *temperatures, "NLL", "NLL fitted"], rows)


def _alike(fitted: "GroupedCalibrator") -> str:
    from calib.calibrators.temperature import TemperatureScaling
    from calib.calibrators.temperature_inference import equal_temperatures

    found = equal_temperatures([each for each in fitted.calibrators.values() if isinstance(each, TemperatureScaling)])
    if found is None:
        return "Whether the groups need temperatures of their own is not known: a standard error is not."
    if found.p_value < 0.05:
        return f"The groups' temperatures differ (p = {found.p_value:.2g}): one for all would not fit them."
    return f"The groups' temperatures cannot be told apart (p = {found.p_value:.2g}): one for all may serve as well."
