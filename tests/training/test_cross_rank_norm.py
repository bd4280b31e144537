"""Cross-rank normalisation by itself: right gradients, torch's results in eval mode, no trace in what is saved."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from calib.errors import InputError
from calib.models import build_model
from calib.training.cross_rank_norm import CrossRankNorm1d, CrossRankNorm2d, normalise_across
from calib.training.ranks import ALONE, Ranks
from tests.training.rank_jobs import NORMS


def _input(n: int, *shape: int) -> Tensor:
    return 1 + torch.randn(n, *shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.mark.parametrize("name", NORMS)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    build, shape = NORMS[name]
    layer = build().double()
    normalise_across(layer, ALONE)
    parameters = dict(layer.named_parameters())
    for parameter in parameters.values():
        parameter.data.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(1))

    def out(x: Tensor, *values: Tensor) -> Tensor:
        result: Tensor = torch.func.functional_call(layer, dict(zip(parameters, values, strict=True)), (x,))
        return result

    torch.autograd.gradcheck(out, (_input(4, *shape).requires_grad_(), *parameters.values()))


@pytest.mark.parametrize("name", NORMS)
def test_eval_mode_is_torchs_to_the_bit_and_talks_to_nobody(name: str) -> None:
    build, shape = NORMS[name]
    plain = build().double()
    plain(_input(5, *shape))
    across = copy.deepcopy(plain)
    normalise_across(across, Ranks(rank=0, n=2))  # there is no second: a sum would raise
    assert torch.equal(across.eval()(_input(2, *shape)), plain.eval()(_input(2, *shape)))


def test_the_state_dict_is_that_of_the_plain_model_and_loads_into_it() -> None:
    plain = build_model("resnet8b", n_classes=3, n_channels=1, width=4)
    across = copy.deepcopy(plain)
    before = dict(across.state_dict(keep_vars=True))
    optimizer = torch.optim.SGD(across.parameters(), lr=0.1)
    normalise_across(across, ALONE)
    after = across.state_dict(keep_vars=True)
    assert list(after) == list(before)
    assert all(after[name] is tensor for name, tensor in before.items())
    assert after._metadata == plain.state_dict()._metadata  # type: ignore[attr-defined]
    x = _input(4, 1, 8, 8).float()
    across(x).square().sum().backward()
    optimizer.step()
    plain.load_state_dict(across.state_dict(), strict=True)
    assert torch.equal(plain.eval()(x), across.eval()(x))


def test_hooks_names_copies_and_a_second_call_survive() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Sequential(nn.BatchNorm2d(2), nn.SyncBatchNorm(2)))
    model.append(model[0])  # one layer in two places
    seen: list[object] = []
    model[0].register_forward_hook(lambda *_: seen.append(1))
    model.eval()
    normalise_across(model, Ranks(1, 2))
    normalise_across(model, Ranks(1, 2))
    for same in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model[1]))):
        kinds = [type(module) for module in same.modules() if not isinstance(module, nn.Sequential)]
        assert kinds in ([CrossRankNorm1d, CrossRankNorm2d, nn.SyncBatchNorm], [CrossRankNorm2d, nn.SyncBatchNorm])
        assert not any(module.training for module in same.modules())
    model[0](_input(2, 2).float())
    assert seen == [1]
    assert model[2] is model[0]


def test_a_normalisation_with_a_forward_pass_of_its_own_is_refused_by_name() -> None:
    class WithActivation(nn.BatchNorm2d):
        pass

    model = nn.Sequential(nn.BatchNorm2d(2), nn.Sequential(WithActivation(2)))
    with pytest.raises(InputError, match=r"layer '1.0' is a WithActivation"):
        Ranks(0, 2).synchronise(model)
    assert type(model[0]) is nn.BatchNorm2d


@pytest.mark.parametrize("shape", [(4, 3, 2), (4,)])
def test_an_input_of_the_wrong_dimension_is_refused_as_torch_does(shape: tuple[int, ...]) -> None:
    layer = nn.BatchNorm2d(3)
    normalise_across(layer, ALONE)
    with pytest.raises(ValueError, match="expected 4D input"):
        layer(torch.zeros(*shape))


def test_a_large_mean_costs_no_more_than_in_torch() -> None:
    x = (1e4 + _input(64, 3, 2, 2)).float()
    plain, across = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
    normalise_across(across, ALONE)
    exact = nn.BatchNorm2d(3).double()(x.double())
    errors = [float((layer(x) - exact).detach().abs().max()) for layer in (plain, across)]
    assert errors[1] <= 2 * errors[0]
    torch.testing.assert_close(across.running_var, plain.running_var, rtol=1e-5, atol=0)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_inputs_keep_their_type_and_float32_statistics(kind: torch.dtype) -> None:
    plain, across = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
    normalise_across(across, ALONE)
    gradients = []
    for layer in (plain, across):
        x = _input(8, 3, 4, 4).to(kind).requires_grad_()
        out = layer(x)
        assert out.dtype == kind
        (out * _input(8, 3, 4, 4).to(kind).sin()).sum().backward()
        assert x.grad is not None
        assert x.grad.dtype == kind
        gradients.append(x.grad)
    torch.testing.assert_close(across.running_var, plain.running_var)
    torch.testing.assert_close(*gradients, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("arch", ["resnet8b", "resnet18-cifar", "resnet50", "alexnet", "minigooglenet", "mnist-fc"])
def test_every_family_takes_an_empty_share_forwards_and_backwards(arch: str) -> None:
    side = 64 if arch in ("resnet50", "alexnet") else 8
    width = {"alexnet": None, "minigooglenet": None}.get(arch, 4)
    model = build_model(arch, n_classes=3, n_channels=1, width=width, image_size=(side, side))
    logits = model(torch.zeros(0, 1, side, side))
    assert logits.shape == (0, 3)
    logits.sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert not parameter.grad.any(), name
