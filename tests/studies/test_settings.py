"""The settings are complete recipes; what is changed is checked before anything is trained."""

import pytest

from calib.errors import InputError
from calib.studies.settings import PAPERS, SETTINGS, Setting, adjusted, setting_named
from calib.training.presets import preset


def test_the_small_setting_is_the_one_documented() -> None:
    setting = SETTINGS["fashion-mnist-14"]
    base = setting.base
    assert (base.dataset, base.arch, base.width) == ("fashion-mnist-14", "resnet8", 8)
    assert (base.epochs, base.batch_size, base.schedule, base.learning_rate) == (30, 64, "one-cycle", 0.1)
    assert (base.weight_decay, base.shift, base.flip, base.keep) == (1e-4, 0, False, "last")
    assert (setting.smoothing, setting.seeds) == ((0.0, 0.05, 0.1), 4)


@pytest.mark.parametrize("name", sorted(PAPERS))
def test_a_paper_is_its_preset(name: str) -> None:
    assert PAPERS[name].base == preset(name)
    assert PAPERS[name].smoothing[0] == 0
    assert adjusted(PAPERS[name]) == PAPERS[name]  # its calibrators suit its classes


@pytest.mark.parametrize("settings", [SETTINGS, PAPERS])
def test_no_setting_chooses_its_checkpoint(settings: dict[str, Setting]) -> None:
    assert {setting_named(name, settings).base.keep for name in settings} == {"last"}


def test_what_is_given_takes_the_place_of_the_setting_s() -> None:
    found = adjusted(
        PAPERS["muller"],
        dataset="cifar10",
        arch="resnet20",
        epochs=3,
        smoothing=[0.1, 0, 0.1],
        seeds=7,
        calibrators=["vector", "temperature", "vector"],
    )
    assert (found.base.dataset, found.base.arch) == ("cifar10", "resnet20")
    assert (found.base.epochs, found.base.steps) == (3, None)
    assert found.base.clip_norm == 1.0
    assert (found.smoothing, found.seeds, found.calibrators) == ((0, 0.1), 7, ("vector",))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"smoothing": [0.1]}, "lack 0"),
        ({"smoothing": []}, "lack 0"),
        ({"smoothing": [0, 1.0]}, "smoothing must be in"),
        ({"calibrators": ["platt"]}, "platt does not suit 10 classes"),
        ({"calibrators": ["vektor"]}, "no method 'vektor'"),
        ({"dataset": "cifar"}, "no data set 'cifar'"),
        ({"epochs": 0}, "epochs must be"),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        adjusted(SETTINGS["digits"], **changes)  # type: ignore[arg-type]


def test_an_unknown_name_brings_the_list() -> None:
    with pytest.raises(InputError, match="no recipe 'he'") as caught:
        setting_named("he", PAPERS)
    assert caught.value.help == "choose one of guo, muller, mukhoti"
