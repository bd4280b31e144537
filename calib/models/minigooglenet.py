"""MiniGoogLeNet, the small Inception network of PyImageSearch's label smoothing tutorial (Rosebrock, 2019)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from calib.models._classifier import templates_of


class Conv(nn.Module):
    """Convolution with bias, batch normalisation and ReLU, with the defaults of Keras."""

    def __init__(self, n_in: int, n_out: int, kernel: int, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=padding)
        self.bn = nn.BatchNorm2d(n_out, eps=1e-3, momentum=0.01)  # Keras: epsilon 0.001, momentum 0.99 for the old

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, n_in, h, w)`` to ``(n, n_out, h', w')``."""
        return functional.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    """A 1×1 and a 3×3 convolution of the same input, side by side."""

    def __init__(self, n_in: int, n_1x1: int, n_3x3: int) -> None:
        super().__init__()
        self.conv1x1 = Conv(n_in, n_1x1, 1)
        self.conv3x3 = Conv(n_in, n_3x3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, n_in, h, w)`` to ``(n, n_1x1 + n_3x3, h, w)``."""
        return torch.cat([self.conv1x1(x), self.conv3x3(x)], dim=1)


class Downsample(nn.Module):
    """A 3×3 convolution of stride 2 and max-pooling of the same input, side by side, neither padded."""

    def __init__(self, n_in: int, n_3x3: int) -> None:
        super().__init__()
        self.conv3x3 = Conv(n_in, n_3x3, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, n_in, h, w)`` to ``(n, n_3x3 + n_in, (h - 1) // 2, (w - 1) // 2)``."""
        return torch.cat([self.conv3x3(x), functional.max_pool2d(x, 3, stride=2)], dim=1)


class MiniGoogLeNet(nn.Module):
    """A first convolution, eight Inception modules with two halvings between them, mean over the pixels, dropout 0.5.

    Images need at least 7 pixels a side.  Where the tutorial's 32×32 images end as 7×7 pixels, its 7×7 pooling is the
    mean taken here.  Weights start as in Keras: Glorot's uniform distribution, biases 0.

    >>> MiniGoogLeNet(n_classes=10, n_channels=3).eval()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, *, n_classes: int, n_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Conv(n_channels, 96, 3, padding=1),
            Inception(96, 32, 32),
            Inception(64, 32, 48),
            Downsample(80, 80),
            Inception(160, 112, 48),
            Inception(160, 96, 64),
            Inception(160, 80, 80),
            Inception(160, 48, 96),
            Downsample(144, 96),
            Inception(240, 176, 160),
            Inception(336, 176, 160),
        )
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(336, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def features(self, x: Tensor) -> Tensor:
        """Penultimate activations ``(n, 336)`` of images ``(n, channels, height, width)``, before dropout."""
        pixels: Tensor = self.layers(x)
        return pixels.mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, n_classes)`` of images ``(n, channels, height, width)``."""
        logits: Tensor = self.fc(self.dropout(self.features(x)))
        return logits

    @property
    def templates(self) -> Tensor:
        """The last layer ``(n_classes, 337)``, bias last."""
        return templates_of(self.fc)
