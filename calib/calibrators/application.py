"""A saved calibrator on new predictions: applied, checked, and with a word where something is odd."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from calib._text import printable
from calib.calibrators._base import Calibrator, counted_rows
from calib.calibrators.ensemble_temperature import EnsembleTemperatureScaling
from calib.calibrators.grouped import GroupedCalibrator
from calib.calibrators.registry import method_name
from calib.calibrators.temperature import TemperatureScaling
from calib.content_hash import content_hash
from calib.errors import InputError
from calib.files.calibrator_json import load_with_provenance
from calib.files.rounded import ROUNDED
from calib.groups import group_name
from calib.predictions import ArrayLike, Predictions


def apply_calibrator(
    path: Path | str, predictions: Predictions, groups_of: Callable[[str], ArrayLike] | None = None
) -> tuple[Predictions, list[str]]:
    """Predictions calibrated by the calibrator saved at ``path``, and warnings in words.

    ``groups_of`` gives the column of a name, for calibrators that were fitted group by group.

    It warns where the calibrator was fitted on these very examples, on scores of another kind or another checkpoint,
    where predicted classes change and where rows fell back.  Raises `InputError` for a bad file, for other numbers of
    classes, and for a grouped calibrator where nothing says the groups, or one is new.
    """
    calibrator, provenance = load_with_provenance(path)
    check_fit(predictions, provenance, calibrator)
    if isinstance(calibrator, GroupedCalibrator):
        column = provenance.get("group_by")
        if groups_of is None or not isinstance(column, str):
            raise InputError(
                f"{path} holds one calibrator a group, and nothing says which group a row belongs to",
                help="in Python: load_calibrator(path).transform(predictions, groups)",
            )
        calibrated = _by_text(calibrator).transform(predictions, groups_of(column))
    else:
        calibrated = calibrator.transform(predictions)
    kept = {name: value for name, value in calibrated.provenance.items() if name != ROUNDED}  # they are others now
    return replace(calibrated, provenance=kept), _warnings(predictions, calibrated, dict(provenance))


def _by_text(calibrator: GroupedCalibrator) -> GroupedCalibrator:
    """The same with groups called as those of files are, for one that was fitted in Python to numbers, say."""
    named = {group_name(name): each for name, each in calibrator.calibrators.items()}
    if len(named) < len(calibrator.calibrators):
        raise InputError("two groups of the calibrator have one name in a file", help="fit it to the groups of a file")
    return GroupedCalibrator(named)


def check_fit(predictions: Predictions, provenance: Mapping[str, object], calibrator: object) -> None:
    """Raise `InputError` where a calibrator was fitted on other classes, or, if that counts, in another order."""
    n_classes, names = provenance.get("n_classes"), provenance.get("class_names")
    if isinstance(n_classes, int) and n_classes != predictions.n_classes:
        raise InputError(
            f"the calibrator was fitted on {n_classes} classes, these predictions have {predictions.n_classes}",
            help="fit one on predictions of this model",
        )
    members = calibrator.calibrators.values() if isinstance(calibrator, GroupedCalibrator) else [calibrator]
    one_number = all(isinstance(each, TemperatureScaling | EnsembleTemperatureScaling) for each in members)
    if one_number or not isinstance(names, list):
        return  # one number for all classes
    if predictions.class_names is not None and list(predictions.class_names) != [str(name) for name in names]:
        theirs, ours = (
            ", ".join(printable(str(name)) for name in some[:5]) for some in (names, predictions.class_names)
        )
        raise InputError(
            f"the calibrator was fitted on the classes {theirs}, those of these predictions are {ours}",
            help="bring the columns into its order, or fit one on predictions of this model",
        )


def _warnings(before: Predictions, after: Predictions, provenance: dict[str, object]) -> list[str]:
    found = []
    if provenance.get("data_sha256") == content_hash(before):
        found.append("the calibrator was fitted on these very examples: judged on them it looks better than it is")
    if provenance.get("kind") not in (None, before.kind):
        found.append(f"the calibrator was fitted on {provenance['kind']}, these are {before.kind}: read as such")
    theirs, ours = provenance.get("checkpoint_sha256"), before.provenance.get("checkpoint_sha256")
    if theirs is not None and ours is not None and theirs != ours:
        found.append("the calibrator was fitted on predictions of another checkpoint")
    if changed := int((after.outcomes.predicted != before.outcomes.predicted).sum()):
        found.append(f"the predicted class of {changed:,} examples is another after calibration")
    if rows := counted_rows(before, after).get("fallback_rows"):
        found.append(f"{rows:,} rows had no class left and keep their uncalibrated distribution")
    return found


def describe(calibrator: Calibrator | GroupedCalibrator) -> str:
    """The method in a word, and its temperature where it has one."""
    if isinstance(calibrator, GroupedCalibrator):
        return f"{len(calibrator.calibrators)} groups"
    temperature = getattr(calibrator, "temperature", None)
    return method_name(calibrator) + ("" if temperature is None else f", T = {temperature:.4g}")
