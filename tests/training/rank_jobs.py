"""What several ranks do together in the tests; in one process the same code computes what they must find."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn import functional

from calib.cli._errors import report
from calib.models import build_model
from calib.training.ranks import Ranks, joined_ranks

Found = dict[str, Tensor]
ROOT = Path(__file__).resolve().parents[2]

NORMS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "rows": (lambda: nn.BatchNorm1d(3), (3,)),
    "lengths": (lambda: nn.BatchNorm1d(3), (3, 5)),
    "pictures": (lambda: nn.BatchNorm2d(3, eps=1e-3, momentum=0.3), (3, 2, 4)),
    "volumes": (lambda: nn.BatchNorm3d(3), (3, 2, 2, 3)),
    "not affine": (lambda: nn.BatchNorm2d(3, affine=False), (3, 2, 4)),
    "no bias": (lambda: nn.BatchNorm2d(3, bias=False), (3, 2, 4)),
    "cumulative": (lambda: nn.BatchNorm2d(3, momentum=None), (3, 2, 4)),
    "untracked": (lambda: nn.BatchNorm2d(3, track_running_stats=False), (3, 2, 4)),
}


def _draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def _built(build: Callable[[], nn.Module], dtype: torch.dtype = torch.float64) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return build().to(dtype)


def _backward(ranks: Ranks, model: nn.Module, x: Tensor) -> None:
    """Gradients of the mean loss of a global batch, as the training loop takes them."""
    y = torch.arange(len(x)) % 3
    loss = functional.cross_entropy(model(ranks.share(x)), ranks.share(y), reduction="sum") / len(x)
    model.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]  # torch ships this method without types
    ranks.sum_gradients(model.parameters())


def _gradients(model: nn.Module) -> Found:
    return {f"gradient of {name}": p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def plain(ranks: Ranks, dtype: torch.dtype) -> Found:
    model = _built(lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), dtype)
    ranks.synchronise(model)
    _backward(ranks, model, _draw(7, 6, dtype=dtype))
    return _gradients(model)


def normalised(ranks: Ranks, dtype: torch.dtype) -> Found:
    """Both kinds of layer, seven rows, then five, then three: with two ranks no share is the other's size."""

    def build() -> nn.Module:
        pictures = [nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()]
        return nn.Sequential(*pictures, nn.Linear(16, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))

    model = _built(build, dtype)
    ranks.synchronise(model)
    found: Found = {}
    for step, n in enumerate([7, 5, 3]):
        _backward(ranks, model, 2 + 3 * _draw(n, 2, 4, 4, seed=step, dtype=dtype))
        found |= {f"step {step} {name}": gradient for name, gradient in _gradients(model).items()}
    return found | model.state_dict()


def norm(ranks: Ranks, build: Callable[[], nn.Module], shape: tuple[int, ...]) -> Found:
    """One layer by itself: what comes out, what goes back, what it remembers."""
    layer = _built(build)
    ranks.synchronise(layer)
    found: Found = {}
    for step, n in enumerate([7, 4, 2] if shape == (3,) else [7, 4, 1]):
        x = (5 + 2 * _draw(n, *shape, seed=step)).requires_grad_()
        out = layer(ranks.share(x))
        layer.zero_grad(set_to_none=True)
        (ranks.share(_draw(n, *shape, seed=9)) * out.sin()).sum().backward()
        ranks.sum_gradients(layer.parameters())
        outputs = torch.zeros_like(x)
        outputs[ranks.rank :: ranks.n] = out.detach()
        assert x.grad is not None
        found |= {f"outputs {step}": ranks.sum(outputs.detach()), f"inputs' gradient {step}": ranks.sum(x.grad)}
        found |= {f"step {step} {name}": gradient for name, gradient in _gradients(layer).items()}
    found["in eval mode"] = layer.eval()(_draw(2, *shape)).detach()
    return found | layer.state_dict()


