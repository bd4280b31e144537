"""What every network here offers beside its logits: its penultimate activations and the templates they meet."""

from typing import Protocol

import torch
from torch import Tensor, nn


class Classifier(Protocol):
    """A network whose logits are a linear map of its features.

    In eval mode ``forward(x)`` is ``[features(x), 1] @ templates.T``: with a 1 appended to the activations and the bias
    to the weights, a logit is one inner product (Müller et al., 2019, section 2).
    """

    def features(self, x: Tensor) -> Tensor:
        """Penultimate activations ``(n, d)`` of images ``(n, channels, height, width)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, k)`` of images ``(n, channels, height, width)``."""

    @property
    def templates(self) -> Tensor:
        """The last layer ``(k, d + 1)``, a row a class: its weights, then its bias."""


def templates_of(last_layer: nn.Linear) -> Tensor:
    """Weights and bias of a linear layer side by side, ``(k, d + 1)``; a layer without bias has zeros there.

    The rows are a copy without gradient.

    >>> templates_of(nn.Linear(4, 3)).shape
    torch.Size([3, 5])
    """
    weight = last_layer.weight.detach()
    bias = weight.new_zeros(len(weight)) if last_layer.bias is None else last_layer.bias.detach()
    return torch.cat([weight, bias[:, None]], dim=1)
