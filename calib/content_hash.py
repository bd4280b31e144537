"""Fingerprints of predictions and of files: what something was made from, and whether that is still the same."""

import hashlib
from pathlib import Path

import numpy as np

from calib._arrays import blocks
from calib.predictions import Predictions


def content_hash(predictions: Predictions) -> str:
    """SHA-256 over the values, their kind and temperature, the labels and the weights, in hex.

    The dtype counts, the layout in memory does not.

    >>> predictions = Predictions.from_logits([[2.0, 0.0]], [0])
    >>> content_hash(predictions) == content_hash(predictions[:1])
    True
    """
    found = hashlib.sha256(f"{predictions.kind} {predictions.values.shape} {predictions.values.dtype}".encode())
    for rows in blocks(predictions.n, predictions.n_classes):
        found.update(np.ascontiguousarray(predictions.values[rows]).tobytes())
    for column in (predictions.beta, predictions.labels, predictions.sample_weight):
        found.update(b"-" if column is None else np.ascontiguousarray(column).tobytes())
    return found.hexdigest()


def file_hash(path: Path | str) -> str:
    """SHA-256 of a file, in hex."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
