"""The torchmetrics metric: calib's numbers over any batches, devices and processes."""

from pathlib import Path

import pytest
import torch

import calib
from calib.errors import InputError
from tests.references import sample

from .test_torch_distributed import two_ranks

pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")

from calib.integrations.torchmetrics import NAMES, CalibrationMetric

LOGITS, LABELS = (torch.from_numpy(array) for array in sample(501, 5, true_temperature=1.0))
WHOLE = calib.evaluate(calib.Predictions.from_logits(LOGITS, LABELS)).to_dict()


def assert_whole(found: dict[str, torch.Tensor], rel: float = 1e-12) -> None:
    assert set(found) == set(NAMES)
    for name in NAMES:
        assert found[name].dtype == torch.float64
        assert float(found[name]) == pytest.approx(WHOLE[name], rel=rel), name


@pytest.mark.parametrize("kind", ["logits", "probs"])
@pytest.mark.parametrize("size", [1, 32, 501])
def test_batches_give_the_numbers_of_the_whole(kind: str, size: int) -> None:
    scores = LOGITS if kind == "logits" else LOGITS.softmax(1)
    metric = CalibrationMetric(kind=kind)  # type: ignore[arg-type]
    for batch, labels in zip(torch.split(scores, size), torch.split(LABELS, size), strict=True):
        metric.update(batch, labels)
    assert_whole(metric.compute(), 1e-10)
    metric.reset()
    metric.update(scores, LABELS)
    assert_whole(metric.compute(), 1e-10)


def test_it_behaves_as_metrics_do() -> None:
    first, second = CalibrationMetric(kind="logits"), CalibrationMetric(kind="logits")
    batch = first(LOGITS[:200], LABELS[:200])  # forward: the numbers of this batch, while the whole goes on
    assert float(batch["ece"]) == pytest.approx(calib.ece(calib.Predictions.from_logits(LOGITS[:200], LABELS[:200])))
    second.update(LOGITS[200:], LABELS[200:])
    first.merge_state(second)
    assert_whole(first.half().float().compute())  # states stay float64
    assert first.bins.dtype == torch.float64
    again = CalibrationMetric(kind="logits")
    first.persistent(True)
    again.persistent(True)
    again.load_state_dict(first.state_dict())
    with pytest.warns(UserWarning, match="before the ``update`` method"):  # torchmetrics does not store that it was
        assert_whole(again.clone().compute())


def test_metrics_of_other_conventions_in_one_collection_stay_apart() -> None:
    from torchmetrics import MetricCollection

    both = MetricCollection(
        {
            "right": CalibrationMetric(kind="probs", n_bins=4, closed="right"),
            "left": CalibrationMetric(kind="probs", n_bins=4, closed="left"),
        }
    )
    probs, labels = [[0.6, 0.4], [0.7, 0.3], [0.75, 0.25], [0.9, 0.1]], [0, 1, 1, 0]  # 0.75 is an edge
    for rows in (slice(0, 2), slice(2, 4)):  # the first batch has nothing on an edge
        both.update(torch.tensor(probs[rows], dtype=torch.float64), torch.tensor(labels[rows]))
    right, left = (float(both[side].compute()["ece"]) for side in ("right", "left"))
    assert right == pytest.approx(calib.ece(probs, labels, n_bins=4))
    assert left == pytest.approx(calib.ece(probs, labels, n_bins=4, closed="left"))
    assert right != left


def test_shorter_numbers_and_other_devices_are_asked_for_in_vain() -> None:
    metric = CalibrationMetric(kind="logits").set_dtype(torch.float16)
    for batch, labels in zip(torch.split(LOGITS, 100), torch.split(LABELS, 100), strict=True):
        metric.update(batch, labels)
    assert_whole(metric.compute())


def test_a_probability_of_0_at_the_label_makes_nll_infinite() -> None:
    metric = CalibrationMetric(kind="probs")
    metric.update(torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([1, 0]))
    assert float(metric.compute()["nll"]) == float("inf")


def test_bad_input_is_refused_and_not_added() -> None:
    with pytest.raises(InputError, match="kind must be logits or probs"):
        CalibrationMetric(kind="scores")  # type: ignore[arg-type]
    metric = CalibrationMetric(kind="probs")
    with pytest.raises(InputError):
        metric.update(LOGITS, LABELS)
    metric.update(LOGITS.softmax(1), LABELS)
    assert_whole(metric.compute(), 1e-10)


RANK = """
import sys, torch, torch.distributed as dist, calib
from calib.integrations.torchmetrics import CalibrationMetric
from tests.integrations.test_torchmetrics import LABELS, LOGITS, assert_whole
rank, store = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
metric = CalibrationMetric(kind="logits")
metric.update(LOGITS[rank::2], LABELS[rank::2])
assert_whole(metric.compute())
dist.destroy_process_group()
print("same")
"""


def test_two_ranks_are_summed(tmp_path: Path) -> None:
    assert two_ranks(RANK, tmp_path) == ["same\n", "same\n"]
