"""The CIFAR ResNets of He et al. (2016): 6m + 2 layers in three stages, parameter-free (option A) shortcuts."""

from torch import Tensor, nn
from torch.nn import functional


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut; where the shape changes the shortcut subsamples and pads with zeros."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.stride = stride
        self.padding = n_out - n_in

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, n_in, h, w)`` to ``(n, n_out, h / stride, w / stride)``."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        if self.padding:
            below = self.padding // 2
            shortcut = functional.pad(shortcut, (0, 0, 0, 0, below, self.padding - below))
        return functional.relu(out + shortcut)


class CifarResNet(nn.Module):
    """A ResNet of ``depth`` = 6m + 2 layers for pictures of 8 to 64 pixels.

    Its three stages have ``width``, 2 · ``width`` and 4 · ``width`` channels; 16 is the published width.

    >>> import torch
    >>> CifarResNet(8, n_classes=10, n_channels=1)(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """

    def __init__(self, depth: int, *, n_classes: int, n_channels: int, width: int = 16) -> None:
        super().__init__()
        blocks_per_stage, remainder = divmod(depth - 2, 6)
        if remainder or blocks_per_stage < 1:
            raise ValueError(f"depth must be 6m + 2, got {depth}")
        self.conv1 = nn.Conv2d(n_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, 1, blocks_per_stage)
        self.layer2 = _stage(width, 2 * width, 2, blocks_per_stage)
        self.layer3 = _stage(2 * width, 4 * width, 2, blocks_per_stage)
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


def _stage(n_in: int, n_out: int, stride: int, n_blocks: int) -> nn.Sequential:
    first = BasicBlock(n_in, n_out, stride)
    return nn.Sequential(first, *(BasicBlock(n_out, n_out, 1) for _ in range(n_blocks - 1)))
