"""Which class each class is mistaken for, by data set: the maps behind asymmetric label noise."""

from collections.abc import Mapping

from calib.datasets.cifar import CIFAR10, CIFAR100
from calib.errors import InputError

# Patrini et al. (2017): what people mix up; the other five classes stay as they are
_CIFAR10 = {"truck": "automobile", "bird": "airplane", "deer": "horse", "cat": "dog", "dog": "cat"}

# the twenty superclasses of https://www.cs.toronto.edu/~kriz/cifar.html, in their order; fine classes by the alphabet
_SUPERCLASSES = (
    "beaver dolphin otter seal whale",
    "aquarium_fish flatfish ray shark trout",
    "orchid poppy rose sunflower tulip",
    "bottle bowl can cup plate",
    "apple mushroom orange pear sweet_pepper",
    "clock keyboard lamp telephone television",
    "bed chair couch table wardrobe",
    "bee beetle butterfly caterpillar cockroach",
    "bear leopard lion tiger wolf",
    "bridge castle house road skyscraper",
    "cloud forest mountain plain sea",
    "camel cattle chimpanzee elephant kangaroo",
    "fox porcupine possum raccoon skunk",
    "crab lobster snail spider worm",
    "baby boy girl man woman",
    "crocodile dinosaur lizard snake turtle",
    "hamster mouse rabbit shrew squirrel",
    "maple_tree oak_tree palm_tree pine_tree willow_tree",
    "bicycle bus motorcycle pickup_truck train",
    "lawn_mower rocket streetcar tank tractor",
)


def mistaken_for(dataset: str, n_classes: int) -> dict[int, int]:
    """The class that each class is mistaken for; a class that is missing is never mistaken.

    ``cifar10``: truck → automobile, bird → airplane, deer → horse, cat ↔ dog.  ``cifar100``: the next class of the same
    superclass, the first after the last; both from Patrini et al. (2017), Making Deep Neural Networks Robust to Label
    Noise.  (Much published code takes blocks of five labels for superclasses, but labels are in the order of the
    alphabet.)  Any other data set: the next class, (y + 1) mod k, which says nothing about likeness.

    Raises `InputError` where k is below 2 or not that of the data set.

    >>> mistaken_for("cifar10", 10)
    {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}
    >>> mistaken_for("digits", 3)
    {0: 1, 1: 2, 2: 0}
    """
    named = {"cifar10": (CIFAR10.class_names, _CIFAR10), "cifar100": (CIFAR100.class_names, _next_of_superclass())}
    if dataset not in named:
        if n_classes < 2:
            raise InputError(f"n_classes must be at least 2, got {n_classes}", help="pass the number of classes")
        return {label: (label + 1) % n_classes for label in range(n_classes)}
    names, pairs = named[dataset]
    if n_classes != len(names):
        raise InputError(
            f"{dataset} has {len(names)} classes, got {n_classes}", help="pass the labels of that data set"
        )
    return {names.index(name): names.index(other) for name, other in pairs.items()}


def _next_of_superclass() -> Mapping[str, str]:
    groups = [group.split() for group in _SUPERCLASSES]
    return {name: group[(i + 1) % len(group)] for group in groups for i, name in enumerate(group)}
