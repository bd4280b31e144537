"""Folders of image classifiers that transformers saved: network, normalisation and order of classes from the folder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from calib.datasets.image_folder import image_folder
from calib.errors import InputError
from calib.models.hugging_face import image_classifier
from calib.reading import Reading
from calib.sources import open_source

from .test_foreign_libraries import images, logits_of  # noqa: F401  # a fixture

transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # transformers' own


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Any, Path]:
    names = {0: "dog", 1: "bird", 2: "cat"}  # not the order of the folders
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], id2label=names, label2id={n: i for i, n in names.items()}
    )
    with torch.random.fork_rng(devices=[]):
        network = transformers.ResNetForImageClassification(config).eval()
    network.save_pretrained(tmp_path / "net")
    prepared = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.3], "size": {"height": 64, "width": 64}}
    (tmp_path / "net" / "preprocessor_config.json").write_text(json.dumps(prepared))
    return network, tmp_path / "net"


def test_a_folder_is_its_network_its_normalisation_and_its_order_of_classes(
    saved: tuple[Any, Path],
    images: Path,  # noqa: F811
) -> None:
    network, folder = saved
    source = open_source(folder, Reading(dataset="folder", data_dir=images))
    inner = type("Logits", (torch.nn.Module,), {"forward": lambda self, x: network(x).logits})()
    expected = logits_of(inner, images, mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
    np.testing.assert_allclose(source.test.values, expected, rtol=1e-4, atol=1e-5)
    assert source.test.class_names == ("dog", "bird", "cat")
    labels = np.concatenate([labels for _, labels in image_folder(images, image_size=64).batches(4)])
    assert source.test.labels.tolist() == [{0: 1, 1: 2, 2: 0}[label] for label in labels]  # bird, cat, dog
    assert any("matched by name" in note for note in source.notes)


def test_a_config_that_is_no_classifier_or_brings_code_is_refused(saved: tuple[Any, Path], tmp_path: Path) -> None:
    folder = saved[1]
    config = json.loads((folder / "config.json").read_text())
    for change in ({"model_type": "no-such-thing"}, {"hidden_sizes": "many"}):
        (folder / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(InputError, match="describes no classifier of images"):
            image_classifier(folder)
    canary = tmp_path / "canary"
    (folder / "evil.py").write_text(f"open({str(canary)!r}, 'w')\nclass Net: pass\n")
    mapped = {"auto_map": {"AutoConfig": "evil.Net", "AutoModelForImageClassification": "evil.Net"}}
    (folder / "config.json").write_text(json.dumps({**config, **mapped, "model_type": "evil"}))
    with pytest.raises(InputError, match="describes no classifier of images"):
        image_classifier(folder)
    assert not canary.exists()
