"""Logistic regression on log-odds, for two classes: what Platt and beta calibration share."""

import numpy as np

from calib._arrays import Bool, Float

SATURATED = 53 * float(np.log(2))  # about 36.7: from these log-odds on a probability is 1 in float64


def limit_of(log_odds: Float) -> float:
    """The largest finite size of some log-odds, at least 36.7."""
    return float(np.abs(log_odds).max(where=np.isfinite(log_odds), initial=SATURATED))


def smoothed_targets(positive: Bool, weight: Float) -> Float:
    """Platt's targets ``(n,)``: the posterior mean of each class's rate of right labels under a uniform prior."""
    right, wrong = weight[positive].sum(), weight[~positive].sum()
    targets: Float = np.where(positive, (right + 1) / (right + 2), 1 / (wrong + 2))
    return targets


def log_odds_of_mean(targets: Float, weight: Float) -> float:
    """The log-odds of the mean target."""
    mean = np.average(targets, weights=weight)
    return float(np.log(mean) - np.log1p(-mean))


def fit_logistic(features: Float, targets: Float, weight: Float) -> tuple[Float, float]:
    """The coefficients ``(d,)`` of a logistic regression of targets in [0, 1] on ``(n, d)``, and its mean loss.

    Newton's method within a trust region, then its last digits by a root of the gradient; there must be a solution.
    """
    from scipy.optimize import minimize, root
    from scipy.special import expit

    share = weight / weight.sum()
    scale = np.sqrt(share @ features**2)
    columns = features / scale

    def loss(coefficients: Float) -> float:
        logits = columns @ coefficients
        return float(share @ (np.logaddexp(0, logits) - targets * logits))

    def gradient(coefficients: Float) -> Float:
        slope: Float = columns.T @ (share * (expit(columns @ coefficients) - targets))
        return slope

    def hessian(coefficients: Float) -> Float:
        probs = expit(columns @ coefficients)
        curvature: Float = (columns * (share * probs * (1 - probs))[:, None]).T @ columns
        return curvature

    start = np.zeros(features.shape[1])
    near = minimize(loss, start, jac=gradient, hess=hessian, method="trust-exact", options={"gtol": 1e-10}).x
    found = root(gradient, near, jac=hessian, tol=1e-14).x
    if not np.abs(gradient(found)).max() <= np.abs(gradient(near)).max():
        found = near
    return found / scale, loss(found)
