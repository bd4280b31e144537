"""Tiny files in the layouts of the real data sets, written by the tests that read them."""

import gzip
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np

N_TRAIN, N_TEST = 20, 8


def images(n: int, channels: int, size: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(256, size=(n, channels, size, size), dtype=np.uint8)


def labels(n: int, k: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed + 1).integers(k, size=n, dtype=np.uint8)


def idx_bytes(array: Any) -> bytes:
    body: bytes = array.tobytes()
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + body


def mnist_contents(name: str) -> dict[str, bytes]:
    """The four plain files of ``mnist`` or ``fashion-mnist``, whose pixels and labels differ, by file name."""
    first = {"fashion-mnist": 0, "mnist": 10}[name]
    contents = {}
    for seed, (part, n) in enumerate((("train", N_TRAIN), ("t10k", N_TEST)), start=first):
        contents[f"{part}-images-idx3-ubyte"] = idx_bytes(images(n, 1, 28, seed)[:, 0])
        contents[f"{part}-labels-idx1-ubyte"] = idx_bytes(labels(n, 10, seed))
    return contents


def write_mnist(folder: Path, name: str = "fashion-mnist", *, gzipped: bool = True) -> dict[str, bytes]:
    """The four files; returns what was written, by file name."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for file, content in mnist_contents(name).items():
        full = f"{file}.gz" if gzipped else file
        written[full] = gzip.compress(content, mtime=0) if gzipped else content
        (folder / full).write_bytes(written[full])
    return written


def write_cifar_binary(root: Path, k: int) -> Path:
    folder = root / ("cifar-10-batches-bin" if k == 10 else "cifar-100-binary")
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels, classes in _batches(k, ".bin"):
        columns = [classes[:, None]] if k == 10 else [classes[:, None] // 5, classes[:, None]]
        records = np.concatenate([*columns, pixels.reshape(len(pixels), -1)], axis=1)
        (folder / name).write_bytes(records.astype(np.uint8).tobytes())
    return folder


def write_cifar_pickles(root: Path, k: int, *, python2: bool = True) -> Path:
    folder = root / ("cifar-10-batches-py" if k == 10 else "cifar-100-python")
    folder.mkdir(parents=True, exist_ok=True)
    key = "labels" if k == 10 else "fine_labels"
    for name, pixels, classes in _batches(k, ""):
        batch = {"data": pixels.reshape(len(pixels), -1), key: classes.tolist()}
        (folder / name).write_bytes(python2_pickle(batch) if python2 else pickle.dumps(batch, protocol=2))
    return folder


def _batches(k: int, ending: str) -> list[tuple[str, Any, Any]]:
    """The very same images and labels in either layout."""
    train, test = images(N_TRAIN, 3, 32, k), images(N_TEST, 3, 32, k + 1)
    of_train, of_test = labels(N_TRAIN, k, k), labels(N_TEST, k, k + 1)
    if k == 100:
        return [(f"train{ending}", train, of_train), (f"test{ending}", test, of_test)]
    parts = [slice(i * N_TRAIN // 5, (i + 1) * N_TRAIN // 5) for i in range(5)]
    batches = [(f"data_batch_{i + 1}{ending}", train[rows], of_train[rows]) for i, rows in enumerate(parts)]
    return [*batches, (f"test_batch{ending}", test, of_test)]


def python2_pickle(value: Any) -> bytes:
    """Protocol 2 as Python 2 and numpy 1 wrote the official files: text and bytes alike as ``str``."""
    return b"\x80\x02" + _python2(value) + b"."


def _python2(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        begun = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85" + _python2("b") + b"tR"
        dtype = b"cnumpy\ndtype\n(" + _python2("u1") + b"K\x00K\x01tR"
        dtype += b"(K\x03" + _python2("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        shape = b"(" + b"".join(_python2(size) for size in value.shape) + b"t"
        return begun + b"(K\x01" + shape + dtype + b"\x89" + _python2(value.tobytes()) + b"tb"
    if isinstance(value, dict):
        return b"}(" + b"".join(_python2(key) + _python2(item) for key, item in value.items()) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_python2, value)) + b"e"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    content = value.encode() if isinstance(value, str) else bytes(value)
    return b"T" + struct.pack("<i", len(content)) + content
