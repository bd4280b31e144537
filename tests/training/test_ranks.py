"""Several processes compute what one would, never drift apart, and end when one of them is lost."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from calib.errors import InputError
from calib.training.ranks import ALONE, Ranks, joined_ranks
from tests.training.rank_jobs import NORMS, ROOT, Found, everything, own_store, started, wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ranks are killed and stopped with POSIX signals")

TOLERANCE = {
    "plain float32": 1e-6,
    "plain float64": 1e-12,
    "normalised float32": 1e-5,
    "normalised float64": 1e-12,
    "resnet": 1e-12,
    **dict.fromkeys(NORMS, 1e-13),
    "rows": 1e-10,  # two rows become −1 and 1 whatever they were: what goes back is a small difference
}
LAUNCHED = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


@pytest.fixture(scope="module")
def alone() -> dict[str, Found]:
    return everything(ALONE)


@pytest.fixture(scope="module", params=[pytest.param(2, marks=pytest.mark.slow), 3], ids=["two ranks", "three ranks"])
def together(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Found]]:
    """What each rank found."""
    folder = tmp_path_factory.mktemp("together")
    with started(request.param, "everything", folder, timeout_seconds=60) as processes:
        for process in processes:
            _, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(request.param)]


@pytest.mark.parametrize("name", TOLERANCE)
def test_ranks_together_compute_what_one_process_does(
    alone: dict[str, Found], together: list[dict[str, Found]], name: str
) -> None:
    for found in together:
        assert list(found[name]) == list(alone[name])
        for what, expected in alone[name].items():
            assert found[name][what].dtype == expected.dtype
            worst = float((found[name][what] - expected).abs().max() / expected.abs().max().clamp(min=1e-30))
            assert worst <= TOLERANCE[name], (what, worst)


@pytest.mark.parametrize("name", TOLERANCE)
def test_ranks_never_drift_apart_by_a_bit(together: list[dict[str, Found]], name: str) -> None:
    first, *others = together
    for other in others:
        assert all(torch.equal(tensor, other[name][what]) for what, tensor in first[name].items())


def test_a_parameter_has_a_gradient_where_any_rank_had_one(together: list[dict[str, Found]]) -> None:
    n = len(together)
    every, last = sum(10.0**rank for rank in range(n)), 10.0 ** (n - 1)
    for found in (rank["some without gradient"] for rank in together):
        assert found.pop("collectives") == 2, "one a dtype"
        sums = {name: sorted(set(gradient.flatten().tolist())) for name, gradient in found.items()}
        assert sums == {"all32": [every], "all64": [every], "first32": [1.0], "last64": [last]}
        assert all(
            gradient.shape == (2, 3) and str(gradient.dtype)[-2:] == name[-2:] for name, gradient in found.items()
        )


def test_every_rank_refuses_a_global_batch_of_one_value_per_channel(together: list[dict[str, Found]]) -> None:
    assert all(found["single value"]["refused"] for found in together)


def test_alone_costs_nothing_and_touches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nobody is there to talk to")

    for name in ("all_reduce", "init_process_group"):
        monkeypatch.setattr(torch.distributed, name, refuse)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = [(type(module), dict(module.__dict__)) for module in model.modules()]
    gradient = torch.ones(3, 2)
    model[0].weight.grad = gradient
    rows = torch.arange(3)
    with joined_ranks(device="cpu") as ranks:
        assert ranks is ALONE
        assert ranks.is_first
        assert ranks.share(rows) is rows
        assert ranks.sum(rows) is rows
        ranks.sum_gradients(model.parameters())
        ranks.synchronise(model)
    assert model[0].weight.grad is gradient
    assert model[0].bias.grad is None
    assert [(type(module), dict(module.__dict__)) for module in model.modules()] == before


@pytest.mark.parametrize("batch", range(5))
def test_shares_are_even_to_one_row_and_cover_the_batch(batch: int) -> None:
    shares = [Ranks(rank, 3).share(torch.arange(batch)).tolist() for rank in range(3)]
    assert sorted(row for share in shares for row in share) == list(range(batch))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [Ranks(rank, 3).is_first for rank in range(3)] == [True, False, False]


@pytest.mark.parametrize(
    ("n", "victim", "how", "timeout"),
    [
        pytest.param(3, 0, "SIGKILL", 60, id="killed"),
        pytest.param(2, 1, "SIGSTOP", 8, id="stopped", marks=pytest.mark.slow),
    ],
)
def test_a_lost_rank_ends_the_others_with_two_lines(
    tmp_path: Path, n: int, victim: int, how: str, timeout: int
) -> None:
    with started(n, "endless", tmp_path, timeout_seconds=timeout) as processes:
        wait_for([tmp_path / f"ready{rank}" for rank in range(n)])
        processes[victim].send_signal(signal.Signals[how])
        start = time.monotonic()
        for rank in set(range(n)) - {victim}:
            _, err = processes[rank].communicate(timeout=40)
            assert processes[rank].returncode == 75
            first, second = err.splitlines()
            assert first.startswith(f"error: rank {rank} of {n} ")
            assert first.endswith("lost another process" if how == "SIGKILL" else "waited in vain for another process")
            assert second.startswith("help: ")
        assert time.monotonic() - start < 20, "a killed rank is noticed at once, a stopped one after the timeout"


def test_a_rank_that_never_comes_ends_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = own_store()
    environment = {**LAUNCHED, "MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    with (
        pytest.raises(InputError, match="rank 1 of 2 did not find the others"),
        joined_ranks(device="cpu", timeout_seconds=1),
    ):
        pass
    assert not torch.distributed.is_initialized()


def test_torchrun_starts_ranks_and_a_group_may_follow_another(tmp_path: Path) -> None:
    torchrun = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run(
        [*torchrun, "-m", "tests.training.rank_jobs", "again", str(tmp_path), "60"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=120,
    )
    assert [(tmp_path / f"said{rank}").read_text() for rank in (0, 1)] == ["0 of 2: 3", "1 of 2: 3"]


def test_a_process_group_that_exists_is_used_and_stays(tmp_path: Path) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    try:
        with joined_ranks(device="cpu") as ranks:
            assert ranks == ALONE
        assert torch.distributed.is_initialized()
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize("missing", LAUNCHED)
def test_an_environment_of_another_launcher_is_not_torchruns(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name, text in LAUNCHED.items():
        if name != missing:
            monkeypatch.setenv(name, text)
    with joined_ranks(device="cpu") as ranks:
        assert ranks is ALONE


@pytest.mark.parametrize(
    ("changes", "options", "sentence"),
    [
        ({"RANK": "2"}, {"device": "cpu"}, "RANK=2, WORLD_SIZE=2"),
        ({"WORLD_SIZE": "two"}, {"device": "cpu"}, "WORLD_SIZE=two"),
        ({"RANK": "-1"}, {"device": "cpu"}, "RANK=-1"),
        ({}, {"device": "mps"}, "got mps"),
        ({}, {"device": "cuda:0"}, "got cuda:0"),
        ({"LOCAL_RANK": "99"}, {"device": "cuda"}, "process 100 of this machine needs a GPU"),
        ({}, {"device": "cpu", "timeout_seconds": 0.0}, "timeout_seconds must be positive, got 0.0"),
        ({}, {"device": "cpu", "timeout_seconds": float("nan")}, "timeout_seconds must be positive"),
        ({"MASTER_PORT": "x"}, {"device": "cpu"}, "did not find the others: invalid literal"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], options: dict[str, object], sentence: str
) -> None:
    for name, text in {**LAUNCHED, **changes}.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(InputError, match=sentence), joined_ranks(**options):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize(
    ("message", "lost"),
    [
        ("[gloo/transport/tcp/pair.cc:1] Connection closed by peer", True),
        ("[enforce fail at gloo/transport/tcp/pair.cc:456] op.preamble.length <= op.nbytes", False),
        ("a tensor of the wrong kind", False),
    ],
)
def test_only_a_failed_connection_counts_as_a_lost_process(
    monkeypatch: pytest.MonkeyPatch, message: str, lost: bool
) -> None:
    def fail(_: Tensor) -> None:
        raise RuntimeError(message)

    monkeypatch.setattr(torch.distributed, "all_reduce", fail)
    caught: type[Exception] = InputError if lost else RuntimeError
    sum_: Callable[[Tensor], Tensor] = Ranks(0, 2).sum
    with pytest.raises(caught, match="lost another process" if lost else re.escape(message)):
        sum_(torch.zeros(1))
