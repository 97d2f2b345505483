"""The documents say what the code says: keys, settings, commands, errors, links."""

import inspect
import re
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.main import get_command

from flows.cli import app
from flows.doctor.slack import SCOPES
from flows.runbook import runbook
from flows.settings import Settings
from pacing_brain import errors
from pacing_brain.policy import BUILT_IN_SCOPES, SCOPE_ORDER, SCOPED, Policy

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ROW = re.compile(r"^\| `([^`]+)` \| (.*) \|$", re.MULTILINE)


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """What stands under a second-level heading."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """First cell -> the other cells."""
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in ROW.findall(text)}


def keys(policy: Policy) -> dict[str, object]:
    """Every key of the policy, `table.key`, with its default."""
    found: dict[str, object] = {}
    for name in Policy.model_fields:
        value = getattr(policy, name)
        found |= {f"{name}.{key}": getattr(value, key) for key in type(value).model_fields} if isinstance(value, BaseModel) else {name: value}
    return found


def shown(value: object) -> str:
    """How a default begins on the page."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


class TestPolicy:
    def test_every_key_and_no_other(self) -> None:
        """docs/policy.md has a row for each key of the model, in its order."""
        assert list(rows(section(document("policy.md"), "Keys"))) == list(keys(Policy()))

    def test_every_default(self) -> None:
        """Each row shows the model's default."""
        told = rows(section(document("policy.md"), "Keys"))
        wrong = {key: (value, told[key][1]) for key, value in keys(Policy()).items()
                 if not isinstance(value, dict | tuple) and not told[key][1].startswith(shown(value))}
        assert wrong == {}

    def test_the_built_in_scopes(self) -> None:
        """What differs by platform out of the box stands in the rows of its keys."""
        told = rows(section(document("policy.md"), "Keys"))
        for selector, tables in BUILT_IN_SCOPES.items():
            platform = selector.partition("=")[2]
            for table, values in tables.items():
                for key, value in values.items():
                    cell = told[f"{table}.{key}"][1]
                    assert str(value) in cell.partition("(")[2], (platform, key)
                    assert platform in cell

    def test_the_order_of_scopes(self) -> None:
        """The order in which scopes win, and the tables that can be scoped, are those of the model."""
        text = section(document("policy.md"), "Scopes")
        assert " < ".join(SCOPE_ORDER) in text
        assert ", ".join(f"`{name}`" for name in SCOPED) in text

    def test_the_examples_are_policies(self) -> None:
        """Every example parses."""
        for example in re.findall(r"```toml\n(.*?)```", document("policy.md"), re.DOTALL):
            Policy.parse(example)


def settings_names() -> set[str]:
    return {field.alias or name for name, field in Settings.model_fields.items()}


class TestOperations:
    def test_the_settings(self) -> None:
        """docs/operations.md lists exactly the settings that are read."""
        assert set(rows(section(document("operations.md"), "Settings"))) == settings_names()

    def test_the_runbook_is_current(self) -> None:
        """docs/runbook.md is what `python -m flows.runbook` writes from the docstrings, and each of our errors is in it with its next step."""
        assert document("runbook.md") == runbook()
        classes = {name for name, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.PacingError)}
        told = rows(document("runbook.md"))
        assert set(told) == classes
        assert all(len(cells) == 2 and all(cells) for cells in told.values())

    def test_what_is_deployed(self) -> None:
        """The deployments that the page names are those of prefect.yaml, with the same schedule."""
        import yaml

        deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
        text = document("operations.md")
        for one in deployed:
            assert f"`{one['name']}`" in text
        assert deployed[0]["schedules"][0]["cron"] in text
        assert f"--pool {deployed[0]['work_pool']['name']}" in text


def commands() -> dict[str, list[str]]:
    """Command -> its options."""
    found: dict[str, list[str]] = {}

    def walk(command: object, path: list[str]) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found[" ".join(path)] = [option for parameter in command.params if parameter.param_type_name == "option"
                                     for option in (*parameter.opts, *parameter.secondary_opts)]  # type: ignore[attr-defined]
            return
        for name, each in inner.items():
            walk(each, [*path, name])

    walk(get_command(app), ["pacing"])
    return found


class TestCommands:
    def test_every_command_has_its_section_and_its_options(self) -> None:
        """docs/cli.md has a section for each command of the program and none else, naming each option and none else."""
        sections = {part.partition("\n")[0].strip(): part for part in document("cli.md").split("\n## ")[1:]}
        told = {name: sorted(set(re.findall(r"--[a-z][a-z-]*", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))) for name, text in sections.items()}
        assert told == {name: sorted(options) for name, options in commands().items()}

    def test_every_command_in_the_overview(self) -> None:
        """The table at its head links every section."""
        assert set(re.findall(r"\[`(pacing [a-z -]+)`\]", document("cli.md"))) == set(commands())

    @pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.name != "CHANGELOG.md"], ids=lambda path: str(path.relative_to(ROOT)))
    def test_no_document_names_a_command_that_is_not_there(self, path: Path) -> None:
        """Every `pacing ...` of a document is a command of the program."""
        known = set(commands())
        groups = {" ".join(name.split()[:2]) for name in known}
        for line in re.findall(r"`pacing ([a-z]+(?: [a-z]+)?)", path.read_text(encoding="utf-8")):
            words = line.split()
            assert f"pacing {line}" in known or f"pacing {words[0]}" in known or (len(words) == 1 and f"pacing {line}" in groups), line


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Every link to a file of the repository has its file, and every anchor of the page its heading."""
    text = path.read_text(encoding="utf-8")
    headings = {re.sub(r"[^\w\- ]", "", line).strip().replace(" ", "-").lower() for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings
        elif "://" not in target:
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_the_scopes_of_slack() -> None:
    """docs/slack.md names exactly the scopes that the doctor asks for."""
    assert list(rows(section(document("slack.md"), "Scopes"))) == list(SCOPES)


def test_the_columns_of_spend() -> None:
    """docs/snowflake.md names every required and every optional column."""
    from connectors.campaign_spend import REQUIRED
    from connectors.spend_read import OPTIONAL

    text = section(document("snowflake.md"), "The source: `campaign_spend` (default)")
    assert set(rows(text)) == {*REQUIRED, "SPEND"}
    assert [name for name in OPTIONAL if f"`{name}`" not in text] == []