def resnet(ranks: Ranks) -> Found:
    model = _built(lambda: build_model("resnet8", n_classes=3, n_channels=1, width=4))
    ranks.synchronise(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    for step, n in enumerate([7, 5, 1]):
        _backward(ranks, model, _draw(n, 1, 8, 8, seed=step))
        optimizer.step()
    return dict(model.state_dict())


def some_without_gradient(ranks: Ranks) -> Found:
    """Which parameters have a gradient differs between ranks; the last letter says how wide they are."""
    names = ("all32", "all64", "none32", "first32", "last64", "frozen32")
    own = {name: torch.zeros(2, 3, dtype=getattr(torch, f"float{name[-2:]}")).requires_grad_() for name in names}
    own["frozen32"].requires_grad_(False)
    has = {"all32": True, "all64": True, "first32": ranks.rank == 0, "last64": ranks.rank == ranks.n - 1}
    for name, tensor in own.items():
        if has.get(name):
            tensor.grad = torch.full_like(tensor, 10.0**ranks.rank).t().contiguous().t()
    with patch.object(torch.distributed, "all_reduce", wraps=torch.distributed.all_reduce) as reduce:
        ranks.sum_gradients(own.values())
    found = {name: tensor.grad for name, tensor in own.items() if tensor.grad is not None}
    return found | {"collectives": torch.tensor(reduce.call_count)}


def single_value(ranks: Ranks) -> Found:
    layer = nn.BatchNorm1d(3)
    ranks.synchronise(layer)
    try:
        layer(ranks.share(_draw(1, 3, dtype=torch.float32)))
    except ValueError as error:
        return {"refused": torch.tensor("more than 1 value per channel" in str(error))}
    return {"refused": torch.tensor(False)}


def everything(ranks: Ranks) -> dict[str, Found]:
    """All of the above, by the name of the test."""
    return {
        "plain float32": plain(ranks, torch.float32),
        "plain float64": plain(ranks, torch.float64),
        "normalised float32": normalised(ranks, torch.float32),
        "normalised float64": normalised(ranks, torch.float64),
        **{name: norm(ranks, *case) for name, case in NORMS.items()},
        "resnet": resnet(ranks),
        "some without gradient": some_without_gradient(ranks),
        "single value": single_value(ranks),
    }


def steps_without_end(ranks: Ranks, folder: Path) -> None:
    model = _built(lambda: build_model("resnet8", n_classes=3, n_channels=1, width=4))
    ranks.synchronise(model)
    while True:
        _backward(ranks, model, _draw(6, 1, 8, 8))
        (folder / f"ready{ranks.rank}").touch()


def main(job: str, folder: Path, timeout_seconds: float) -> None:
    torch.set_num_threads(1)
    try:
        for late in (1, 0) if job == "again" else ():  # late enough for the other to find its address of before
            with joined_ranks(device="cpu", timeout_seconds=timeout_seconds) as ranks:
                ranks.sum(torch.zeros(()))
            assert not torch.distributed.is_initialized()
            time.sleep(0.5 * (ranks.rank == late))
        with joined_ranks(device="cpu", timeout_seconds=timeout_seconds) as ranks:
            if job == "endless":
                steps_without_end(ranks, folder)
            if job == "everything":
                torch.save(everything(ranks), folder / f"{ranks.rank}.pt")
            total = ranks.sum(torch.tensor([ranks.rank + 1])).item()
            (folder / f"said{ranks.rank}").write_text(f"{ranks.rank} of {ranks.n}: {total}", encoding="utf-8")
    except ValueError as error:
        assert not torch.distributed.is_initialized()
        sys.exit(report(error))


def own_store() -> Any:
    """Serve a store from this process, on a port that nobody else can take."""
    return torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]


@contextmanager
def started(n: int, job: str, folder: Path, *, timeout_seconds: float) -> Iterator[list[subprocess.Popen[str]]]:
    """Start ``n`` ranks as torchrun does, with a store outside them; none survives the block."""
    store = own_store()
    shared = {"WORLD_SIZE": str(n), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port)}
    shared |= {"TORCHELASTIC_USE_AGENT_STORE": "True", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-m", __name__, job, str(folder), str(timeout_seconds)]
    processes = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(n)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()


def wait_for(files: list[Path], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not all(file.exists() for file in files):
        assert time.monotonic() < end, "the ranks did not come to their first step"
        time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
