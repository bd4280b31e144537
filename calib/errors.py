"""The errors calib raises on purpose: each says what was expected and what came, and how to mend it."""


class InputError(ValueError):
    """Something handed to calib, a file, an array or an option, is not what it must be.

    ``str(error)`` is one sentence: what was expected and what came.  ``error.help`` is what to do about it.  The
    command line prints both and exits with code 2.

    >>> raise InputError("smoothing must lie in [0, 1), got 1.5", help="0.1 is the usual value")
    Traceback (most recent call last):
        ...
    calib.errors.InputError: smoothing must lie in [0, 1), got 1.5
    """

    def __init__(self, message: str, *, help: str) -> None:
        super().__init__(message)
        self.help = help

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process, ``help`` included."""
        return _rebuild, (type(self), str(self), self.help)


class NumericalError(InputError):
    """A computation diverged, for instance a training loss that became NaN; the command line exits with code 3."""


class LostProcessError(InputError):
    """Another process of the job was killed, froze or was cut off; the command line exits with code 75.

    The same command may well succeed the next time.
    """


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, in Python, numpy or torch, on the processor or on a GPU.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError())
    (True, False)
    """
    said = isinstance(error, RuntimeError) and "allocate memory" in str(error)  # torch's allocator of the processor
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or said


def _rebuild(kind: type[InputError], message: str, help: str) -> InputError:
    return kind(message, help=help)
