"""Every name that is looked up in a list is refused with the nearest of that list."""

from collections.abc import Callable

import pytest

from calib._nearest import nearest, suggestion, unknown
from calib.calibrators.registry import method_class
from calib.datasets import dataset_entry
from calib.errors import InputError
from calib.examples import load_example
from calib.models import build_model
from calib.studies.projections import chosen_classes
from calib.studies.settings import PAPERS, setting_named
from calib.training.config import TrainConfig
from calib.training.presets import preset


@pytest.mark.parametrize(
    ("look_up", "meant"),
    [
        (lambda: method_class("isotonc"), "isotonic"),
        (lambda: method_class("structured_vector"), "structured-vector"),
        (lambda: preset("muler"), "muller"),
        (lambda: setting_named("gou", PAPERS), "guo"),
        (lambda: dataset_entry("CIFAR-10"), "cifar10"),
        (lambda: build_model("resnet21", n_classes=10, n_channels=3), "resnet20"),
        (lambda: load_example("digits-resnet8-hart"), "digits-resnet8-hard"),
        (lambda: chosen_classes(["Bird", 0, 1], ["ship", "truck", "bird"]), "bird"),
        (lambda: TrainConfig.from_dict({"dataset": "digits", "label-smoothing": 0.1, "epoch": 3}), "epochs"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(look_up: Callable[[], object], meant: str) -> None:
    with pytest.raises(InputError) as caught:
        look_up()
    assert caught.value.help.startswith("did you mean ")
    assert meant in caught.value.help.partition("?")[0]


def test_what_is_near_to_nothing_gets_the_list_alone() -> None:
    assert suggestion("xyz", ["temperature", "vector"]) == "choose one of temperature, vector"


def test_case_and_dashes_do_not_part_a_name_from_its_known_spelling() -> None:
    assert nearest("STRUCTURED_VECTOR", ["structured-vector", "vector"])[0] == "structured-vector"
    assert nearest("cat", ["Cat", "dog"]) == ["Cat"]


def test_a_long_list_is_cut_and_no_name_reaches_the_terminal_raw() -> None:
    known = [f"class {i}" for i in range(1000)]
    assert suggestion("zebra", known).endswith("class 24 …")
    error = unknown("class", "\x1b[31m" + "x" * 10**6, ["\x1b[31mred"])
    assert "\x1b" not in f"{error} {error.help}"
    assert len(str(error)) < 300
