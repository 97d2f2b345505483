"""What `pacing init` writes can be used as it stands, and nothing that is there is overwritten."""

import csv
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from connectors.tracker import read_tracker
from connectors.tracker_columns import SYNONYMS
from flows.doctor.slack import ANSWERED, SCOPES
from flows.commands.init import FILES, write
from flows.settings import Settings
from pacing_brain.errors import UsageError
from pacing_brain.policy import Policy

PACING = str(Path(sys.executable).with_name("pacing"))
COMMENTED = re.compile(r"^#(?=[a-z_]+ = |\[)", re.MULTILINE)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    assert all(fresh for _, fresh in write(tmp_path / "agency"))
    return tmp_path / "agency"


def test_the_command_writes_all_and_overwrites_nothing(tmp_path: Path) -> None:
    """The first call writes five files; the second leaves a changed one alone, writes a missing one, and names both."""
    folder = tmp_path / "agency"
    first = subprocess.run([PACING, "init", str(folder)], capture_output=True, text=True, check=True)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES.values())
    assert all(name in first.stdout for name in FILES.values())
    (folder / "policy.toml").write_text("mine", encoding="utf-8")
    (folder / ".env.example").unlink()
    second = subprocess.run([PACING, "init", str(folder)], capture_output=True, text=True, check=True)
    assert (folder / "policy.toml").read_text(encoding="utf-8") == "mine"
    assert "left alone  policy.toml" in second.stdout
    assert "written     .env.example" in second.stdout


def test_a_folder_that_cannot_be_made_is_wrong_usage(tmp_path: Path) -> None:
    """A file in place of the folder is one line and exit 2."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write to"):
        dict(write(tmp_path / "file"))
    done = subprocess.run([PACING, "init", str(tmp_path / "file")], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


class TestPolicyFile:
    def test_it_observes_and_is_the_default_else(self, written: Path) -> None:
        """As written it parses, observes, and differs from the defaults in nothing else."""
        policy = Policy.load(written / "policy.toml")
        assert policy.mode == "observe"
        assert policy.model_dump() | {"mode": "recommend"} == Policy().model_dump()

    def test_its_comments_are_the_defaults(self, written: Path) -> None:
        """With every commented key uncommented it still equals the defaults."""
        text = (written / "policy.toml").read_text(encoding="utf-8")
        policy = Policy.parse(COMMENTED.sub("", text))
        assert policy.model_dump() | {"mode": "recommend"} == Policy().model_dump()

    def test_every_key_stands_in_it(self, written: Path) -> None:
        """Each key of each table is there, commented or not."""
        import tomllib

        given = tomllib.loads(COMMENTED.sub("", (written / "policy.toml").read_text(encoding="utf-8")))
        for name, value in Policy().model_dump().items():
            assert name in given
            assert not isinstance(value, dict) or set(given[name]) == set(value)

    def test_every_key_is_explained(self, written: Path) -> None:
        """Before each key, or the group it opens, stands a sentence."""
        lines = (written / "policy.toml").read_text(encoding="utf-8").splitlines()
        for before, line in pairwise(lines):
            if re.match(r"#?[a-z_]+ = |#?\[", line):
                assert before.startswith("#"), line

    def test_its_examples_are_valid(self, written: Path) -> None:
        """The examples of routes and scopes can be uncommented too."""
        text = (written / "policy.toml").read_text(encoding="utf-8")
        policy = Policy.parse(re.sub(r"^#   ", "", text, flags=re.MULTILINE))
        assert set(policy.scope) == {"client=acme", "account=123-456-7890"}
        assert policy.routes["client=acme"].channel == "C0123456789"


class TestEnvironmentFile:
    def test_it_lists_exactly_the_settings(self, written: Path) -> None:
        """Every setting of this version once, commented, and no other."""
        names = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (written / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
        assert sorted(names) == sorted(field.alias or name for name, field in Settings.model_fields.items())

    def test_as_it_stands_it_sets_nothing(self, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Copied to .env untouched it changes no setting."""
        assert re.findall(r"^[^#\s]", (written / ".env.example").read_text(encoding="utf-8"), re.MULTILINE) == []
        monkeypatch.chdir(written)
        assert Settings(_env_file=".env.example") == Settings(_env_file=None)  # type: ignore[call-arg]

    def test_uncommented_it_can_be_read(self, written: Path) -> None:
        """With every line uncommented and the token filled in no setting is malformed."""
        text = re.sub(r"^#(?=[A-Z])", "", (written / ".env.example").read_text(encoding="utf-8"), flags=re.MULTILINE)
        path = written / ".env"
        path.write_text(text, encoding="utf-8")
        assert Settings.examined(_env_file=path)[1] == []


def test_the_tracker_template_is_a_plan(written: Path) -> None:
    """It has every supported column, and its rows are read without quarantine, whenever that is."""
    path = written / "tracker-template.csv"
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    assert sorted(header) == sorted(SYNONYMS)
    for years in (0, 3):
        read = read_tracker(str(path), as_of=datetime.now(UTC) + timedelta(days=365 * years), policy=Policy())
        assert (len(read.targets), read.quarantined) == (2, ())


def test_the_slack_app_asks_for_what_is_needed_and_no_more(written: Path) -> None:
    """The manifest's scopes are those that the doctor looks for."""
    manifest = yaml.safe_load((written / "slack-manifest.yaml").read_text(encoding="utf-8"))
    assert manifest["oauth_config"]["scopes"] == {"bot": [*SCOPES, *ANSWERED]}
    assert manifest["features"]["bot_user"]["display_name"] == "Pacing"
    assert not manifest["settings"]["token_rotation_enabled"]


def test_the_snowflake_script_grants_reading_only(written: Path) -> None:
    """Every grant to the role is USAGE or SELECT, on a warehouse, a database, a schema and views; the user logs in with a key."""
    script = re.sub(r"--.*", "", (written / "snowflake-grants.sql").read_text(encoding="utf-8"))
    grants = re.findall(r"GRANT (.*?) TO ROLE PACING_READER", script)
    assert {grant.split()[0] for grant in grants} == {"USAGE", "SELECT"}
    assert all("VIEWS" in grant for grant in grants if grant.startswith("SELECT"))
    for wanted in ("TYPE = SERVICE", "RSA_PUBLIC_KEY", "WAREHOUSE_SIZE = XSMALL", "RESOURCE MONITOR", "DO SUSPEND"):
        assert wanted in script
    assert "PASSWORD" not in script


def test_the_wheel_carries_the_templates(tmp_path: Path) -> None:
    """A built wheel holds every template, so that an installed program finds them."""
    import zipfile

    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=root, capture_output=True, check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        assert {f"flows/templates/{name}" for name in FILES} <= set(wheel.namelist())
