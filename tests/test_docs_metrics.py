"""docs/metrics.md says what each metric takes; here each is asked."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calib
from calib.errors import InputError

from .references import sample

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \|.*\| (yes|no) \| (yes|no) \| [^|]+ \|$", PAGE, re.MULTILINE)
LOGITS, LABELS = sample(40, 3, true_temperature=1.0)


def test_the_page_names_every_metric() -> None:
    documented = {name for name, _, _ in ROWS}
    public = {
        name for name in calib.__all__ if getattr(getattr(calib, name), "__module__", "").startswith("calib.metrics.")
    }
    functions = {name for name in public if name.islower()} | {"ece_null"}
    assert documented == functions - {"smooth_curve"}


def test_the_page_says_of_every_metric_what_it_means_and_where_it_misleads() -> None:
    section = PAGE.partition("## What each says, and its traps")[2].partition("\n## ")[0]
    entries = re.findall(r"^- (`.+?`):", section, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(entries))) == sorted(name for name, _, _ in ROWS)


@pytest.mark.parametrize(("name", "weights", "whole"), ROWS, ids=[row[0] for row in ROWS])
def test_a_metric_takes_what_the_page_says(name: str, weights: str, whole: str) -> None:
    metric: Callable[..., Any] = getattr(calib, name)
    metric(calib.Predictions.from_logits(LOGITS, LABELS))
    weighted = calib.Predictions.from_logits(LOGITS, LABELS, sample_weight=np.arange(1, 41))
    logs = calib.Outcomes.from_confidence(np.linspace(0.05, 0.95, 40), np.arange(40) % 3 > 0)
    if weights == "yes":
        metric(weighted)
    else:
        with pytest.raises(InputError, match="takes no sample weights"):
            metric(weighted)
    if whole == "no":
        metric(logs)
    else:
        with pytest.raises(InputError):
            metric(logs)


@pytest.mark.parametrize(("name", "weights", "whole"), ROWS, ids=[row[0] for row in ROWS])
def test_bad_rows_are_named_by_every_metric(name: str, weights: str, whole: str) -> None:
    spoilt = LOGITS.copy()
    spoilt[7, 1] = np.nan
    with pytest.raises(InputError, match="row 7 column 1 holds nan"):
        getattr(calib, name)(calib.Predictions.from_logits(spoilt, LABELS))
