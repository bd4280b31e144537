"""One calibrator a group: languages, sites or domains that are miscalibrated in different ways."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from calib._arrays import Int
from calib._html import fields_html
from calib._text import listed, printable
from calib.calibrators._base import Calibrator, rejoined
from calib.calibrators.registry import as_method
from calib.errors import InputError
from calib.groups import members_of
from calib.predictions import ArrayLike, Predictions, require_predictions


@dataclass(frozen=True, eq=False)
class GroupedCalibrator:
    """Fitted calibrators by group name.  Make one by `fit`."""

    calibrators: Mapping[Any, Calibrator]

    _repr_html_ = fields_html

    @classmethod
    def fit(cls, method: type[Calibrator] | str, predictions: Predictions, groups: ArrayLike) -> "GroupedCalibrator":
        """Fit ``method``, a class or its name, to the examples of each group; ``groups`` ``(n,)`` names one an example.

        Raises `InputError` for missing groups and wrong lengths, and whatever the method raises.

        >>> from calib import TemperatureScaling
        >>> predictions = Predictions.from_logits([[2.0, 0.0], [4.0, 0.0]] * 4, [0, 0, 0, 0, 0, 0, 1, 1])
        >>> fitted = GroupedCalibrator.fit(TemperatureScaling, predictions, ["a", "b"] * 4)
        >>> {group: round(each.temperature, 3) for group, each in fitted.calibrators.items()}
        {'a': 1.82, 'b': 3.641}
        """
        require_predictions(predictions)
        method = as_method(method)
        return cls({name: method.fit(predictions[rows]) for name, rows in members_of(predictions, groups).items()})

    def transform(self, predictions: Predictions, groups: ArrayLike) -> Predictions:
        """Return predictions calibrated by the calibrator of their group.

        Raises `InputError` for a group that was not there when it was fitted.
        """
        require_predictions(predictions)
        members: dict[Any, Int] = members_of(predictions, groups)
        if unknown := [name for name in members if name not in self.calibrators]:
            raise InputError(
                f"group {printable(str(unknown[0]))!r} was not there when the calibrator was fitted",
                help=f"fitted groups are {listed(self.calibrators)}; fit one on examples of all groups",
            )
        parts = [self.calibrators[name].transform(predictions[rows]) for name, rows in members.items()]
        return rejoined(predictions, parts, np.concatenate(list(members.values())))
