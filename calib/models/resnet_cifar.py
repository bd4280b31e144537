"""The CIFAR ResNets of He et al. (2016): 6m + 2 layers in three stages, with shortcuts of option A or B."""

from typing import Literal, TypeAlias

from torch import Tensor, nn
from torch.nn import functional

from calib.models._classifier import templates_of

Shortcut: TypeAlias = Literal["A", "B"]


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut, which has no parameters unless the shape changes and the option is B.

    Option A then subsamples and pads with channels of zeros; option B is a 1×1 convolution with batch normalisation.
    """

    def __init__(self, n_in: int, n_out: int, stride: int, shortcut: Shortcut) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.stride = stride
        self.padding = n_out - n_in
        self.downsample: nn.Sequential | None = None
        if shortcut == "B" and (stride > 1 or n_in != n_out):
            self.downsample = projection(n_in, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, n_in, h, w)`` to ``(n, n_out, h / stride, w / stride)``, rounded up."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        if self.downsample is not None:
            return functional.relu(out + self.downsample(shortcut))
        if self.padding:
            below = self.padding // 2
            shortcut = functional.pad(shortcut, (0, 0, 0, 0, below, self.padding - below))
        return functional.relu(out + shortcut)


class CifarResNet(nn.Module):
    """A ResNet of ``depth`` = 6m + 2 layers for pictures of 8 to 64 pixels.

    Its three stages have ``width``, 2 · ``width`` and 4 · ``width`` channels; 16 is the published width.  The paper's
    CIFAR networks have shortcuts of option A.  Weights are drawn from He's normal distribution with fan-in, those of
    the last layer too, as in akamaster/pytorch_resnet_cifar10.

    >>> import torch
    >>> CifarResNet(8, n_classes=10, n_channels=1)(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self, depth: int, *, n_classes: int, n_channels: int, width: int = 16, shortcut: Shortcut = "A"
    ) -> None:
        super().__init__()
        blocks_per_stage, remainder = divmod(depth - 2, 6)
        if remainder or blocks_per_stage < 1:
            raise ValueError(f"depth must be 6m + 2, got {depth}")
        self.conv1 = nn.Conv2d(n_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, 1, blocks_per_stage, shortcut)
        self.layer2 = _stage(width, 2 * width, 2, blocks_per_stage, shortcut)
        self.layer3 = _stage(2 * width, 4 * width, 2, blocks_per_stage, shortcut)
        self.fc = nn.Linear(4 * width, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def features(self, x: Tensor) -> Tensor:
        """Penultimate activations ``(n, 4 * width)`` of images ``(n, channels, height, width)``."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return x.mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, n_classes)`` of images ``(n, channels, height, width)``."""
        logits: Tensor = self.fc(self.features(x))
        return logits

    @property
    def templates(self) -> Tensor:
        """The last layer ``(n_classes, 4 * width + 1)``, bias last."""
        return templates_of(self.fc)


def projection(n_in: int, n_out: int) -> nn.Sequential:
    """Build the shortcut of option B, for pixels that were subsampled before.

    A stride of the convolution would be the same sum, but oneDNN's gradient of strided 1×1 convolutions of fewer than 8
    channels writes past its memory on processors with AVX2 (uxlfoundation/oneDNN, issue 6035; torch 2.13 has it).
    """
    return nn.Sequential(nn.Conv2d(n_in, n_out, 1, bias=False), nn.BatchNorm2d(n_out))


def _stage(n_in: int, n_out: int, stride: int, n_blocks: int, shortcut: Shortcut) -> nn.Sequential:
    first = BasicBlock(n_in, n_out, stride, shortcut)
    return nn.Sequential(first, *(BasicBlock(n_out, n_out, 1, shortcut) for _ in range(n_blocks - 1)))
