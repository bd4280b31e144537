"""Help and completion as a newcomer meets them: an example a command, whole lines at 80 columns, no names of types."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from typer.main import get_command

from calib.cli import app

from .conftest import Run


def commands() -> dict[str, Any]:
    """Every command by its words, those below `study` and `data` too."""
    found: dict[str, Any] = {}
    waiting: list[tuple[tuple[str, ...], Any]] = [((), get_command(app))]
    while waiting:
        words, command = waiting.pop()
        inner = getattr(command, "commands", None)
        if inner is None:
            found[" ".join(words)] = command
        else:
            waiting += [((*words, name), each) for name, each in inner.items()]
    return found


COMMANDS = commands()


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_the_example_of_a_command_names_options_that_it_has(words: str) -> None:
    _, found, example = COMMANDS[words].help.partition("Example: ")
    assert found, "no example"
    example = " ".join(example.split())
    assert example.startswith(f"calib {words}")
    options = {name for parameter in COMMANDS[words].params for name in parameter.opts if name.startswith("-")}
    assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", example)) <= options


@pytest.mark.parametrize("words", sorted(COMMANDS))
@pytest.mark.parametrize("columns", ["80", "50"])
def test_help_fits_the_terminal_and_shows_values_not_types(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: str, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    shown = run(*words.split(), "--help")
    assert shown.code == 0
    options = shown.out.partition("\nOptions:\n")[2]
    assert not re.search(r"--[a-z-]+ <(int|str|path|float|list)", options)
    lines = [line for line in shown.out.splitlines()[1:] if len(line) > int(columns)]  # below the usage
    assert all("<table|markdown|latex|csv|json>" in line for line in lines), lines


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_every_option_is_listed_once_and_a_group_has_several(run: Run, words: str) -> None:
    """What is left without a group, and the only option of one, are among the options."""
    shown = run(*words.split(), "-h").out
    sections = dict(re.findall(r"^(\w[^\n]*):\n((?:  [^\n]*\n)+)", shown, re.MULTILINE))
    sections.pop("Arguments", None)
    options = {name: re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.MULTILINE) for name, text in sections.items()}
    known = {max(p.opts, key=len) for p in COMMANDS[words].params if p.param_type_name == "option"}
    assert sorted(option for group in options.values() for option in group) == sorted({*known, "--help"})
    assert next(iter(options)) == "Options"
    assert all(len(group) > 1 for name, group in options.items() if name != "Options")


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_arguments_are_named_without_types_or_braces(run: Run, words: str) -> None:
    shown = run(*words.split(), "--help").out
    usage, _, rest = shown.partition("\n\n")
    assert not set("{}<>") & set(usage)
    arguments = rest.partition("\nArguments:\n")[2].partition("\nOptions:\n")[0]
    assert "<" not in arguments
    assert "default: (" not in shown


@pytest.mark.parametrize("group", [(), ("study",), ("data",)])
def test_no_line_of_the_list_of_commands_is_cut(run: Run, monkeypatch: pytest.MonkeyPatch, group: tuple[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert "..." not in run(*group, "--help").out.partition("\nCommands:\n")[2]


def test_an_option_says_the_same_wherever_it_means_the_same() -> None:
    shared = (
        "--data-dir",
        "--device",
        "--threads",
        "--format",
        "--bins",
        "--force",
        "--calibration",
        "--from",
        "--std",
    )
    for option in (*shared, "--workers"):
        parameters = [p for command in COMMANDS.values() for p in command.params if option in p.opts]
        assert len(parameters) > 1
        assert len({(parameter.help, parameter.metavar) for parameter in parameters}) == 1, option


def completed(*words: str, last: str) -> str:
    """What bash is offered after ``words`` for a word that begins with ``last``."""
    environment = {
        **os.environ,
        "_CALIB_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(("calib", *words, last)),
        "COMP_CWORD": str(len(words) + 1),
    }
    code = "import sys; sys.argv = ['calib']; from calib.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    return done.stdout


def test_commands_and_options_are_completed() -> None:
    assert completed(last="eva").split() == ["evaluate"]
    assert set(completed(last="comp").split()) == {"compare", "compare-calibrators"}
    assert completed("study", last="two").split() == ["two-routes"]
    assert completed("evaluate", last="--fail").split() == ["--fail-above"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_names_calib(shell: str) -> None:
    code = "import sys; sys.argv = ['calib']; from calib.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "_CALIB_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "_CALIB_COMPLETE" in done.stdout
    assert "calib" in done.stdout.replace("_CALIB_COMPLETE", "")
