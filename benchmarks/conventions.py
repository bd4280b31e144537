"""calib.conventions against the real packages: ``python -m benchmarks.conventions [--environments FOLDER]``.

Each package runs in an environment of its own, made on first use, on the same files of probabilities and labels.  The
last column shows that the cases can tell conventions apart.  Needs a package registry for the first run, and about
8 GB of disk.
"""

import argparse
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks._environments import DEFAULT_FOLDER, answer, python_of, work

N_BINS = (1, 5, 10, 15, 100)
PREDICTED, POSITIVE = "predicted class", "P(y = 1)"
WORKERS = {  # peer: its environment
    "gpleiss": "torchmetrics",
    "netcal": "netcal",
    "torchmetrics": "torchmetrics",
    "scikit-learn": "scikit-learn",
    "tensorflow-probability": "tensorflow-probability",
    "mapie": "mapie",
}


class Said(NamedTuple):
    """What a package said about one file; ``edges`` tell rows of one name apart, ``pairs`` are what it saw."""

    convention: str
    dtype: str
    what: str
    ece: float
    edges: str = ""
    pairs: Any = None


def main() -> None:
    """Compare all conventions on all cases and print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environments", type=Path, default=DEFAULT_FOLDER, metavar="FOLDER")
    parser.add_argument("--worker", choices=WORKERS, help=argparse.SUPPRESS)
    parser.add_argument("--cases", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        _work(options.worker, options.cases)
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, probs, labels in _cases():
            np.savez(Path(folder) / f"{name}.npz", probs=probs, labels=labels)
        _report(Path(folder), options.environments)


def _report(cases: Path, environments: Path) -> None:
    from calib.environment import commit, hardware, versions

    print(f"{hardware()}; commit {commit()}; {', '.join(f'{k} {v}' for k, v in versions().items())}\n")
    print("| convention | dtype | package | what | cases | max difference | calib's own ECE differs in |")
    print("| :--- | :--- | :--- | :--- | ---: | ---: | ---: |")
    for peer, environment in WORKERS.items():
        try:
            said = work(
                python_of(environment, environments),
                "benchmarks.conventions",
                ["--worker", peer, "--cases", str(cases)],
                threads=1,
                timeout=900,
            )
        except (RuntimeError, TimeoutError) as error:
            print(f"| {peer} | | not run: {error} | | | | |")
            continue
        found = said.pop(0)
        differences: dict[tuple[str, ...], list[tuple[float, float]]] = {}
        for file, n_bins, values in said:
            one = Said(*values)
            ours, reference = _ours(cases / file, n_bins, one)
            both_nan = np.isnan(ours) and np.isnan(one.ece)
            key: tuple[str, ...] = (f"{one.convention}{one.edges and f', {one.edges}'}", one.dtype, found, one.what)
            differences.setdefault(key, []).append((0.0 if both_nan else ours - one.ece, ours - reference))
        for key, pairs in differences.items():
            worst = np.abs(pairs)[:, 0].max()
            apart = sum(not abs(to_calib) < 1e-6 for _, to_calib in pairs)
            print(f"| {' | '.join(key)} | {len(pairs)} | {worst:.1e} | {apart} |")


def _ours(file: Path, n_bins: int, said: Said) -> tuple[float, float]:
    """The row of `calib.conventions` that a package's number belongs to, and calib's own ECE."""
    from calib.metrics.conventions import conventions
    from calib.outcomes import Outcomes

    with np.load(file) as case:
        if said.pairs is None:
            table = conventions(case["probs"], case["labels"], n_bins=n_bins)
        else:
            table = conventions(Outcomes.from_confidence(*said.pairs), n_bins=n_bins)
    asked = table[table["what"] == (said.what if said.pairs is None else "as given")]
    rows = asked[(asked["convention"] == said.convention) & (asked["dtype"] == said.dtype)]
    rows = rows[rows["interval"].str.contains(said.edges, regex=False)]
    (row,) = rows.to_dict("records")
    return float(row["ece"]), float(row["ece"] - row["difference"])


def _cases() -> Iterator[tuple[str, Any, Any]]:
    """Near-calibrated probabilities: random, on edges, at 0 and 1, saturated; in float64 and float32."""
    rng = np.random.default_rng(0)
    for k in (2, 10):
        logits = rng.normal(0, 1.5, (20_000, k))
        yield from _both(f"random{k}", _softmax(logits), (logits + rng.gumbel(size=logits.shape)).argmax(axis=1))
    for decimals in (1, 2, 3):
        positive = rng.random(3000).round(decimals)
        labels = (rng.random(3000) < positive).astype(int)
        positive[:20], positive[20:50] = 0, 1
        yield from _both(f"rounded2-{decimals}", np.stack([1 - positive, positive], axis=1), labels)
        top = rng.uniform(0.3, 1, 3000).round(decimals)
        top[:20] = 1
        probs = np.repeat((1 - top)[:, None] / 3, 4, axis=1)
        winner = rng.integers(0, 4, 3000)
        probs[np.arange(3000), winner] = top
        labels = np.where(rng.random(3000) < top, winner, (winner + rng.integers(1, 4, 3000)) % 4)
        yield from _both(f"rounded4-{decimals}", probs, labels)
    logits = rng.normal(0, 9, (5000, 10))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    yield from _both("saturated", _softmax(logits.astype(np.float32)), labels)
    edges = np.array([i / n for n in N_BINS for i in range(n + 1)])
    beside = np.concatenate([edges, np.nextafter(edges, 2), np.nextafter(edges, -1)]).clip(0, 1)
    beside = np.concatenate([beside, np.nextafter(edges.astype(np.float32), np.float32(0)).astype(np.float64)])
    labels = (rng.random(len(beside)) < beside).astype(int)
    yield from _both("edges", np.stack([1 - beside, beside], axis=1), labels)
    for name, claimed, happened in (
        ("A", [0.95, 1.0], [1, 0]),
        ("B", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [1, 0, 1, 0, 1, 0, 1, 1, 0]),
        (
            "B2",
            [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.6, 0.65, 0.7, 0.75, 0.9, 0.95],
            [1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1],
        ),
        ("C", [1.0, 1.0, 1.0, 1.0, 0.0], [0, 0, 1, 1, 1]),
        ("C2", [0.0], [1]),
        ("D", [0.9] * 5 + [0.8, 0.8, 0.01, 0.33, 0.34, 0.99, 0.61], [1, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0]),
    ):
        positive = np.array(claimed)
        yield from _both(name, np.stack([1 - positive, positive], axis=1), np.array(happened))


def _both(name: str, probs: Any, labels: Any) -> Iterator[tuple[str, Any, Any]]:
    if probs.dtype == np.float64:
        yield f"{name}-float64", probs, labels
    yield f"{name}-float32", probs.astype(np.float32), labels


def _softmax(logits: Any) -> Any:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


# What follows runs in the peers' environments, where calib is not installed.


def _work(peer: str, cases: Path) -> None:
    say = {
        "gpleiss": _gpleiss,
        "netcal": _netcal,
        "torchmetrics": _torchmetrics,
        "scikit-learn": _sklearn,
        "tensorflow-probability": _tensorflow,
        "mapie": _mapie,
    }[peer]
    answer(f"recipe, torch {version('torch')}" if peer == "gpleiss" else f"{peer} {version(peer)}")
    for file in sorted(cases.glob("*.npz")):
        with np.load(file) as case:
            probs, labels = case["probs"], case["labels"]
        for n_bins in N_BINS:
            for said in say(probs, labels, n_bins):
                answer([file.name, n_bins, said])


def _binary(probs: Any, labels: Any) -> tuple[str, Any, Any]:
    """What binary metrics are given: P(y = 1) of two classes, else the predicted class's confidence."""
    if probs.shape[1] == 2:
        return POSITIVE, probs[:, 1], labels
    return PREDICTED, probs.max(axis=1), (probs.argmax(axis=1) == labels).astype(int)


