"""``calib report``: the page is written whole or not at all, says how it is made again, and refuses in two lines."""

import html
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import calib

from ..references import sample
from .conftest import Run, assert_refused

HARD, SMOOTHED = "example:digits-resnet8-hard", "example:digits-resnet8-smoothed"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """60 predictions of three classes, with a column of sites."""
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(3), 60)
    labels = [int(rng.choice(3, p=row)) for row in probs]
    rows = [
        f"{y},{a},{b},{c},{'north' if i % 2 else 'south'}"
        for i, (y, (a, b, c)) in enumerate(zip(labels, probs, strict=True))
    ]
    path = tmp_path / "my predictions.csv"
    path.write_text("label,prob_0,prob_1,prob_2,site\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_examples_are_compared_in_one_file_with_pictures(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = run("report", HARD, SMOOTHED, "-o", page, "--title", "A <b> title")
    assert result.code == 0, result.err
    assert result.out == f"{page}\n"
    example = calib.load_example("digits-resnet8-hard")
    verdict = calib.diagnose(example.test, example.calibration).verdict
    assert f"digits-resnet8-hard: {verdict}" in result.err
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert verdict in text.replace("\u00a0", " ")  # numbers are kept on one line with what belongs to them
    assert f"calib calibrate {HARD} -o calibrator.json" in text
    assert f"calib report {HARD} {SMOOTHED} --title 'A <b> title' -o report.html" in text
    assert text.count("data:image/png;base64,") == 48
    assert "<title>A &lt;b&gt; title</title>" in page.read_text(encoding="utf-8")


def test_the_same_command_gives_the_same_bytes_and_the_date_is_asked_for(
    run: Run, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    first, second = tmp_path / "a" / "r.html", tmp_path / "b" / "r.html"
    for page in (first, second):
        assert run("report", csv, "-o", page, "--group-by", "site", "--bins", "10").code == 0
    assert first.read_bytes() == second.read_bytes()
    text = html.unescape(first.read_text(encoding="utf-8"))
    assert f"calib report '{csv}' --group-by site --bins 10 -o r.html" in text
    assert "Groups by site" in text
    assert ">north<" in text
    assert "cross-fitted in 5 folds" in text
    assert "dated" not in text
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert run("report", csv, "-o", second, "--force").code == 0
    assert "1970-01-02" in second.read_text(encoding="utf-8")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert_refused(run("report", csv, "-o", tmp_path / "c.html"), "SOURCE_DATE_EPOCH")


def test_the_options_that_open_the_source_are_in_the_commands_which_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_out = tmp_path / "held out.npz"
    for seed, path in enumerate((tmp_path / "scores.npz", held_out)):
        logits, labels = sample(300, 3, true_temperature=3, seed=seed)
        np.savez(path, scores=logits, labels=labels)
    page = tmp_path / "r.html"
    result = run("report", tmp_path / "scores.npz", "--from", "logits", "--calibration", held_out, "-o", page)
    assert result.code == 0, result.err
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert f"{tmp_path}/scores.npz --from logits" in text
    assert f"--calibration '{held_out}' --from logits -o r.html" in text
    monkeypatch.chdir(tmp_path)
    commands = [shlex.split(line) for line in re.findall("<code>(calib .*)</code>", text)]
    assert [command[1] for command in commands][:2] == ["calibrate", "apply"]
    for _, *words in commands:
        assert run(*words).code == 0, words


def test_weights_of_others_get_pictures_and_are_fitted_on_what_is_not_judged(run: Run, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from calib.models import build_model

    torch.manual_seed(0)
    network = build_model("resnet8", n_classes=10, n_channels=1, width=4, image_size=(8, 8))
    torch.save(network.state_dict(), tmp_path / "theirs.pth")
    page = tmp_path / "r.html"
    result = run("report", tmp_path / "theirs.pth", "--dataset", "digits", "--arch", "resnet8", "-o", page)
    assert result.code == 0, result.err
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert text.count("data:image/png;base64,") == 24
    assert "calib calibrate theirs.pth" not in text
    assert f"calib calibrate {tmp_path}" not in text


def test_of_a_folder_the_command_says_how_other_images_are_predicted() -> None:
    from calib.cli.report import _held_out
    from calib.reading import Reading

    folder = Reading(dataset="folder", data_dir=Path("val"), mean=(0.5,), std=(0.5,))
    assert _held_out(Path("my net.pth"), folder) == (
        "calib predict 'my net.pth' --data-dir HELD_OUT_IMAGES --dataset folder --mean 0.5 --std 0.5 -o held-out.npz"
    )
    assert _held_out(Path("net.pth"), Reading(dataset="cifar10")) is None


def test_what_cannot_be_reported_is_refused_before_any_work(run: Run, csv: Path, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    assert_refused(run("report", csv, "-o", tmp_path / "r.pdf"), "saved as .html")
    assert_refused(run("report", csv, HARD, "--calibration", csv, "-o", page), "--calibration goes with one SOURCE")
    assert_refused(run("report", csv, "--group-by", "country", "-o", page), "no column 'country'", "site")
    assert_refused(run("report", HARD, "--group-by", "site", "-o", page), "a column of a file")
    assert_refused(run("report", csv, csv, "-o", page), "named twice")
    assert_refused(run("report", tmp_path / "none.npz", "-o", page), "does not exist")
    assert_refused(run("report", csv), "--output")
    logged = tmp_path / "log.csv"
    logged.write_text("confidence,correct\n0.9,1\n0.8,0\n", encoding="utf-8")
    assert_refused(run("report", logged, "-o", page), "a log of confidences", "calib evaluate")
    page.write_text("mine", encoding="utf-8")
    assert_refused(run("report", csv, "-o", page), "exists already", "--force")
    assert page.read_text(encoding="utf-8") == "mine"


def test_models_of_one_name_are_told_apart_by_their_paths(run: Run, csv: Path, tmp_path: Path) -> None:
    other = tmp_path / "b" / csv.name
    other.parent.mkdir()
    other.write_bytes(csv.read_bytes())
    assert run("report", csv, other, "-o", tmp_path / "r.html").code == 0
    text = html.unescape((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert f"{other} + T" in text
