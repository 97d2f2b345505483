"""The command line as it is typed: help everywhere, light imports, errors in one line."""

import shlex
import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from flows import cli
from flows.cli import border, examples
from pacing_brain.errors import SettingError, UsageError

ALLOWED = {"typer", "click", "rich", "shellingham", "typing_extensions", "annotated_doc", "colorama", "pygments", "markdown_it", "mdurl", "flows"}
IMPORT = "import sys; before = set(sys.modules); import flows.cli; print('\\n'.join({name.partition('.')[0] for name in set(sys.modules) - before}))"


def commands(app: typer.Typer, *before: str) -> list[list[str]]:
    """Every command and group of an app, as it is typed."""
    own = [[*before, str(command.name or command.callback.__name__)] for command in app.registered_commands]
    return [list(before), *own, *(words for group in app.registered_groups for words in commands(group.typer_instance, *before, str(group.name)))]


GROUPS = {"", *(str(group.name) for group in cli.app.registered_groups)}


@pytest.mark.parametrize("command", commands(cli.app), ids=lambda words: " ".join(words) or "pacing")
def test_every_command_has_help(command: list[str]) -> None:
    """`--help` ends with 0 and says in a sentence what the command is for."""
    shown = CliRunner().invoke(cli.app, [*command, "--help"])
    assert shown.exit_code == 0
    assert "Usage:" in shown.output
    assert any(line.strip().endswith(".") for line in shown.output.splitlines())


@pytest.mark.parametrize("command", [words for words in commands(cli.app) if " ".join(words) not in GROUPS], ids=" ".join)
def test_every_command_shows_an_example_that_parses(command: list[str]) -> None:
    """Its help ends with a line that can be typed as it is."""
    example = shlex.split(examples.EXAMPLES[" ".join(command)])
    assert f"Example: {' '.join(example[: len(command) + 1])}" in " ".join(CliRunner().invoke(cli.app, [*command, "--help"]).output.split())
    at: Any = typer.main.get_command(cli.app)
    for word in command:
        at = at.commands[word]
    at.make_context(" ".join(command), example[len(command) + 1:])


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    """Only Typer, what it stands on, and the standard library are imported before a command is called."""
    found = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in found if name not in sys.stdlib_module_names and not name.startswith("_")} <= ALLOWED


@pytest.mark.parametrize(("error", "code"), [(UsageError("wrong use"), 2), (SettingError("PACING_POLICY is wrong"), 1), (ValueError("odd"), 1)])
def test_an_error_is_one_line_and_an_exit_code(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a command raises is one line on stderr, nothing on stdout; 2 for wrong use, 1 else."""

    def fails() -> int:
        raise error

    with pytest.raises(typer.Exit) as ended:
        border.do(fails)
    shown = capsys.readouterr()
    assert ended.value.exit_code == code
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert str(error) in shown.err


def test_an_exit_code_of_a_command_is_the_programs() -> None:
    """A command that returns 1 ends the program with 1."""
    with pytest.raises(SystemExit) as ended:
        border.do(lambda: 1)
    assert ended.value.code == 1
