"""Ranking: are the more confident predictions more often right?  AUROC, risk–coverage and AURC, from one sort."""

from dataclasses import dataclass

import numpy as np

from calib._arrays import Float, Int
from calib.arguments import as_outcomes, unweighted
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """What answering only above a threshold does; arrays ``(m,)``, one entry a distinct confidence, falling.

    Entry j answers the rows that are at least as confident as ``threshold[j]``: ``coverage[j]`` is their share of all
    rows, in (0, 1], ``risk[j]`` the share of them that is wrong.  Thresholds repeat where log-odds tell rows apart
    whose confidence has saturated at 1.0.
    """

    coverage: Float
    risk: Float
    threshold: Float

    def risk_at(self, coverage: float) -> float:
        """Share of wrong answers when the most confident ``coverage`` of all rows, or the next more, are answered.

        Raises `InputError` for a coverage outside (0, 1].

        >>> risk_coverage([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], [0, 1, 1]).risk_at(0.6)  # both that are answered
        0.0
        """
        if not 0 < coverage <= 1:
            raise InputError(f"coverage must lie in (0, 1], got {coverage}", help="0.8 answers four rows in five")
        return float(self.risk[np.searchsorted(self.coverage, coverage * (1 - 1e-12))])

    def coverage_at(self, risk: float) -> float:
        """The largest share of rows that can be answered with at most ``risk`` of the answers wrong; 0 if none can.

        Raises `InputError` for a risk outside [0, 1].

        >>> risk_coverage([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], [0, 1, 1]).coverage_at(0.1)
        0.6666666666666666
        """
        if not 0 <= risk <= 1:
            raise InputError(f"risk must lie in [0, 1], got {risk}", help="0.05 lets one answer in twenty be wrong")
        within = np.flatnonzero(self.risk <= risk)
        return float(self.coverage[within[-1]]) if len(within) else 0.0


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows sorted by falling score with ties pooled: arrays ``(m,)``, one entry a distinct value.

    Make it once by ``Ranking.of(outcomes)`` to read several metrics from one sort; `auroc`, `aurc`, `e_aurc` and
    `risk_coverage` are its properties by name.  ``right`` and ``wrong`` are numbers of rows, or sums of their weights
    in units of ``heaviest``, a power of 2.
    """

    outcomes: Outcomes
    score: Float
    confidence: Float
    count: Int
    right: Float
    wrong: Float
    heaviest: float

    @classmethod
    def of(cls, outcomes: Outcomes) -> "Ranking":
        """Sort and pool; the only step that costs O(n log n)."""
        order = outcomes.order[::-1]
        score = outcomes.score[order]
        first = np.flatnonzero(np.concatenate([[True], score[1:] != score[:-1]]))
        correct = outcomes.correct[order].astype(np.float64)
        heaviest = 1.0 if outcomes.weight is None else 2.0 ** float(np.floor(np.log2(outcomes.weight.max())))
        weight = outcomes.mass[order] / heaviest  # exact
        return cls(
            outcomes,
            score[first],
            outcomes.confidence[order[first]],
            np.diff(first, append=outcomes.n),
            np.add.reduceat(weight * correct, first),
            np.add.reduceat(weight * (1 - correct), first),
            heaviest,
        )

    @property
    def auroc(self) -> float:
        """See `calib.metrics.ranking.auroc`."""
        right, wrong = self.right.sum(), self.wrong.sum()
        if right == 0 or wrong == 0:
            return float("nan")
        below = wrong - np.cumsum(self.wrong)  # of the wrong ones, those less confident
        return float((self.right * (below + self.wrong / 2)).sum() / right / wrong)

    @property
    def aurc(self) -> float:
        """See `calib.metrics.ranking.aurc`."""
        errors = self._expected_errors("aurc")
        return float(np.mean(errors / np.arange(1, len(errors) + 1)))

    @property
    def e_aurc(self) -> float:
        """See `calib.metrics.ranking.e_aurc`."""
        errors = self._expected_errors("e_aurc")
        answered = np.arange(1, len(errors) + 1)
        unavoidable = np.maximum(answered - self.right.sum(), 0)
        return float(np.mean((errors - unavoidable) / answered))

    @property
    def risk_coverage(self) -> RiskCoverage:
        """See `calib.metrics.ranking.risk_coverage`."""
        unweighted(self.outcomes, "risk_coverage")
        answered = np.cumsum(self.count)
        return RiskCoverage(answered / self.outcomes.n, np.cumsum(self.wrong) / answered, self.confidence)

    def _expected_errors(self, metric: str) -> Float:
        """Errors among the 1, 2, … n most confident rows, in the mean over all orders of tied rows."""
        unweighted(self.outcomes, metric)
        if len(self.count) == self.outcomes.n:
            return np.cumsum(self.wrong)
        before = np.cumsum(self.wrong) - self.wrong
        start = np.cumsum(self.count) - self.count
        into_tie = np.arange(1, self.outcomes.n + 1) - np.repeat(start, self.count)
        errors: Float = np.repeat(before, self.count) + np.repeat(self.wrong, self.count) * into_tie / np.repeat(
            self.count, self.count
        )
        return errors


def auroc(
    predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None, *, of: Of = "predicted"
) -> float:
    """Probability that a right prediction is more confident than a wrong one.  [0, 1]; higher is better, 0.5 is chance.

    Takes `Predictions`, or probabilities ``(n, k)`` (``(n,)`` = P(y = 1)) and labels ``(n,)``, or `Outcomes`; ``of=c``
    asks how well the probability of class c finds that class.  A tie counts one half; confidence is ordered by its
    log-odds, which stay apart where it has saturated at 1.0.  NaN where every prediction is right or every one wrong.
    Takes sample weights.  Raises `InputError` for bad input.  Source: Hendrycks & Gimpel (2017); the statistic is that
    of Mann & Whitney (1947).

    >>> auroc([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], [0, 1, 1])  # right at 0.9 and 0.8, wrong at 0.7
    1.0
    """
    return Ranking.of(as_outcomes(predictions, labels, of=of)).auroc


def risk_coverage(
    predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None, *, of: Of = "predicted"
) -> RiskCoverage:
    """Error rate among the most confident rows, for every share of rows that is answered.

    Arguments as for `auroc`.  Raises `InputError` for bad input and for sample weights.  Source: El-Yaniv & Wiener
    (2010).

    >>> curve = risk_coverage([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.6, 0.4]], [0, 1, 1, 0])
    >>> curve.coverage.tolist(), [round(risk, 4) for risk in curve.risk.tolist()]
    ([0.25, 0.5, 0.75, 1.0], [0.0, 0.0, 0.3333, 0.25])
    """
    return Ranking.of(as_outcomes(predictions, labels, of=of)).risk_coverage


def aurc(
    predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None, *, of: Of = "predicted"
) -> float:
    """Area under the risk–coverage curve: the mean, over i = 1 … n, of the error rate among the i most confident rows.

    [0, 1]; lower is better.  Arguments as for `auroc`.  Where rows tie it is the mean over all their orders, exactly:
    among j of m tied rows with w errors w·j/m are expected.  Raises `InputError` for bad input and for sample weights.
    Source: Geifman, Uziel & El-Yaniv (2019).

    >>> round(aurc([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.6, 0.4]], [0, 1, 1, 0]), 4)  # (0 + 0 + 1/3 + 1/4) / 4
    0.1458
    """
    return Ranking.of(as_outcomes(predictions, labels, of=of)).aurc


def e_aurc(
    predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None, *, of: Of = "predicted"
) -> float:
    """Excess of `aurc` over the best ranking of as many errors.  [0, 1); lower is better, 0 is a perfect ranking.

    Arguments as for `auroc`.  The best ranking puts all w errors last: (1/n) Σ (i − n + w) / i over the last w of
    i = 1 … n, taken exactly; for large n this goes to e + (1 − e) ln(1 − e) at an error rate of e.  Raises `InputError`
    for bad input and for sample weights.  Source: Geifman, Uziel & El-Yaniv (2019), who use the limit.

    >>> round(e_aurc([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.6, 0.4]], [0, 1, 1, 0]), 4)  # 0.1458 − (1/4) / 4
    0.0833
    """
    return Ranking.of(as_outcomes(predictions, labels, of=of)).e_aurc
