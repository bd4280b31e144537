"""Shards are evaluated as the whole in memory would be, in constant memory, and a bad one is named."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calib.calibrators._streamed_likelihood import StreamedLikelihood
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.files.shards import Shards, is_glob
from calib.metrics.binned import ece, mce
from calib.metrics.proper import brier, nll
from calib.parts import Likeness
from calib.predictions import Predictions
from calib.streamed import evaluate_streamed

from .references import sample

N, K = 3000, 5


def data(seed: int = 0, n: int = N, scale: float = 2.0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    true = rng.normal(0, 2, (n, K))
    return scale * true, (true + rng.gumbel(size=true.shape)).argmax(axis=1)


def write(folder: Path, *, weight: bool = False, parts: int = 7, scale: float = 2.0) -> Predictions:
    """A data set in ``parts`` Parquet files of unequal length; returns it whole."""
    pa = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    logits, labels = data(scale=scale)
    weights = np.random.default_rng(1).uniform(0, 2, N) if weight else None
    ends = np.sort(np.random.default_rng(2).choice(np.arange(1, N), parts - 1, replace=False))
    for i, rows in enumerate(np.split(np.arange(N), ends)):
        table: dict[str, Any] = {f"logit_{c}": logits[rows, c] for c in range(K)}
        table["label"] = labels[rows]
        if weights is not None:
            table["weight"] = weights[rows]
        parquet.write_table(pa.table(table), folder / f"{i:02d}.parquet", row_group_size=100)
    return Predictions.from_logits(logits, labels, sample_weight=weights)


@pytest.mark.parametrize("weight", [False, True])
def test_sums_and_temperature_are_those_of_the_whole(tmp_path: Path, weight: bool) -> None:
    whole = write(tmp_path, weight=weight)
    report = evaluate_streamed(Shards.of(tmp_path))
    fitted = TemperatureScaling.fit(whole)
    for summary, predictions in ((report.uncalibrated, whole), (report.scaled, fitted.transform(whole))):
        assert summary.n == N
        for name, metric in (("ece", ece), ("mce", mce), ("nll", nll), ("brier", brier)):
            assert getattr(summary, name) == pytest.approx(metric(predictions), rel=1e-9)
    assert report.fitted.temperature == pytest.approx(fitted.temperature, rel=1e-9)
    assert report.fitted.standard_error == pytest.approx(fitted.standard_error, rel=1e-6)
    assert report.fitted.robust_standard_error == pytest.approx(fitted.robust_standard_error, rel=1e-6)
    assert report.fitted.nll_before == pytest.approx(fitted.nll_before, rel=1e-9)
    assert report.fitted.reads == 1  # the sample is of all rows
    assert (report.fitted.n, report.fitted.status, report.in_sample) == (N, "ok", True)
    assert report.uncalibrated.ece == pytest.approx(ece(whole), rel=1e-12)
    assert [curve.ece for curve in report.curves] == [report.uncalibrated.ece, report.scaled.ece]
    assert report.uncalibrated.nll == pytest.approx(nll(whole), rel=1e-12)


def test_the_temperature_may_come_from_other_shards(tmp_path: Path) -> None:
    for name in ("test", "calibration"):
        (tmp_path / name).mkdir()
    write(tmp_path / "test")
    other = write(tmp_path / "calibration", scale=3.0)
    report = evaluate_streamed(Shards.of(tmp_path / "test"), Shards.of(tmp_path / "calibration"))
    assert report.fitted.temperature == pytest.approx(TemperatureScaling.fit(other).temperature, rel=1e-9)
    assert not report.in_sample


def test_parts_are_those_of_the_files_in_order_and_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calib.files import shards

    whole = write(tmp_path)
    monkeypatch.setattr(shards, "ENTRIES", 600)
    parts = list(Shards.of(tmp_path / "*.parquet"))
    assert max(part.n for part in parts) <= 100
    np.testing.assert_array_equal(np.concatenate([part.values for part in parts]), whole.values)
    np.testing.assert_array_equal(np.concatenate([part.labels for part in parts]), whole.labels)
    seen: list[int] = []
    fitted = StreamedLikelihood(Shards.of(tmp_path), on_part=seen.append).fit()
    assert sum(seen) == fitted.reads * N


def test_lists_of_all_classes_are_read_in_small_parts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    from calib.files import shards

    logits, labels = data(n=200)
    parquet.write_table(pa.table({"logits": list(logits), "label": labels}), tmp_path / "a.parquet")
    monkeypatch.setattr(shards, "ENTRIES", 100)
    parts = list(Shards.of(tmp_path / "a.parquet"))
    assert {part.n for part in parts} == {100 // K}
    np.testing.assert_array_equal(np.concatenate([part.values for part in parts]), logits)


def test_other_formats_are_parts_as_they_are(tmp_path: Path) -> None:
    logits, labels = data(n=90)
    for i in range(3):
        np.savez(tmp_path / f"{i}.npz", logits=logits[30 * i : 30 * i + 30], labels=labels[30 * i : 30 * i + 30])
    report = evaluate_streamed(Shards.of(tmp_path / "*.npz"))
    assert report.uncalibrated.ece == pytest.approx(ece(Predictions.from_logits(logits, labels)), rel=1e-12)


def test_what_has_no_optimum_says_so(tmp_path: Path) -> None:
    np.savez(tmp_path / "0.npz", logits=[[3.0, 0.0], [0.0, 2.0]], labels=[0, 1])
    np.savez(tmp_path / "1.npz", logits=[[4.0, 0.0], [0.0, 1.0]], labels=[0, 1])
    report = evaluate_streamed(Shards.of(tmp_path / "*.npz"))
    assert report.fitted.status == "separable"
    assert report.scaled is report.uncalibrated


def test_bad_shards_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no files"):
        Shards.of(tmp_path / "*.parquet")
    with pytest.raises(InputError, match="names no files"):
        Shards.of(tmp_path)
    np.savez(tmp_path / "0.npz", logits=[[3.0, 0.0]], labels=[0])
    np.savez(tmp_path / "1.npz", logits=[[3.0, 0.0, 1.0]], labels=[0])
    with pytest.raises(InputError, match=r"1\.npz holds logits of 3 classes, the files before logits of 2"):
        list(Shards.of(tmp_path))
    np.savez(tmp_path / "1.npz", logits=[[3.0, np.nan]], labels=[0])
    with pytest.raises(InputError, match=r"1\.npz.*row 0"):
        evaluate_streamed(Shards.of(tmp_path))


def test_a_damaged_or_cut_off_shard_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    target = tmp_path / "03.parquet"
    whole = target.read_bytes()
    target.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"03\.parquet"):
        evaluate_streamed(Shards.of(tmp_path))


def test_a_shard_that_lacks_a_column_is_named_and_files_without_rows_are_no_data(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    whole = {"logit_0": [1.0, 2.0], "logit_1": [0.0, 0.0], "logit_2": [0.5, 3.0], "label": [0, 2]}
    lacking = {name: column for name, column in whole.items() if name != "logit_2"}
    for name, columns in (("0.parquet", whole), ("1.parquet", lacking)):
        parquet.write_table(pa.table(columns), tmp_path / name)
    with pytest.raises(InputError, match=r"1\.parquet lacks the column 'logit_2', which the files before have"):
        evaluate_streamed(Shards.of(tmp_path))
    (tmp_path / "1.parquet").unlink()
    parquet.write_table(pa.table(whole).slice(0, 0), tmp_path / "0.parquet")
    assert list(Shards.of(tmp_path)) == []
    with pytest.raises(InputError, match="there are no rows"):
        evaluate_streamed(Shards.of(tmp_path))


def test_a_sample_is_found_where_most_files_are_empty(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    whole = pa.table({"logit_0": [1.0, 2.0, 0.0], "logit_1": [0.0, 0.5, 1.0], "label": [0, 1, 1]})
    for i in range(20):
        part = whole if i == 13 else whole.slice(0, 0)
        parquet.write_table(part.replace_schema_metadata({"i": str(i)}), tmp_path / f"{i:02d}.parquet")
    assert evaluate_streamed(Shards.of(tmp_path)).uncalibrated.n == 3


def test_parts_with_and_without_weights_and_other_models_are_told_apart(tmp_path: Path) -> None:
    logits, labels = sample(40, 3)
    for folder in ("mixed", "plain"):
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "0.npz", logits=logits[:20], labels=labels[:20])
        np.savez(tmp_path / folder / "1.npz", logits=logits[20:], labels=labels[20:])
    np.savez(tmp_path / "mixed" / "0.npz", logits=logits[:20], labels=labels[:20], sample_weight=np.arange(20.0))
    with pytest.raises(InputError, match="some parts have sample weights and some have none"):
        evaluate_streamed(Shards.of(tmp_path / "mixed"))
    weighted, plain = Likeness("logits", 3, True), Likeness("logits", 3, False)
    with pytest.raises(InputError, match="some have none"):  # also where no sample of rows comes upon it
        weighted.check(plain)
    weighted.check(plain, weights=False)  # a calibration set is a data set of its own
    np.savez(tmp_path / "other.npz", logits=sample(30, 4)[0], labels=sample(30, 4)[1])
    with pytest.raises(InputError, match="of 3 classes, others logits of 4"):
        evaluate_streamed(Shards.of(tmp_path / "plain"), Shards.of(tmp_path / "other.npz"))


def test_a_glob_is_told_from_a_file_whose_name_has_brackets(tmp_path: Path) -> None:
    odd = tmp_path / "a[1].npz"
    np.savez(odd, logits=[[3.0, 0.0]], labels=[0])
    assert not is_glob(odd)
    assert is_glob(tmp_path / "a*.npz")


@pytest.mark.slow
def test_memory_stays_bounded_on_a_gigabyte(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rng = np.random.default_rng(0)
    for i in range(12):
        logits = rng.normal(0, 3, (2_000_000, 10)).astype(np.float32)
        table = {**{f"logit_{c}": logits[:, c] for c in range(10)}, "label": logits.argmax(axis=1)}
        table["label"][::3] = 0
        parquet.write_table(pa.table(table), tmp_path / f"{i:02d}.parquet", row_group_size=250_000)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) > 2**30 * 0.9
    code = (
        "import sys\nfrom calib.files.shards import Shards\nfrom calib.streamed import evaluate_streamed\n"
        "print(evaluate_streamed(Shards.of(sys.argv[1])).uncalibrated.n)\n"
        "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"  # not that of the parent
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=500
    )
    n, peak = map(int, done.stdout.split())
    assert n == 24_000_000
    assert peak < 400 * 1024  # KiB


@pytest.mark.parametrize("ending", ["parquet", "npz", "csv"])
@pytest.mark.parametrize("zero", [[0], [2], [0, 1]])
def test_a_shard_whose_weights_are_all_0_contributes_nothing(tmp_path: Path, ending: str, zero: list[int]) -> None:
    import pandas as pd

    if ending == "parquet":
        pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    logits, labels = data(n=900)
    weight = np.random.default_rng(1).uniform(0.5, 2, 900)
    for i in range(3):
        rows = slice(300 * i, 300 * i + 300)
        weight[rows] *= i not in zero
        scores = {f"logit_{c}": logits[rows, c] for c in range(K)}
        table = pd.DataFrame({**scores, "label": labels[rows], "weight": weight[rows]})
        file = tmp_path / f"{i}.{ending}"
        if ending == "npz":
            np.savez(file, logits=logits[rows], labels=labels[rows], sample_weight=weight[rows])
        else:
            table.to_parquet(file) if ending == "parquet" else table.to_csv(file, index=False)
    report = evaluate_streamed(Shards.of(tmp_path))
    counted = Predictions.from_logits(logits, labels, sample_weight=weight)[weight > 0]
    for name, metric in (("ece", ece), ("mce", mce), ("nll", nll), ("brier", brier)):
        assert getattr(report.uncalibrated, name) == pytest.approx(metric(counted), rel=1e-9)
    assert report.fitted.temperature == pytest.approx(TemperatureScaling.fit(counted).temperature, rel=1e-9)
    assert report.uncalibrated.n == 900


def test_weights_that_are_all_0_everywhere_are_refused(tmp_path: Path) -> None:
    logits, labels = data(n=20)
    for i in range(2):
        np.savez(tmp_path / f"{i}.npz", logits=logits + i, labels=labels, sample_weight=np.zeros(20))
    with pytest.raises(InputError, match="all sample weights are 0"):
        evaluate_streamed(Shards.of(tmp_path))
    with pytest.raises(InputError, match="all sample weights are 0"):
        ece(Shards.of(tmp_path).whole())
