"""Case 27: Parquet files and folders of shards that are damaged, differ, come twice, or come by the ten thousand."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from .conftest import Run, assert_refused, sample
from .test_tables import limited

pa: Any = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
parquet: Any = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")
pytestmark = pytest.mark.timeout(120)


def frame(n: int = 60, *, seed: int = 0) -> Any:
    given = sample(n, seed=seed)
    return pd.DataFrame({**{f"logit_{i}": given["logits"][:, i] for i in range(3)}, "label": given["labels"]})


def _flipped(path: Path) -> None:
    parquet.write_table(pa.Table.from_pandas(frame(5000)), path, write_page_checksum=True)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 3] ^= 4
    path.write_bytes(whole)


def _footer(path: Path) -> None:
    frame().to_parquet(path)
    whole = bytearray(path.read_bytes())
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    whole[start : start + 20] = b"\xff" * 20
    path.write_bytes(whole)


def _nulls(path: Path) -> None:
    frame().assign(logit_1=[None, *frame()["logit_1"][1:]]).to_parquet(path)


def _ragged(path: Path) -> None:
    pd.DataFrame({"logits": [[1.0, 2.0], [1.0]], "label": [0, 1]}).to_parquet(path)


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "27-no-row-groups": (lambda path: frame()[:0].to_parquet(path), "no rows"),
    "27-nulls": (_nulls, "row 0 column 'logit_1' has no value"),
    "27-corrupt-footer": (_footer, "damaged"),
    "27-page-checksum": (_flipped, "damaged"),
    "27-cut": (lambda path: (frame().to_parquet(path), path.write_bytes(path.read_bytes()[:-9])), "damaged"),
    "27-ragged-lists": (_ragged, "row 1 of 'logits' has 1 numbers"),
    "27-structs": (lambda path: frame().assign(logit_0=[{"a": 1.0}] * 60).to_parquet(path), "is of type struct"),
}


@pytest.mark.parametrize("streamed", [False, True], ids=["file", "shards"])
@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_with_a_file_is_told_alone_and_among_shards(
    run: Run, tmp_path: Path, case: str, streamed: bool
) -> None:
    make, words = BROKEN[case]
    make(tmp_path / "b.parquet")
    if streamed and case != "27-ragged-lists":
        frame(seed=1).to_parquet(tmp_path / "a.parquet")
        if case == "27-no-row-groups":
            assert run("evaluate", tmp_path).code == 0  # an empty part among others is an empty part
            return
    assert_refused(run("evaluate", tmp_path if streamed else tmp_path / "b.parquet"), words, "b.parquet")


COLUMNS: dict[str, Callable[[Any], Any]] = {
    "27-dictionary": lambda table: table.assign(label=pd.Categorical(table["label"])),
    "27-decimal": lambda table: table.assign(logit_0=[Decimal(f"{value:.15f}") for value in table["logit_0"]]),
    "27-lists": lambda table: pd.DataFrame(
        {"logits": table[["logit_0", "logit_1", "logit_2"]].to_numpy().tolist(), "label": table["label"]}
    ),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_columns_of_every_kind_of_number_are_read(run: Run, tmp_path: Path, case: str) -> None:
    frame().to_parquet(tmp_path / "a.parquet")
    COLUMNS[case](frame()).to_parquet(tmp_path / "b.parquet")
    plain, other = (
        json.loads(run("evaluate", tmp_path / name, "--json").out)["uncalibrated"]
        for name in ("a.parquet", "b.parquet")
    )
    assert other == pytest.approx(plain, abs=1e-12)


DRIFT: dict[str, tuple[Callable[[Any], Any], str]] = {
    "27-drift-lost-column": (lambda table: table.drop(columns="logit_2"), "lacks the column 'logit_2'"),
    "27-drift-kind": (
        lambda table: pd.DataFrame({"prob_0": [0.5], "prob_1": [0.25], "prob_2": [0.25], "label": [0]}),
        "lacks the column",
    ),
    "27-drift-classes": (
        lambda table: pd.DataFrame({**{f"logit_{i}": [0.1] for i in range(4)}, "label": [0]}),
        "logits of 4 classes",
    ),
    "27-drift-type": (lambda table: table.assign(logit_0="much"), "'much'"),
}


@pytest.mark.parametrize("case", DRIFT)
def test_shards_that_differ_from_those_before_are_named(run: Run, tmp_path: Path, case: str) -> None:
    make, words = DRIFT[case]
    frame().to_parquet(tmp_path / "a.parquet")
    make(frame(seed=1)).to_parquet(tmp_path / "b.parquet")
    assert_refused(run("evaluate", tmp_path), words, "b.parquet")


@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.parametrize("case", ["27-shard-twice"])
def test_a_shard_that_lies_there_twice_is_not_counted_twice(run: Run, tmp_path: Path, case: str, ending: str) -> None:
    for number in range(3):
        table = frame(seed=number).round(3)
        table.to_parquet(tmp_path / f"{number}.parquet") if ending == "parquet" else table.to_csv(
            tmp_path / f"{number}.csv", index=False
        )
    whole = run("evaluate", tmp_path, "--json")
    assert json.loads(whole.out)["n"]["test"] == 180
    (tmp_path / f"1 (copy).{ending}").write_bytes((tmp_path / f"1.{ending}").read_bytes())
    assert_refused(run("evaluate", tmp_path), "holds the very bytes of 1", "take one of them away")


@pytest.mark.parametrize("case", ["27-shard-missing"])
def test_the_report_says_how_many_files_and_rows_there_were(run: Run, tmp_path: Path, case: str) -> None:
    for number in (0, 2):  # nothing but these numbers can tell that one is missing
        frame(seed=number).to_parquet(tmp_path / f"part-{number}.parquet")
    assert "2 files" in (shown := run("evaluate", tmp_path).out)
    assert "n = 120" in shown


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", ["27-ten-thousand-shards"])
def test_ten_thousand_shards_are_one_data_set_in_little_memory(tmp_path: Path, case: str) -> None:
    table = pa.Table.from_pandas(frame(20))
    rng = np.random.default_rng(0)
    for number in range(10_000):
        changed = table.set_column(0, "logit_0", pa.array(rng.normal(size=20)))
        parquet.write_table(changed, tmp_path / f"{number:05}.parquet")
    code, lines, peak = limited("evaluate", tmp_path, "--json", "-o", tmp_path.parent / "report.json", limit=8 << 30)
    assert code == 0, lines
    assert json.loads((tmp_path.parent / "report.json").read_text())["n"]["test"] == 200_000
    assert peak < 1000
