"""The fully connected MNIST network of the distillation studies of Hinton et al. (2015) and Müller et al. (2019)."""

import math

from torch import Tensor, nn
from torch.nn import functional

from calib.models._classifier import templates_of


class FullyConnected(nn.Module):
    """Two hidden layers of ``width`` rectified units: 1200 for the teacher, 800 for the student.

    ``image_size`` is (height, width).  Weights start Gaussian with standard deviation 0.03, biases 0.  Müller et al.
    print a *variance* of 0.03, with which their learning rate diverges; with this it trains.
    ``dropout`` is the share of hidden units left out in training; the hard teacher of the study has it.

    >>> import torch
    >>> FullyConnected(n_classes=10, n_channels=1, image_size=(28, 28), width=8)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        *,
        n_classes: int,
        n_channels: int,
        image_size: tuple[int, int],
        width: int = 1200,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(n_channels * math.prod(image_size), width)
        self.hidden2 = nn.Linear(width, width)
        self.fc = nn.Linear(width, n_classes)
        self.dropout = nn.Dropout(dropout)
        for layer in (self.hidden1, self.hidden2, self.fc):
            nn.init.normal_(layer.weight, std=0.03)
            nn.init.zeros_(layer.bias)

    def features(self, x: Tensor) -> Tensor:
        """Activations of the second hidden layer ``(n, width)`` of images, before its dropout."""
        x = self.dropout(functional.relu(self.hidden1(x.flatten(1))))
        return functional.relu(self.hidden2(x))

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, n_classes)`` of images ``(n, channels, height, width)``."""
        logits: Tensor = self.fc(self.dropout(self.features(x)))
        return logits

    @property
    def templates(self) -> Tensor:
        """The last layer ``(n_classes, width + 1)``, bias last."""
        return templates_of(self.fc)