def _gpleiss(probs: Any, labels: Any, n_bins: int) -> Iterator[Said]:
    import torch

    name = "Guo et al. (gpleiss)"
    for dtype, edge_dtype in (("float32", "float32"), ("float64", "float32"), ("float64", "float64")):
        confidence, predicted = torch.from_numpy(probs).max(dim=1)
        confidence = confidence.to(getattr(torch, dtype))
        correct = predicted.eq(torch.from_numpy(labels))
        total = torch.zeros(1)
        for low, high in pairwise(torch.linspace(0, 1, n_bins + 1, dtype=getattr(torch, edge_dtype)).tolist()):
            inside = confidence.gt(low) & confidence.le(high)
            if inside.any():
                gap = confidence[inside].mean() - correct[inside].to(confidence.dtype).mean()
                total = total + gap.abs() * inside.to(confidence.dtype).mean()
        yield Said(name, dtype, PREDICTED, float(total), f"torch.linspace in {edge_dtype}")


def _netcal(probs: Any, labels: Any, n_bins: int) -> Iterator[Said]:
    from netcal.metrics import ECE  # type: ignore[import-not-found]

    what = POSITIVE if probs.shape[1] == 2 else PREDICTED
    given = probs[:, 1] if probs.shape[1] == 2 else probs
    yield Said("netcal", str(probs.dtype), what, float(ECE(n_bins).measure(given, labels)))


