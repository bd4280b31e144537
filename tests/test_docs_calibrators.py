"""The table of calibrators says what they do: every flag in it is tried."""

import re
from pathlib import Path

import numpy as np
import pytest

import calib
from calib.calibrators.registry import METHODS, fewest_examples, method_class
from calib.errors import InputError
from calib.predictions import Predictions

from .references import sample

PAGE = (Path(__file__).parent.parent / "docs" / "calibrators.md").read_text(encoding="utf-8")
CELLS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]
ROWS = {cells[0].strip("`"): cells for cells in CELLS if cells[0] != "`--method`"}


def test_every_method_has_its_row_in_order() -> None:
    assert list(ROWS) == list(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_the_flags_are_true(name: str) -> None:
    _, python, _, keeps_class, weights, targets, fewest, source = ROWS[name]
    method = method_class(name)
    assert getattr(calib, python.strip("`")) is method
    assert int(fewest.replace(",", "")) == fewest_examples(name, 10)
    assert re.search(r"\d{4}$", source) or "smoothing" in source
    k = 2 if name in ("platt", "beta") else 4
    logits, labels = sample(300, k, true_temperature=0.7)
    plain = Predictions.from_logits(logits, labels)
    weighted = Predictions.from_logits(logits, labels, sample_weight=np.arange(300) % 3)
    assert accepts(lambda: method.fit(weighted)) == (weights == "yes")
    assert accepts(lambda: method.fit(plain, targets=np.eye(k)[labels])) == (targets == "yes")
    # Labels that are always the next class but one ask every map to move the predicted class.
    misled = Predictions.from_logits(np.abs(logits) * (1 + np.arange(k)), (logits.argmax(axis=1) + 1) % k)
    after = method.fit(misled).transform(misled).outcomes.predicted
    changed = bool((after != misled.outcomes.predicted).any())
    assert changed == (keeps_class == "no"), name


def accepts(work: object) -> bool:
    try:
        work()  # type: ignore[operator]
    except InputError:
        return False
    return True
