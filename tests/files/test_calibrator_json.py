"""Saved calibrators: every bit comes back, nothing runs, and a file that is something else is refused in words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calib.calibrators.grouped import GroupedCalibrator
from calib.calibrators.registry import METHODS, fewest_examples, method_class, method_name, suitable
from calib.calibrators.temperature import TemperatureScaling
from calib.content_hash import content_hash
from calib.errors import InputError
from calib.files.calibrator_json import load_calibrator, load_with_provenance, save_calibrator
from calib.predictions import Predictions

from ..references import sample

BINARY = Predictions.from_logits(*sample(400, 2))
THREE = Predictions.from_logits(*sample(400, 3))


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and bool(a == b or (a != a and b != b))


@pytest.mark.parametrize("name", METHODS)
def test_every_calibrator_comes_back_bit_by_bit(name: str, tmp_path: Path) -> None:
    predictions = BINARY if name in ("platt", "beta") else THREE
    fitted = method_class(name).fit(predictions)
    save_calibrator(fitted, tmp_path / "c.json", fitted_on=predictions)
    back, provenance = load_with_provenance(tmp_path / "c.json")
    assert type(back) is type(fitted)
    assert all(same(vars(fitted)[field], vars(back)[field]) for field in vars(fitted))
    assert not isinstance(back, GroupedCalibrator)
    assert back.transform(predictions).values.tobytes() == fitted.transform(predictions).values.tobytes()
    assert (provenance["data_sha256"], provenance["n"]) == (content_hash(predictions), 400)
    assert "calib" in provenance["versions"]
    again = tmp_path / "again.json"
    save_calibrator(back, again, fitted_on=predictions)
    assert again.read_bytes() == (tmp_path / "c.json").read_bytes()


def test_a_temperature_without_an_optimum_keeps_its_infinite_limit_and_its_nans(tmp_path: Path) -> None:
    fitted = TemperatureScaling.fit(Predictions.from_logits([[1.0, 0.0]] * 5, [1] * 5))
    save_calibrator(fitted, tmp_path / "c.json")
    back = load_calibrator(tmp_path / "c.json")
    assert isinstance(back, TemperatureScaling)
    assert back.limit == np.inf
    assert np.isnan(back.standard_error)


def test_groups_keep_their_names(tmp_path: Path) -> None:
    for names in (["a", "b"], [3, 7], [True, False], [0.5, 2.0]):
        fitted = GroupedCalibrator.fit(TemperatureScaling, THREE, np.array(names * 200))
        save_calibrator(fitted, tmp_path / "c.json")
        back = load_calibrator(tmp_path / "c.json")
        assert isinstance(back, GroupedCalibrator)
        assert list(back.calibrators) == sorted(names)
        assert {type(name) for name in back.calibrators} == {type(names[0])}
        got, want = (each.transform(THREE, np.array(names * 200)) for each in (back, fitted))
        np.testing.assert_array_equal(got.beta, want.beta)


GOOD = {"format": 1, "method": "temperature", "parameters": {"temperature": 2.0}, "provenance": {}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is no saved calibrator"),
        ("[]", "is no saved calibrator"),
        ("{}", "is no saved calibrator"),
        ('"' * 3, "is no saved calibrator"),
        ("[" * 100_000, "is no saved calibrator"),
        (b"\xff\xfe\x00", "is no saved calibrator"),
        ({**GOOD, "format": 2}, "newer calib"),
        ({**GOOD, "format": None}, "format is unknown"),
        ({**GOOD, "method": "magic"}, "there is no method 'magic'"),
        ({**GOOD, "method": ["temperature"]}, "is no saved calibrator"),
        ({**GOOD, "provenance": []}, "format is unknown"),
        ({**GOOD, "parameters": {"temperature": -1.0}}, "a temperature must be a positive number"),
        ({**GOOD, "parameters": {"temperature": {"float": "nan"}}}, "a temperature must be a positive number"),
        ({**GOOD, "parameters": {"temperature": "2"}}, "its temperature is not what temperature has"),
        ({**GOOD, "parameters": {"temperature": True}}, "its temperature is not what temperature has"),
        ({**GOOD, "parameters": {"temperature": [2.0]}}, "its temperature is not what temperature has"),
        ({**GOOD, "parameters": {"temperature": 2.0, "fit": 1}}, "its fit is not what temperature has"),
        ({**GOOD, "parameters": {"temperature": 2.0, "status": "great"}}, "its status is not what temperature has"),
        ({**GOOD, "parameters": {}}, "is no saved calibrator"),
        ({**GOOD, "parameters": []}, "is no saved calibrator"),
        (
            {**GOOD, "method": "vector", "parameters": {"scale": {"array": [1], "shape": [2], "dtype": "float64"}}},
            "is no saved calibrator",
        ),
        (
            {**GOOD, "method": "vector", "parameters": {"scale": {"array": ["a"], "shape": [1], "dtype": "float64"}}},
            "is no saved calibrator",
        ),
        ({"format": 1, "method": "grouped", "groups": [[None, GOOD]]}, "a group has no name"),
        ({"format": 1, "method": "grouped", "groups": [["a", GOOD], ["a", GOOD]]}, "one calibrator each"),
        ({"format": 1, "method": "grouped", "groups": 3}, "is no saved calibrator"),
    ],
)
def test_what_is_no_saved_calibrator_is_refused(content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(
        content
        if isinstance(content, bytes)
        else (content if isinstance(content, str) else json.dumps(content)).encode()
    )
    with pytest.raises(InputError, match=message) as caught:
        load_calibrator(path)
    assert str(path) in str(caught.value)


def test_a_folder_or_nothing_is_no_calibrator(tmp_path: Path) -> None:
    for path, message in ((tmp_path, "is a folder"), (tmp_path / "none.json", "does not exist")):
        with pytest.raises(InputError, match=message):
            load_calibrator(path)


def test_the_hash_of_the_content_sees_every_number_and_no_layout() -> None:
    logits, labels = sample(50, 3)
    plain = content_hash(Predictions.from_logits(logits, labels))
    assert content_hash(Predictions.from_logits(np.asfortranarray(logits), labels)) == plain
    other = logits.copy()
    other[49, 2] = np.nextafter(other[49, 2], 9)
    changed = [
        Predictions.from_logits(other, labels),
        Predictions.from_logits(logits, (labels + 1) % 3),
        Predictions.from_logits(logits, labels, sample_weight=np.ones(50)),
        Predictions.from_logits(logits.astype(np.float32), labels),
        TemperatureScaling(2.0).transform(Predictions.from_logits(logits, labels)),
    ]
    assert len({plain, *map(content_hash, changed)}) == 6


def test_methods_have_names_both_ways_and_suit_the_number_of_classes() -> None:
    assert all(method_name(method_class(name).fit(BINARY)) == name for name in ("temperature", "platt", "histogram"))
    assert {"platt", "beta"} <= set(suitable(2))
    assert not {"platt", "beta"} & set(suitable(3))
    assert "matrix" in suitable(100)
    assert "matrix" not in suitable(101)
    assert set(suitable(2)) == set(METHODS)
    assert fewest_examples("temperature", 1000) < fewest_examples("vector", 1000) < fewest_examples("matrix", 1000)
    with pytest.raises(InputError, match="there is no method 'magic'"):
        method_class("magic")
