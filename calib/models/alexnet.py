"""The small AlexNet of Müller et al.'s CIFAR-10 experiment (2019): the network of TensorFlow's CIFAR-10 tutorial."""

from torch import Tensor, nn
from torch.nn import functional

from calib.models._classifier import templates_of


class AlexNet(nn.Module):
    """Two 5×5 convolutions with pooling and local response normalisation, two dense layers, a linear one.

    The first dense layer sees all pixels, so the network has a fixed ``image_size``, (height, width).  The tutorial
    crops CIFAR's images to 24×24, which makes 1,068,298 parameters; whole images of 32×32 make 1,756,426.
    Initialisation is the tutorial's: normal, cut at two standard deviations.  The paper decays the weights of
    ``dense1`` and ``dense2`` alone.

    >>> import torch
    >>> AlexNet(n_classes=10, n_channels=3, image_size=(24, 24))(torch.zeros(2, 3, 24, 24)).shape
    torch.Size([2, 10])
    """

    def __init__(self, *, n_classes: int, n_channels: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        height, width = (-(-side // 4) for side in image_size)  # two poolings, each halves and rounds up
        self.conv1 = nn.Conv2d(n_channels, 64, 5, padding=2)
        self.conv2 = nn.Conv2d(64, 64, 5, padding=2)
        self.dense1 = nn.Linear(64 * height * width, 384)
        self.dense2 = nn.Linear(384, 192)
        self.fc = nn.Linear(192, n_classes)
        for layer, std, bias in (
            (self.conv1, 0.05, 0.0),
            (self.conv2, 0.05, 0.1),
            (self.dense1, 0.04, 0.1),
            (self.dense2, 0.04, 0.1),
            (self.fc, 1 / 192, 0.0),
        ):
            assert isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None  # noqa: S101, PT018  # for mypy
            nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)
            nn.init.constant_(layer.bias, bias)

    def features(self, x: Tensor) -> Tensor:
        """Penultimate activations ``(n, 192)`` of images ``(n, channels, height, width)``."""
        x = _normalise(_pool(functional.relu(self.conv1(x))))
        x = _pool(_normalise(functional.relu(self.conv2(x))))
        x = functional.relu(self.dense1(x.flatten(1)))
        return functional.relu(self.dense2(x))

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, n_classes)`` of images ``(n, channels, height, width)``."""
        logits: Tensor = self.fc(self.features(x))
        return logits

    @property
    def templates(self) -> Tensor:
        """The last layer ``(n_classes, 193)``, bias last."""
        return templates_of(self.fc)


def _pool(x: Tensor) -> Tensor:
    """Max-pool 3×3 with stride 2 where TensorFlow's "SAME" puts the windows: even sides are padded at the end alone."""
    odd = (x.shape[2] % 2, x.shape[3] % 2)
    return functional.max_pool2d(x, 3, stride=2, padding=odd, ceil_mode=True)


def _normalise(x: Tensor) -> Tensor:
    """Divide by (1 + 0.001 / 9 · the sum of squares over four channels to each side) ** 0.75."""
    return functional.local_response_norm(x, size=9, alpha=0.001, beta=0.75, k=1.0)
