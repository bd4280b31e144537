import subprocess
import sys
from pathlib import Path

import pytest

from calib.datasets import DATASETS, dataset_entry, load_dataset
from calib.errors import InputError


def test_the_names_are_these_and_sorted() -> None:
    assert DATASETS == ("cifar10", "cifar100", "digits", "fashion-mnist", "fashion-mnist-14", "mnist", "mnist-14")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("cifar-10", "cifar10"),
        ("CIFAR100", "cifar100"),
        ("fashion_mnist", "fashion-mnist"),
        ("digit", "digits"),
        ("MNIST", "mnist"),
    ],
)
def test_an_unknown_name_brings_the_nearest_known_one(name: str, near: str) -> None:
    with pytest.raises(InputError, match=f"there is no data set '{name}'") as caught:
        load_dataset(name)
    assert f"did you mean {near}" in caught.value.help


def test_a_name_near_to_none_brings_the_list() -> None:
    with pytest.raises(InputError) as caught:
        load_dataset("xyz")
    assert (
        caught.value.help == "choose one of cifar10, cifar100, digits, fashion-mnist, fashion-mnist-14, mnist, mnist-14"
    )


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_missing_data_say_what_where_and_the_command(no_data: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(
        InputError, match=rf"{name} was not found: looked for cifar-10.*/ or cifar-10.*/ in .*calib/data"
    ) as caught:
        load_dataset(name)
    assert caught.value.help == f"calib data download {name}"
    with pytest.raises(InputError) as caught:
        load_dataset(name, data_dir=tmp_path)
    assert caught.value.help == f"calib data download {name} --data-dir {tmp_path}"


def test_an_entry_knows_what_the_loaded_data_set_has() -> None:
    entry, dataset = dataset_entry("digits"), load_dataset("digits")
    assert (entry.n_images, entry.shape, entry.n_classes) == (dataset.n, dataset.shape, dataset.n_classes)


def test_neither_torch_nor_urllib_is_loaded() -> None:
    code = (
        "import sys, calib.datasets.download as d; d.download('digits')\n"
        "print([name for name in ('torch', 'urllib.request', 'PIL', 'torchvision') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert result.stdout.strip() == "[]"
