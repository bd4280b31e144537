"""Several processes train one network: which rows each of them takes, and the sums over all of them."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed
from torch import Tensor, nn

from calib.errors import InputError, LostProcessError
from calib.training.cross_rank_norm import normalise_across

TIMEOUT_SECONDS = 300.0  # a killed process is noticed at once; this is for one that is frozen or cut off


@dataclass(frozen=True)
class Ranks:
    """This process, ``rank``, among the ``n`` that train one network; `ALONE` where there is no other.

    What is summed here, every rank must sum, in the same order, with tensors of the same shape: a rank whose share of a
    batch is empty too.  All methods that talk to the others raise `LostProcessError` when one of them is gone.

    >>> Ranks(rank=1, n=3).share(torch.arange(8))
    tensor([1, 4, 7])
    """

    rank: int
    n: int

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that writes files and speaks to the terminal."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """This rank's part ``rows[rank::n]`` of the rows ``(batch, ...)`` of a global batch; it may be empty."""
        return rows if self.n == 1 else rows[self.rank :: self.n]

    def sum(self, tensor: Tensor) -> Tensor:
        """Sum of all ranks' ``tensor``, the same bits on every rank, without gradient; theirs stay as they are."""
        if self.n == 1:
            return tensor
        return self._summed(tensor.detach().clone(memory_format=torch.contiguous_format))

    def _summed(self, own: Tensor) -> Tensor:
        """Put the sum of all ranks' ``own`` into it."""
        try:
            torch.distributed.all_reduce(own)
        except RuntimeError as error:
            if not _is_of_the_transport(error):
                raise
            waited = "timed out" in str(error).lower()
            raise LostProcessError(
                f"rank {self.rank} of {self.n} "
                + ("waited in vain for another process" if waited else "lost another process"),
                help="the messages of the other processes may say why; start all of them again",
            ) from error
        return own

    @torch.no_grad()
    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Make ``.grad`` of every parameter the sum of all ranks' gradients, in one collective a dtype.

        A gradient that is None counts as zero where another rank has one; where none has, it stays None, so that the
        optimizer passes the parameter by, as it would in one process.
        """
        if self.n == 1:
            return
        kinds: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
        for parameter in parameters:
            if parameter.requires_grad:
                kinds.setdefault((parameter.dtype, parameter.device), []).append(parameter)
        for alike in kinds.values():
            self._sum_gradients_of_one_kind(alike)

    def _sum_gradients_of_one_kind(self, parameters: list[Tensor]) -> None:
        gradients = [parameter.grad for parameter in parameters]
        here = torch.tensor([gradient is not None for gradient in gradients]).to(parameters[0])
        pieces = [
            (torch.zeros_like(parameter) if gradient is None else gradient).reshape(-1)
            for parameter, gradient in zip(parameters, gradients, strict=True)
        ]
        total = self._summed(torch.cat([here, *pieces]))
        anywhere, *sums = torch.split(total, [len(parameters), *map(len, pieces)])
        for parameter, exists, part in zip(parameters, anywhere.tolist(), sums, strict=True):
            if not exists:
                continue
            if parameter.grad is None:
                parameter.grad = torch.empty_like(parameter)
            parameter.grad.copy_(part.view(parameter.shape))

    def synchronise(self, model: nn.Module) -> None:
        """Let every batch normalisation in ``model`` take its statistics over the rows of all ranks while it trains.

        Names in the state dict, buffers and results in eval mode are unchanged: weights trained so load into a plain
        model.  A global batch with a single value per channel raises ``ValueError`` on every rank, as torch does.
        Raises `InputError` for a subclass of torch's batch normalisation.
        """
        if self.n > 1:
            normalise_across(model, self)


ALONE = Ranks(rank=0, n=1)


@contextmanager
def joined_ranks(*, device: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[Ranks]:
    """Join the processes that torchrun started, over gloo and, for ``device`` "cuda", NCCL; leave them at the end.

    Yields `ALONE` in a process that torchrun did not start or started alone, and the existing process group, which then
    stays, where there is one.  Each rank has the GPU of its number on its machine: "cuda" means that one inside.

    ``timeout_seconds`` bounds every wait for another rank.  On processors `LostProcessError` ends it, at once for a
    process that was killed; on GPUs NCCL's own watchdog may end this process first.  Raises `InputError` for an
    environment that makes no sense, a device on which ranks cannot train, and a machine with fewer GPUs than ranks.
    """
    if not 0 < timeout_seconds < math.inf:
        raise InputError(f"timeout_seconds must be positive, got {timeout_seconds}", help="300 is the usual value")
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        yield Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())
        return
    ranks, local_rank = _launched(os.environ)
    if ranks.n == 1:
        yield ALONE
        return
    with _own_device(device, local_rank):
        _join(ranks, device, timedelta(seconds=timeout_seconds))
        try:
            yield ranks
        finally:
            torch.distributed.destroy_process_group()


def _launched(environment: Mapping[str, str]) -> tuple[Ranks, int]:
    """Read the ranks, and the number of this one on its machine, from what torchrun leaves in the environment.

    Other launchers set some of the names to mean other things (WORLD_SIZE machines): without all of them it was none.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    if not all(name in environment for name in names):
        return ALONE, 0
    texts = [environment[name] for name in names[:3]]
    if not all(text.isdecimal() for text in texts) or not int(texts[0]) < int(texts[1]):
        found = ", ".join(f"{name}={text}" for name, text in zip(names, texts, strict=False))
        raise InputError(
            f"the environment names no rank below a number of processes: {found}",
            help="start with torchrun, which sets them, or unset RANK to train in one process",
        )
    rank, n, local_rank = map(int, texts)
    return Ranks(rank, n), local_rank


