"""Comparisons for tests without any training: predictions of made-up networks, one a smoothing and seed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from calib.calibrators.registry import as_method
from calib.diagnosis import diagnose
from calib.evaluation import evaluate
from calib.predictions import Predictions
from calib.studies.smoothing_versus_temperature import Comparison
from calib.tables import compare, score_table
from calib.verdict import comparison_verdict


def network(alpha: float, seed: int, n: int, *, rows: int, **config: Any) -> Predictions:
    """Hard networks claim too much, smoothed ones have noisier logits: a temperature mends the one, not the other."""
    examples = np.random.default_rng([rows, n])
    true = examples.normal(0, 2, (n, 4))
    labels = (true + examples.gumbel(size=true.shape)).argmax(axis=1)
    noise = np.random.default_rng([seed, rows, int(1000 * alpha)]).normal(0, 0.2 + 8 * alpha, true.shape)
    provenance = {"config": {"dataset": "toy", "smoothing": alpha, "seed": seed, "split_seed": seed, **config}}
    return Predictions.from_logits((2.0 if alpha == 0 else 1.0) * (true + noise), labels, provenance=provenance)


def comparison(
    smoothing: Sequence[float] = (0.0, 0.1),
    seeds: Sequence[int] = (0, 1, 2),
    *,
    calibrators: Sequence[str] = (),
    own_rows: bool = False,
    n: int = 400,
    **config: Any,
) -> Comparison:
    """What `compare_runs` gives; with ``own_rows`` every seed has test examples of its own."""
    diagnoses, others = {}, {}
    for seed in seeds:
        for alpha in smoothing:
            rows = 2 * seed if own_rows else 0
            test = network(alpha, seed, n, rows=rows, **config)
            calibration = network(alpha, seed, n, rows=rows + 1, **config)
            run = f"a{alpha:g}-s{seed}"
            diagnoses[run] = diagnose(test, calibration)
            others[run] = {name: as_method(name).fit(calibration).transform(test) for name in calibrators}
    scores = score_table(diagnoses, {run: {k: evaluate(p) for k, p in made.items()} for run, made in others.items()})
    return Comparison(diagnoses, scores, compare(scores), comparison_verdict(scores), others)
