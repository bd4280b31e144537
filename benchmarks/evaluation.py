"""ECE and temperature scaling against the recipes people copy, in one run: ``python -m benchmarks.evaluation``.

The recipes are written here in plain torch: a loop over bins on float32 confidences, and LBFGS on T (start 1.5,
learning rate 0.01, 50 iterations).  Medians of five, one thread.  The answers stand beside the seconds: a fast wrong T
is worth nothing.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional

import calib
from calib._arrays import AnyArray
from calib.environment import commit, hardware, versions


def main() -> None:
    """Measure and print one Markdown table."""
    torch.set_num_threads(1)
    print(f"{hardware()}, one thread; commit {commit()}; {', '.join(f'{k} {v}' for k, v in versions().items())}\n")
    print("| n × k | true T | work | calib | recipe | recipe / calib | calib's answer | recipe's answer |")
    print("| ---: | ---: | :--- | ---: | ---: | ---: | ---: | ---: |")
    for n, k, true_temperature in ((10_000, 10, 2.0), (10_000, 10, 0.7), (50_000, 100, 1.5), (1_000_000, 10, 2.0)):
        logits, labels = _sample(n, k, true_temperature)
        for name, ours, theirs in (("ECE-15", _ece, _ece_loop), ("temperature", _temperature, _lbfgs)):
            mine, answer = _median(partial(ours, logits, labels))
            other, its = _median(partial(theirs, torch.from_numpy(logits), torch.from_numpy(labels)))
            print(
                f"| {n:,} × {k} | {true_temperature} | {name} | {mine:.4f} s | {other:.4f} s | {other / mine:.2f} "
                f"| {answer:.6f} | {its:.6f} |"
            )


def _sample(n: int, k: int, temperature: float) -> tuple[AnyArray, AnyArray]:
    """Float32 logits and labels of a model whose true temperature is known."""
    rng = np.random.default_rng(0)
    true_logits = rng.normal(0, 2, (n, k))
    labels = (true_logits + rng.gumbel(size=(n, k))).argmax(axis=1)
    return (true_logits * temperature).astype(np.float32), labels


def _ece(logits: AnyArray, labels: AnyArray) -> float:
    return calib.ece(calib.Predictions.from_logits(logits, labels))


def _temperature(logits: AnyArray, labels: AnyArray) -> float:
    return calib.TemperatureScaling.fit(calib.Predictions.from_logits(logits, labels)).temperature


def _median(work: Callable[[], float], repeats: int = 5) -> tuple[float, float]:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), answer


def _ece_loop(logits: torch.Tensor, labels: torch.Tensor) -> float:
    confidence, predicted = functional.softmax(logits, dim=1).max(dim=1)
    correct = predicted.eq(labels).float()
    total = torch.zeros(1)
    edges = torch.linspace(0, 1, 16)
    for low, high in pairwise(edges):
        inside = confidence.gt(low) & confidence.le(high)
        if inside.any():
            total += (confidence[inside].mean() - correct[inside].mean()).abs() * inside.float().mean()
    return float(total)


def _lbfgs(logits: torch.Tensor, labels: torch.Tensor) -> float:
    temperature = torch.nn.Parameter(torch.full((1,), 1.5))
    optimizer = torch.optim.LBFGS([temperature], lr=0.01, max_iter=50)

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(logits / temperature, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(step)  # type: ignore[no-untyped-call]
    return float(temperature.detach())


if __name__ == "__main__":
    main()