def _own_device(device: str, local_rank: int) -> AbstractContextManager[object]:
    """Give each rank of a machine its own GPU for the time; raise `InputError` where it cannot be."""
    if device == "cpu":
        return nullcontext()
    if device != "cuda":
        raise InputError(
            f"several processes train on cpu or on cuda, each on a GPU of its own, got {device}", help="--device cuda"
        )
    found = torch.cuda.device_count()
    if local_rank >= found:
        raise InputError(
            f"process {local_rank + 1} of this machine needs a GPU of its own, there are {found}",
            help=f"start with --nproc-per-node={found}" if found else "train with --device cpu",
        )
    return torch.cuda.device(local_rank)


def _join(ranks: Ranks, device: str, timeout: timedelta) -> None:
    if not torch.distributed.is_available():
        raise InputError("this build of torch has no torch.distributed", help="train in one process")
    from torch.distributed.distributed_c10d import PrefixStore  # here, because such a build has no such module
    from torch.distributed.rendezvous import rendezvous

    backend = "gloo" if device == "cpu" else "cpu:gloo,cuda:nccl"
    try:
        store, *_ = next(rendezvous("env://", timeout=timeout))
        # torchrun's store outlives a group: one that is joined later must not find the addresses of this one.
        joined_before = (store.add("calib/joined", 1) - 1) // ranks.n
        store = PrefixStore(f"calib/{joined_before}", store)
        torch.distributed.init_process_group(backend, store=store, rank=ranks.rank, world_size=ranks.n, timeout=timeout)
    except (RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise LostProcessError(
            f"rank {ranks.rank} of {ranks.n} did not find the others: {reason}",
            help="start all of them with one torchrun, and let them reach MASTER_ADDR:MASTER_PORT",
        ) from error


def _is_of_the_transport(error: RuntimeError) -> bool:
    """Whether the connection failed, not the call: gloo has no class for it, only the place in its source."""
    if isinstance(error, torch.distributed.DistBackendError):
        return True
    return "gloo/transport" in str(error) and "enforce fail" not in str(error)
