"""Training and eval mode of a network, lent and given back."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def in_eval_mode(model: object) -> Iterator[None]:
    """Put a module into eval mode; afterwards each part of it is back in the mode it was in, frozen ones too.

    What is no module has no modes.

    >>> model = nn.Sequential(nn.Linear(1, 1), nn.Dropout().eval())
    >>> with in_eval_mode(model):
    ...     model.training
    False
    >>> model.training, model[1].training
    (True, False)
    """
    if not isinstance(model, nn.Module):
        yield
        return
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        model.train(modes[0][1])  # models that override train() see it called; the flags then go module by module
        for module, training in modes:
            module.training = training
