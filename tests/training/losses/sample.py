"""Logits and rows in float64, and the few formulas that every loss is made of, as plain loops."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


def logits(n: int = 30, k: int = 5, *, scale: float = 3.0, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(scale=scale, size=(n, k))


def labels(n: int = 30, k: int = 5, *, seed: int = 0) -> Any:
    return np.random.default_rng([seed, 1]).integers(k, size=n)


def rows(n: int = 30, k: int = 5, *, seed: int = 0) -> Any:
    return np.random.default_rng([seed, 2]).dirichlet(np.full(k, 0.5), size=n)


def one_hot(label: int, k: int) -> list[float]:
    return [float(j == label) for j in range(k)]


def log_softmax(row: Sequence[float], temperature: float = 1.0) -> list[float]:
    top = max(row)
    total = math.log(math.fsum(math.exp((z - top) / temperature) for z in row))
    return [(z - top) / temperature - total for z in row]


def cross_entropy(target: Sequence[float], row: Sequence[float]) -> float:
    return -math.fsum(t * log_p for t, log_p in zip(target, log_softmax(row), strict=True))


def assert_equal(loss: Tensor, expected: Sequence[float], *, rtol: float = 1e-12) -> None:
    """One float64 loss an example, each as expected."""
    assert loss.shape == (len(expected),)
    assert loss.dtype == torch.float64
    np.testing.assert_allclose(loss.detach().numpy(), expected, rtol=rtol, atol=1e-15)


def gradient(loss: Callable[[Tensor], Tensor], at: Any) -> Any:
    """The gradient of the sum of the losses."""
    z = torch.tensor(at).requires_grad_()
    (found,) = torch.autograd.grad(loss(z).sum(), z)
    return found.numpy()


def slopes(function: Callable[[list[float]], float], row: Sequence[float], *, step: float = 1e-5) -> list[float]:
    """Central differences of a function of one row."""
    found = []
    for k in range(len(row)):
        ends = [function([z + sign * step * (j == k) for j, z in enumerate(row)]) for sign in (1, -1)]
        found.append((ends[0] - ends[1]) / (2 * step))
    return found
