"""Dask: the numbers of one process, from two workers, also where one of them is killed, and clean ends otherwise."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pandas as pd
import pytest

import calib
from calib.cli import main
from calib.errors import InputError, LostProcessError
from calib.predictions import Predictions
from tests.references import sample

pytest.importorskip("distributed", reason="the extra `dask` is not installed")
parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")

from calib.integrations.dask import DaskParts, connected  # noqa: E402

N, K, FILES = 3000, 5, 6
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    with dask.config.set({"distributed.scheduler.allowed-failures": 1}):  # 3 would take longer
        cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50)
        with cluster, Client(cluster) as client:
            yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    for i, part in enumerate(np.array_split(np.arange(N), FILES)):
        frame(part).to_parquet(folder / f"{i}.parquet")
    return folder


def frame(rows: Any) -> pd.DataFrame:
    logits, labels = sample(N, K, scale=3.0, true_temperature=0.8)
    columns = {f"logit_{c}": logits[rows, c] for c in range(K)}
    return pd.DataFrame({**columns, "label": labels[rows], "weight": 1.0 + (rows % 3)})


def assert_same(found: Any, expected: Any) -> None:
    assert found.uncalibrated.n == expected.uncalibrated.n == N
    for side in ("uncalibrated", "scaled"):
        for name, value in getattr(expected, side).to_dict().items():
            assert getattr(getattr(found, side), name) == pytest.approx(value, rel=1e-11, nan_ok=True), name
    assert found.fitted.temperature == pytest.approx(expected.fitted.temperature, rel=1e-12)
    assert found.fitted.standard_error == pytest.approx(expected.fitted.standard_error, rel=1e-9)


def test_files_give_what_one_process_gives(client: Any, folder: Path) -> None:
    shards = calib.Shards.of(folder)
    assert_same(calib.evaluate_streamed(DaskParts.of_shards(client, shards)), calib.evaluate_streamed(shards))


def test_a_dataframe_gives_it_too(client: Any, folder: Path) -> None:
    dataframe = pytest.importorskip("dask.dataframe")
    whole = dataframe.from_pandas(frame(np.arange(N)), npartitions=4)
    some = whole[whole["label"] >= 0]  # with work of its own before calib's
    found = calib.evaluate_streamed(DaskParts.of_dataframe(client, some))
    assert_same(found, calib.evaluate_streamed(calib.Shards.of(folder)))


def test_a_sample_is_found_where_most_partitions_are_empty(client: Any) -> None:
    dataframe = pytest.importorskip("dask.dataframe")
    parts = [frame(np.arange(N if i == 11 else 0)) for i in range(16)]
    found = calib.evaluate_streamed(DaskParts.of_dataframe(client, dataframe.from_map(lambda i: parts[i], range(16))))
    assert found.uncalibrated.n == N


def test_empty_partitions_and_files_count_nothing(client: Any, folder: Path, tmp_path: Path) -> None:
    dataframe = pytest.importorskip("dask.dataframe")
    parts = [frame(np.arange(N)), frame(np.arange(0))]
    whole = dataframe.from_map(lambda i: parts[i], [1, 0])
    expected = calib.evaluate_streamed(calib.Shards.of(folder))
    assert_same(calib.evaluate_streamed(DaskParts.of_dataframe(client, whole)), expected)
    for i, part in enumerate(parts):
        part.to_parquet(tmp_path / f"{i}.parquet")
    assert_same(calib.evaluate_streamed(DaskParts.of_shards(client, calib.Shards.of(tmp_path))), expected)
    with pytest.raises(InputError, match="there are no rows"):
        calib.evaluate_streamed(DaskParts.of_shards(client, calib.Shards.of(tmp_path / "1.parquet")))


@dataclass(frozen=True)
class Seen:
    """The first label logits of parts: what was gathered, and how often."""

    rows: tuple[float, ...]

    def __add__(self, other: "Seen") -> "Seen":
        return Seen(self.rows + other.rows)


def dying_once(part: Predictions, *, marker: Path) -> Seen:
    """Kill the worker that comes to the third file first; its task is then done again elsewhere."""
    if str(part.provenance["file"]).endswith("2.parquet") and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Seen((float(part.values[0, 0]),))


def test_a_killed_worker_loses_nothing_and_nothing_is_counted_twice(client: Any, folder: Path, tmp_path: Path) -> None:
    shards = calib.Shards.of(folder)
    found = DaskParts.of_shards(client, shards).gather(partial(dying_once, marker=tmp_path / "died"))
    rows = [row for seen in found for row in seen.rows]
    assert (tmp_path / "died").exists()
    assert rows == [float(part.values[0, 0]) for part in shards]


def dying(part: Predictions) -> Seen:
    os.kill(os.getpid(), signal.SIGKILL)
    return Seen(())


def test_a_part_that_kills_every_worker_ends_in_one_sentence(client: Any, folder: Path) -> None:
    one = calib.Shards.of(folder / "0.parquet")
    with pytest.raises(LostProcessError, match="Dask lost workers"):
        list(DaskParts.of_shards(client, one).gather(dying))


def test_errors_in_the_data_come_back_as_they_are(client: Any, tmp_path: Path) -> None:
    frame(np.arange(20)).to_parquet(tmp_path / "0.parquet")
    (tmp_path / "1.parquet").write_bytes((tmp_path / "0.parquet").read_bytes()[:-50])
    with pytest.raises(InputError, match=r"1\.parquet is damaged") as raised:
        calib.evaluate_streamed(DaskParts.of_shards(client, calib.Shards.of(tmp_path)))
    assert raised.value.help
    frame(np.arange(20)).drop(columns="logit_4").assign(label=0).to_parquet(tmp_path / "1.parquet")
    with pytest.raises(InputError, match="of 5 classes, others logits of 4"):
        calib.evaluate_streamed(DaskParts.of_shards(client, calib.Shards.of(tmp_path)))
    frame(np.arange(20, 40)).drop(columns="weight").to_parquet(tmp_path / "1.parquet")
    with pytest.raises(InputError, match="some parts have sample weights and some have none"):
        calib.evaluate_streamed(DaskParts.of_shards(client, calib.Shards.of(tmp_path)))
    shards = calib.Shards.of(tmp_path)
    (tmp_path / "1.parquet").unlink()
    with pytest.raises(InputError, match=r"1\.parquet"):
        calib.evaluate_streamed(DaskParts.of_shards(client, shards))


def test_errors_of_other_code_in_the_graph_are_not_called_losses(client: Any) -> None:
    dataframe = pytest.importorskip("dask.dataframe")
    broken = dataframe.from_map(lambda i: frame(np.arange(10)).assign(label=int("x")), [0, 1], meta=frame(np.arange(0)))
    with pytest.raises(ValueError, match="invalid literal") as raised:
        calib.evaluate_streamed(DaskParts.of_dataframe(client, broken))
    assert not isinstance(raised.value, InputError)
    odd = frame(np.arange(30)).assign(label=[f"c{i % 3}" for i in range(30)])
    words = dataframe.from_pandas(odd.drop(columns=["logit_3", "logit_4"]), npartitions=2)
    names = ["c0", "c1", "c2"]
    assert calib.evaluate_streamed(DaskParts.of_dataframe(client, words, class_names=names)).n_classes == 3


def test_a_scheduler_that_never_was_or_dies_ends_in_one_sentence(folder: Path) -> None:
    from distributed import Client

    address = "tcp://127.0.0.1:9"
    with pytest.raises(InputError, match=f"no Dask scheduler answers at {address}"), connected(address, timeout=0.5):
        pass
    host = [sys.executable, "-c", "from distributed.cli.dask_scheduler import main; main()"]
    options = ["--port", "0", "--host", "127.0.0.1", "--no-dashboard"]
    scheduler = subprocess.Popen([*host, *options], stderr=subprocess.PIPE, text=True)
    try:
        assert scheduler.stderr is not None
        line = next(line for line in scheduler.stderr if "tcp://" in line)
        address = "tcp://" + line.rpartition("tcp://")[2].strip()
        with pytest.raises(InputError, match="has no workers"), connected(address, timeout=1.0):
            pass
        with Client(address) as client:
            Timer(1.0, scheduler.kill).start()  # there are no workers: the tasks wait
            with pytest.raises(LostProcessError, match="Dask lost workers or its scheduler"):
                list(DaskParts.of_shards(client, calib.Shards.of(folder)).gather(dying))
    finally:
        scheduler.kill()
        scheduler.communicate()


def test_the_command_line_reaches_a_scheduler(
    client: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for engine in ([], ["--engine", "dask", "--scheduler", client.scheduler.address]):
        monkeypatch.setattr(sys, "argv", ["calib", "evaluate", str(folder), "--json", *engine])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        found.append(json.loads(capsys.readouterr().out))
    local, distributed = found
    for name in ("ece", "nll", "smooth_ece", "temperature"):
        assert distributed["temperature"][name] == pytest.approx(local["temperature"][name], rel=1e-11)
    assert distributed["n"] == local["n"]
    monkeypatch.setattr(sys, "argv", ["calib", "evaluate", str(folder)])  # weighted: no AURC
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().out
    assert "smooth ECE within" in shown
    assert "expected by chance" in shown
    assert "AURC" not in shown
