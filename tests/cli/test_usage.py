"""Words that typer refuses are refused in the words of calib: the option, what it takes, what came, what to do."""

import re

import pytest

from .conftest import Run, assert_refused


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("evaluate p.npz --bins 0", "error: --bins takes a number of at least 1, got '0'"),
        ("evaluate p.npz --bins 10001", "error: --bins takes a number of at most 10000, got '10001'"),
        ("evaluate p.npz --bins 1.5", "error: --bins takes a whole number, got '1.5'"),
        ("study selective-prediction --risk much", "error: --risk takes a number, got 'much'"),
        ("study selective-prediction --risk nan", "error: --risk takes a number of at most 1, got 'nan'"),
        ("evaluate p.npz --format tabel", "error: --format takes table, markdown, latex, csv or json, got 'tabel'"),
        ("evaluate p.npz --format tabel", "help: did you mean table? see `calib evaluate --help`"),
        ("evaluate p.npz --from x", "error: --from takes logits or probs, got 'x'"),
        ("per-class", "error: missing argument 'SOURCE'\n"),
        ("per-class", "help: such as `calib per-class runs/ls05 --worst 5`; see `calib per-class --help`"),
        ("predict p.npz", "error: missing option '--output' / '-o'\n"),
        ("evaluate", "help: such as `calib evaluate --example digits-resnet8-hard`"),
        ("evaluat", "error: no such command 'evaluat'. Did you mean 'evaluate'?\n"),
        ("evaluate p.npz --bin 3", "error: no such option: --bin (Possible options: "),
        ("evaluate a.csv b.csv", "help: see `calib evaluate --help`; a pattern of files is quoted: 'logs/*.parquet'"),
        ("evaluate p.npz --fail-above ec=0.1", "help: did you mean ece? choose one of nll, brier"),
        ("evaluate p.npz --fail-above temprature.ece=0.1", "help: did you mean temperature?"),
    ],
)
def test_a_slip_is_named_with_what_was_expected_and_what_to_do(run: Run, words: str, said: str) -> None:
    refused = run(*words.split())
    assert_refused(refused)
    assert said in re.sub("`[^`]*calib ", "`calib ", refused.err)  # the program has another name under pytest


def test_an_error_does_not_end_in_a_period(run: Run) -> None:
    assert run("evaluate", "p.npz", "--bins").err.startswith("error: option '--bins' requires an argument\n")
