"""Parts of one data set as one: nothing that a part says of its rows is lost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import calib
from calib.errors import InputError, NumericalError
from calib.files.rounded import NOTES, ROUNDED, Rounding, notes_of, provenance_of
from calib.files.shards import Shards
from calib.predictions import Predictions

RNG = np.random.default_rng(0)
WHOLE = Predictions.from_logits(RNG.normal(0, 2, (40, 3)), RNG.integers(3, size=40))


@pytest.mark.parametrize("beta", [0.25, np.linspace(0.1, 2, 40), np.repeat([0.5, 2.0], 20)])
def test_parts_keep_their_temperatures(tmp_path: Path, beta: float | np.ndarray) -> None:
    hot = replace(WHOLE, beta=beta)
    for part, rows in enumerate((slice(0, 20), slice(20, 40))):
        hot[rows].save(tmp_path / f"{part}.npz")
    found = Shards.of(tmp_path).whole()
    assert np.array_equal(found.beta, beta)
    assert calib.nll(found) == calib.nll(hot)
    assert calib.nll(Shards.of(tmp_path).sample(40)) == calib.nll(hot)


def test_parts_keep_what_a_reader_must_know_of_them(tmp_path: Path) -> None:
    for part, (decimals, note) in enumerate(((3, "three"), (2, "two"), (3, "three"))):
        rounding = Rounding(decimals, 0.99 - part / 1000, 1.01, 0.01 * part)
        provenance = {NOTES: [note], **provenance_of(rounding)}
        replace(WHOLE[part:], provenance=provenance).save(tmp_path / f"{part}.npz")
    whole, widest = Shards.of(tmp_path).whole(), Rounding(2, 0.988, 1.01, 0.02)
    assert whole.provenance == {NOTES: ["three", "two"], **provenance_of(widest)}
    assert notes_of(whole) == ["three", "two", widest.note]


@pytest.mark.parametrize(
    "kept", [3, None, {}, {"decimals": "2"}, {"decimals": 9, "lowest": 0, "highest": 1, "within": 0}]
)
def test_what_a_file_says_wrongly_of_rounding_is_passed_over(kept: object) -> None:
    assert notes_of(replace(WHOLE, provenance={ROUNDED: kept})) == []


def test_an_error_about_a_part_names_its_file_and_stays_of_its_kind(tmp_path: Path) -> None:
    WHOLE.save(tmp_path / "a.npz")

    def fail(part: Predictions) -> None:
        raise NumericalError("it diverged", help="stop")

    with pytest.raises(NumericalError, match=r"^it diverged"):
        list(Shards.of(tmp_path / "a.npz").gather(fail))
    frame = pytest.importorskip("pandas").DataFrame({"label": [0, 1], "prob_0": [0.5, 0.4], "prob_1": [0.5, 0.6]})
    pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    frame.to_parquet(tmp_path / "b.parquet")
    with pytest.raises(NumericalError, match=r"b\.parquet: it diverged") as error:
        list(Shards.of(tmp_path / "b.parquet").gather(fail))
    assert error.value.help == "stop"


def test_parts_of_unequal_weights_or_names_are_refused() -> None:
    from calib.files.shards import joined

    weighted = replace(WHOLE, sample_weight=np.ones(40))
    with pytest.raises(InputError, match="some parts have sample weights and some have none"):
        joined([WHOLE, weighted])
    with pytest.raises(InputError, match="name their classes in another order"):
        joined([WHOLE, replace(WHOLE, class_names=("a", "b", "c"))])
    with pytest.raises(InputError, match="there are no rows"):
        joined([])
