"""The maps of asymmetric noise, held against the coarse labels that CIFAR-100 itself comes with."""

import pytest

from calib.datasets.cifar import CIFAR100
from calib.datasets.confusions import mistaken_for
from calib.errors import InputError

# the coarse label of each fine label, a letter each: the first byte of the records in the official train.bin
COARSE = "EBOIAGHHSDDOJSHLDJHLGLFKHGNPDPALBKMOQJLFFTIIPNORSKQERECARESRKDCMMQMBJTCKABQMJNPNQTCEGTFFITSBCPGARION"
COARSE_LABELS = [ord(letter) - ord("A") for letter in COARSE]


def test_cifar10_has_the_five_mistakes_of_patrini() -> None:
    assert mistaken_for("cifar10", 10) == {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}


def test_cifar100_goes_round_each_superclass_in_the_order_of_its_fine_labels() -> None:
    groups: dict[int, list[int]] = {}
    for fine, coarse in enumerate(COARSE_LABELS):
        groups.setdefault(coarse, []).append(fine)
    assert sorted(groups) == list(range(20))
    mapping = mistaken_for("cifar100", 100)
    assert len(mapping) == 100
    for group in groups.values():
        assert [mapping[fine] for fine in group] == [*group[1:], group[0]]
        assert len(group) == 5


def test_a_few_mistakes_by_name() -> None:
    names, mapping = CIFAR100.class_names, mistaken_for("cifar100", 100)
    for one, other in (
        ("beaver", "dolphin"),
        ("whale", "beaver"),
        ("maple_tree", "oak_tree"),
        ("tractor", "lawn_mower"),
    ):
        assert names[mapping[names.index(one)]] == other


def test_any_other_data_set_goes_to_the_next_class_and_round() -> None:
    assert mistaken_for("fashion-mnist", 3) == {0: 1, 1: 2, 2: 0}


def test_another_number_of_classes_is_refused() -> None:
    with pytest.raises(InputError, match="cifar10 has 10 classes, got 100"):
        mistaken_for("cifar10", 100)
    with pytest.raises(InputError, match="n_classes must be at least 2"):
        mistaken_for("digits", 1)
