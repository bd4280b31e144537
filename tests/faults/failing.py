"""A disk that fails at the n-th thing asked of it: opening, writing, syncing, renaming, making and removing."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

CALLS = ("mkdir", "open", "fsync", "chmod", "replace", "unlink")


class FailingDisk:
    """Counts what is asked of the disk below a folder, and lets call number ``fails_at`` fail with ``code``."""

    def __init__(self, below: str, fails_at: int, code: int) -> None:
        self.below, self.fails_at, self.code = below, fails_at, code
        self.asked = 0
        self.tidying = False

    @property
    def failed(self) -> bool:
        return self.asked >= self.fails_at

    def ask(self) -> None:
        self.asked += 1
        if self.asked == self.fails_at:
            raise OSError(self.code, os.strerror(self.code))

    def wrapped(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **named: Any) -> Any:
            ours = isinstance(path, int) or str(os.fspath(path)).startswith(self.below)
            if ours and not (real is UNLINK and self.failed):  # tidying up is not made to fail as well
                self.ask()
            return real(path, *arguments, **named)

        return call


UNLINK = os.unlink


class _Raw(io.FileIO):
    disk: FailingDisk

    def write(self, data: Any) -> int:
        self.disk.ask()
        return super().write(data) or 0


@contextmanager
def failing_disk(below: str, fails_at: int, code: int) -> Iterator[FailingDisk]:
    """Let the n-th call for something below a folder fail; writes count a buffer of 8 KiB at a time."""
    disk = FailingDisk(below, fails_at, code)

    def fdopen(handle: int, *arguments: Any, **named: Any) -> IO[bytes]:
        disk.ask()
        raw = _Raw(handle, "wb")
        raw.disk = disk
        return io.BufferedWriter(raw)

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, disk.wrapped(getattr(os, name)))
        patch.setattr("calib.files.atomic.os.fdopen", fdopen)
        yield disk
