"""ResNet-18, -34 and -50 of He et al. (2016) under torchvision's parameter names, for ImageNet or for small images."""

from typing import Literal, TypeAlias

from torch import Tensor, nn
from torch.nn import functional

from calib.errors import InputError
from calib.models._classifier import templates_of
from calib.models.resnet_cifar import BasicBlock, projection

Stem: TypeAlias = Literal["imagenet", "cifar"]

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions around a shortcut; the 3×3 has the stride, as in torchvision ("ResNet v1.5")."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        inner = n_out // 4
        self.conv1 = nn.Conv2d(n_in, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, n_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(n_out)
        self.stride = stride
        self.downsample = projection(n_in, n_out) if stride > 1 or n_in != n_out else None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, n_in, h, w)`` to ``(n, n_out, h / stride, w / stride)``, rounded up."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = functional.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        shortcut = x if self.downsample is None else self.downsample(x[:, :, :: self.stride, :: self.stride])
        return functional.relu(out + shortcut)


class ResNet(nn.Module):
    """A ResNet of ``depth`` 18, 34 or 50.

    Its four stages have ``width``, 2, 4 and 8 · ``width`` channels, four times that at depth 50; 64 is the published
    width.  The ImageNet ``stem`` is a 7×7 convolution of stride 2 and max-pooling; the CIFAR stem a 3×3 convolution of
    stride 1 and no pooling, for images of 16 to 64 pixels.  Every name and shape but that of ``conv1.weight`` is the
    same for both, and torchvision's.  So is the initialisation: He's normal distribution with fan-out.

    Raises `InputError` for another depth.

    >>> import torch
    >>> ResNet(18, n_classes=10, n_channels=3, stem="cifar", width=8)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self, depth: int, *, n_classes: int, n_channels: int, stem: Stem = "imagenet", width: int = 64
    ) -> None:
        super().__init__()
        if depth not in BLOCKS:
            raise InputError(f"there is no ResNet of depth {depth} here", help="choose 18, 34 or 50, or a CifarResNet")
        self.stem = stem
        self.conv1 = (
            nn.Conv2d(n_channels, width, 7, stride=2, padding=3, bias=False)
            if stem == "imagenet"
            else nn.Conv2d(n_channels, width, 3, padding=1, bias=False)
        )
        self.bn1 = nn.BatchNorm2d(width)
        expansion = 4 if depth == 50 else 1
        n_out = [width * expansion * 2**stage for stage in range(4)]
        n_blocks = BLOCKS[depth]
        self.layer1 = _stage(depth, width, n_out[0], 1, n_blocks[0])
        self.layer2 = _stage(depth, n_out[0], n_out[1], 2, n_blocks[1])
        self.layer3 = _stage(depth, n_out[1], n_out[2], 2, n_blocks[2])
        self.layer4 = _stage(depth, n_out[2], n_out[3], 2, n_blocks[3])
        self.fc = nn.Linear(n_out[3], n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> Tensor:
        """Penultimate activations ``(n, d)`` of images; d is 512 at depth 18 and 34, 2048 at depth 50."""
        x = functional.relu(self.bn1(self.conv1(x)))
        if self.stem == "imagenet":
            x = functional.max_pool2d(x, 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, n_classes)`` of images ``(n, channels, height, width)``."""
        logits: Tensor = self.fc(self.features(x))
        return logits

    @property
    def templates(self) -> Tensor:
        """The last layer ``(n_classes, d + 1)``, bias last."""
        return templates_of(self.fc)


def _stage(depth: int, n_in: int, n_out: int, stride: int, n_blocks: int) -> nn.Sequential:
    shapes = [(n_in, n_out, stride)] + [(n_out, n_out, 1)] * (n_blocks - 1)
    if depth == 50:
        return nn.Sequential(*(Bottleneck(*shape) for shape in shapes))
    return nn.Sequential(*(BasicBlock(*shape, shortcut="B") for shape in shapes))
