"""Training is reproducible, paired across α, touches no global state and stops on NaN."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from calib.datasets import load_dataset
from calib.errors import InputError, NumericalError
from calib.inference import predict_part
from calib.metrics.accuracy import accuracy
from calib.metrics.proper import nll
from calib.training.config import TrainConfig
from calib.training.loop import train

SMALL = TrainConfig(dataset="digits", width=4, epochs=2, train_size=128, label_noise=0.4)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    first, second, other = train(SMALL), train(SMALL), train(replace(SMALL, seed=1))
    for name, tensor in first.state_dict.items():
        assert torch.equal(tensor, second.state_dict[name])
    assert not torch.equal(first.state_dict["conv1.weight"], other.state_dict["conv1.weight"])


def test_smoothing_is_the_only_difference_between_paired_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[float, list[torch.Tensor]] = {}

    def spy(logits: torch.Tensor, labels: torch.Tensor, *, smoothing: float) -> torch.Tensor:
        seen.setdefault(smoothing, []).extend([logits.detach().clone(), labels.clone()])
        # the same step for both, so that batches compare
        return torch.nn.functional.cross_entropy(logits, labels, reduction="none")

    monkeypatch.setattr("calib.training.objective.smoothed_cross_entropy", spy)
    for smoothing in (0.0, 0.1):
        train(replace(SMALL, smoothing=smoothing))
    assert all(torch.equal(hard, smooth) for hard, smooth in zip(seen[0.0], seen[0.1], strict=True))


def test_smoothing_reaches_the_loss() -> None:
    hard, smooth = train(SMALL), train(replace(SMALL, smoothing=0.3))
    assert not torch.equal(hard.state_dict["fc.weight"], smooth.state_dict["fc.weight"])


def test_only_training_labels_are_redrawn() -> None:
    clean = load_dataset("digits").labels.copy()
    checkpoint = train(SMALL)
    assert np.array_equal(load_dataset("digits").labels, clean)
    parts = checkpoint.split
    assert len(np.unique(np.concatenate([parts.train, parts.calibration, parts.test]))) == sum(
        len(part) for part in (parts.train, parts.calibration, parts.test)
    )


def test_global_random_state_stays_as_it_was() -> None:
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state(legacy=False)  # noqa: NPY002
    train(SMALL)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert str(np.random.get_state(legacy=False)) == str(numpy_state)  # noqa: NPY002


def test_a_diverging_loss_stops_training() -> None:
    with pytest.raises(NumericalError, match="diverged"):
        train(replace(SMALL, learning_rate=999_999.0, epochs=30))


def test_progress_is_reported_epoch_by_epoch() -> None:
    seen: list[tuple[int, int]] = []
    train(SMALL, on_epoch=lambda so_far: seen.append((len(so_far.history), so_far.n_epochs)))
    assert seen == [(1, 2), (2, 2)]
    steps: list[tuple[int, int]] = []
    train(SMALL, on_step=lambda done, total, _: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_loss_and_accuracy_of_an_epoch_are_means_over_its_examples() -> None:
    still = {"arch": "mnist-fc", "width": 16, "learning_rate": 1e-12}  # it hardly moves while it is measured
    checkpoint = train(replace(SMALL, epochs=1, train_size=100, label_noise=0.0, **still))  # type: ignore[arg-type]
    (row,), seen = checkpoint.history, predict_part(checkpoint, "train")
    assert row["loss"] == pytest.approx(nll(seen), rel=1e-5)
    assert row["accuracy"] == pytest.approx(accuracy(seen))


def test_training_learns_clean_digits() -> None:
    checkpoint = train(replace(SMALL, label_noise=0.0, epochs=12, width=8, train_size=600))
    assert checkpoint.history[-1]["accuracy"] > 0.95


@pytest.mark.parametrize(
    ("arch", "width"),
    [("resnet8b", 4), ("resnet18-cifar", 4), ("alexnet", None), ("minigooglenet", None), ("mnist-fc-dropout", 32)],
)
def test_every_family_trains_on_digits_and_comes_back(arch: str, width: int | None) -> None:
    checkpoint = train(replace(SMALL, arch=arch, width=width, epochs=1, train_size=64, learning_rate=0.01))
    model, images = checkpoint.model(), torch.rand(2, 1, 8, 8)
    assert model(images).shape == (2, 10)
    assert all(torch.equal(value, checkpoint.state_dict[name]) for name, value in model.state_dict().items())


def test_a_batch_of_one_that_cannot_be_normalised_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="minigooglenet cannot normalise a batch of one image") as error:
        train(replace(SMALL, arch="minigooglenet", width=None, train_size=65))
    assert "--batch-size" in error.value.help