def _torchmetrics(probs: Any, labels: Any, n_bins: int) -> Iterator[Said]:
    import torch
    from torchmetrics.functional.classification import (
        binary_calibration_error,
        multiclass_calibration_error,
    )

    what, claimed, happened = _binary(probs, labels)
    p, y = torch.from_numpy(claimed), torch.from_numpy(happened)
    name = "torchmetrics (binary)"
    yield Said(name, "float64", what, float(binary_calibration_error(p.double(), y, n_bins=n_bins)))
    if what == POSITIVE:
        yield Said("torchmetrics", "float32", what, float(binary_calibration_error(p.float(), y, n_bins=n_bins)))
    whole = multiclass_calibration_error(torch.from_numpy(probs), torch.from_numpy(labels), probs.shape[1], n_bins)
    yield Said("torchmetrics", "float32", PREDICTED, float(whole))


def _sklearn(probs: Any, labels: Any, n_bins: int) -> Iterator[Said]:
    from sklearn.calibration import calibration_curve  # type: ignore[import-not-found]

    what, claimed, happened = _binary(probs, labels)
    happened = happened.astype(bool)
    accuracy, confidence = calibration_curve(happened, claimed, n_bins=n_bins, pos_label=True)
    count = np.bincount(np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], claimed))  # which it does not return
    ece = np.abs(accuracy - confidence) @ count[count > 0] / len(claimed)
    yield Said("scikit-learn", "float64", what, float(ece))


def _tensorflow(probs: Any, labels: Any, n_bins: int) -> Iterator[Said]:
    import tensorflow as tf  # type: ignore[import-not-found,import-untyped,unused-ignore]
    import tensorflow_probability as tfp  # type: ignore[import-not-found]

    with np.errstate(divide="ignore"):
        logits = tf.constant(np.log(probs.astype(np.float32)))
    truth = tf.constant(labels, tf.int32)
    predicted = logits.numpy().argmax(axis=1)
    confidence = tf.nn.softmax(logits, axis=1).numpy()[np.arange(len(labels)), predicted]
    ece = tfp.stats.expected_calibration_error(n_bins, logits=logits, labels_true=truth)
    pairs = [confidence.tolist(), (predicted == labels).tolist()]  # exp(log p) has moved off the edges
    yield Said("TensorFlow Probability", "float32", PREDICTED, float(ece), pairs=pairs)


def _mapie(probs: Any, labels: Any, n_bins: int) -> Iterator[Said]:
    from mapie.metrics.calibration import (  # type: ignore[import-not-found]
        expected_calibration_error,
        top_label_ece,
    )

    what, claimed, happened = _binary(probs, labels)
    yield Said("MAPIE", "float64", what, float(expected_calibration_error(happened, claimed, num_bins=n_bins)))
    ece = top_label_ece(labels, probs, num_bins=n_bins)
    yield Said("MAPIE (top_label_ece)", "float64", PREDICTED, float(ece))


if __name__ == "__main__":
    main()
