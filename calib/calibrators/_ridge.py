"""Multinomial logistic regression held by a ridge: the problem, and the D and b that solve it."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from calib._arrays import Float

Status: TypeAlias = Literal["ok", "not converged"]

STEPS = 2000  # iterations after which a fit gives up
CONVERGED = 1e-7  # largest slope that counts as none, in parameters scaled to a curvature of about 1
EXACT = 1e-11  # where Newton's method stops
CLOSE = 1e-4  # where L-BFGS stops and Newton's method starts
ROUGH = 1e-3  # where L-BFGS stops in cross-validation: a choice among powers of ten needs no more


@dataclass(frozen=True)
class Penalty:
    """What each square costs in nats: of an intercept, of an entry on the diagonal of D, off it (None: none there)."""

    intercept: float
    diagonal: float
    off_diagonal: float | None = None


@dataclass(frozen=True, eq=False)
class Examples:
    """Logits and targets ``(k, n)``, one column an example, and each one's share of the total weight ``(n,)``."""

    logits: Float
    targets: Float
    share: Float

    @property
    def effective(self) -> float:
        """How many examples of equal weight these count for (Kish 1965); n without weights."""
        return float(1 / np.square(self.share).sum())

    def part(self, columns: Any, beta: float = 1.0) -> "Examples":
        """Some of the examples with ``beta`` times their logits; their shares add up to 1 again."""
        share = self.share[columns]
        return Examples(beta * self.logits[:, columns], self.targets[:, columns], share / share.sum())


@dataclass(frozen=True, eq=False)
class Deviation:
    """D, ``(k, k)`` or its diagonal ``(k,)``, and b ``(k,)`` of softmax(x + D x + b), and how their fit went."""

    matrix: Float
    intercept: Float
    iterations: int = 0
    slope: float = np.inf

    @property
    def status(self) -> Status:
        """Whether the slope at these values is as good as 0."""
        return "ok" if self.slope <= CONVERGED else "not converged"


def minimise(given: Examples, penalty: Penalty, *, start: Deviation | None = None, rough: bool = False) -> Deviation:
    """The D and b that minimise mean cross-entropy of softmax(x + D x + b) plus the penalty; all strengths above 0.

    The problem is strictly convex.  L-BFGS-B goes most of the way, on parameters scaled to a curvature of about 1; its
    line search compares values of NLL, so it could find half of their digits.  Newton's method, whose steps come from
    slopes alone, finds the other half, unless ``rough``.
    """
    from scipy.optimize import minimize

    problem = Problem.of(given, penalty)
    theta = np.zeros(problem.strength.size)
    if start is not None:
        theta = np.concatenate([start.matrix.ravel(), start.intercept])
    scale = 1 / np.sqrt(problem.curvature(theta))

    def scaled(position: Float) -> tuple[float, Float]:
        value, slope = problem.objective(position * scale)
        return value, slope * scale

    options: Any = {"maxiter": STEPS, "maxfun": 2 * STEPS, "maxcor": 20, "ftol": 0.0, "gtol": ROUGH if rough else CLOSE}
    found = minimize(scaled, theta / scale, method="L-BFGS-B", jac=True, options=options)
    theta, slope = np.asarray(found.x * scale), np.asarray(found.jac)
    while not rough and np.abs(slope).max() > EXACT:
        step = problem.newton_step(theta, slope, scale)
        closer = problem.objective(theta + step)[1] * scale
        if np.abs(closer).max() > np.abs(slope).max() / 2:
            break
        theta, slope = theta + step, closer
    return Deviation(*problem.split(theta), int(found.nit), float(np.abs(slope).max()))


@dataclass(frozen=True, eq=False)
class Problem:
    """Mean cross-entropy and penalty as a function of the entries of D and b, one after the other."""

    given: Examples
    strength: Float
    shape: tuple[int, ...]

    @classmethod
    def of(cls, given: Examples, penalty: Penalty) -> "Problem":
        """The problem of some examples and a penalty."""
        k = len(given.logits)
        if penalty.off_diagonal is None:
            entries = np.full(k, penalty.diagonal)
        else:
            entries = np.full((k, k), penalty.off_diagonal)
            np.fill_diagonal(entries, penalty.diagonal)
        return cls(given, np.concatenate([entries.ravel(), np.full(k, penalty.intercept)]), entries.shape)

    def split(self, theta: Float) -> tuple[Float, Float]:
        """D and b."""
        return theta[: -self.shape[0]].reshape(self.shape), theta[-self.shape[0] :]

    def objective(self, theta: Float) -> tuple[float, Float]:
        """The value and its slope."""
        losses, probs = self._losses(theta)
        probs -= self.given.targets
        value = losses @ self.given.share + self.strength @ theta**2
        return float(value), self._gather(probs, self.given.logits) + 2 * self.strength * theta

    def curvature(self, theta: Float) -> Float:
        """The diagonal of the second derivative."""
        probs = self._losses(theta)[1]
        return self._gather(probs * (1 - probs), self.given.logits**2) + 2 * self.strength

    def newton_step(self, theta: Float, slope: Float, scale: Float) -> Float:
        """The step to where the slope were 0 if the objective were a parabola, by conjugate gradients."""
        from scipy.sparse.linalg import LinearOperator, cg

        probs = self._losses(theta)[1]

        def second_derivative(direction: Float) -> Float:
            change = scale * direction
            moved = self._moved(change)
            moved -= np.einsum("ij,ij->j", probs, moved)
            moved *= probs
            return scale * (self._gather(moved, self.given.logits) + 2 * self.strength * change)

        operator = LinearOperator((theta.size, theta.size), matvec=second_derivative, dtype=np.float64)
        return np.asarray(cg(operator, -slope, rtol=1e-3, maxiter=STEPS)[0] * scale)

    def _moved(self, theta: Float) -> Float:
        """D x + b for every example."""
        matrix, intercept = self.split(theta)
        moved = matrix[:, None] * self.given.logits if matrix.ndim == 1 else matrix @ self.given.logits
        moved += intercept[:, None]
        return moved

    def _losses(self, theta: Float) -> tuple[Float, Float]:
        """Cross-entropy ``(n,)`` and probabilities ``(k, n)``."""
        odds = self._moved(theta)
        odds += self.given.logits
        odds -= odds.max(axis=0)
        wanted = np.einsum("ij,ij->j", odds, self.given.targets)
        np.exp(odds, out=odds)
        total = odds.sum(axis=0)
        odds /= total
        return np.log(total) * self.given.targets.sum(axis=0) - wanted, odds

    def _gather(self, rows: Float, logits: Float) -> Float:
        """Σ share · rows · logitsᵀ, or its diagonal, and Σ share · rows; overwrites the rows."""
        rows *= self.given.share
        matrix = np.einsum("ij,ij->i", rows, logits) if len(self.shape) == 1 else rows @ logits.T
        return np.concatenate([matrix.ravel(), rows.sum(axis=1)])


def mean_nll(given: Examples, fitted: Deviation) -> float:
    """Mean cross-entropy of softmax(x + D x + b), in nats."""
    problem = Problem.of(given, Penalty(0.0, 0.0, None if fitted.matrix.ndim == 1 else 0.0))
    return problem.objective(np.concatenate([fitted.matrix.ravel(), fitted.intercept]))[0]
