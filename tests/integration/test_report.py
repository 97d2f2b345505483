"""The report of a real run, from the record: written by the run, written again by the command, of one client alone."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.commands import report
from flows.local import Local
from flows.run_pacing import Request, run_window
from flows.settings import Settings
from pacing_brain.errors import RunError, SettingError


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="pacing-report-"))
    with Local(directory / "home"):
        yield directory / "home"
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def summary(home: Path) -> Any:
    return run_window(Settings.read(PACING_HOME=home, PACING_CONSOLE="none", _env_file=None), Request())


@pytest.fixture(autouse=True)
def ours(home: Path, summary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("PACING_", "SLACK_", "SNOWFLAKE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PACING_HOME", str(home))


def test_a_run_writes_its_report(home: Path, summary: Any) -> None:
    """After the seal the three files are there, the page is named in the summary, and its parts are those of the record."""
    folder = home / "reports" / summary["run_id"]
    assert Path(summary["report"]) == folder / "report.html"
    assert sorted(path.name for path in folder.iterdir()) == ["report.csv", "report.html", "report.xlsx"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "in every currency, to the micro" in page
    assert "another version of this program" not in page


def test_the_command_writes_the_same_page_again(home: Path, summary: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the record alone, byte by byte."""
    assert report.report(run_id=summary["run_id"], client=None, to=tmp_path / "again", as_json=True) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    for name in ("report.html", "report.csv"):
        assert Path(files[name]).read_bytes() == (home / "reports" / summary["run_id"] / name).read_bytes()


def test_one_client_has_a_folder_of_its_own(home: Path, summary: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """It holds no other client's name, and the whole report is left as it is."""
    assert report.report(run_id=None, client="halden outdoor", to=None, as_json=True) == 0
    path = Path(json.loads(capsys.readouterr().out)["files"]["report.html"])
    assert path.parent.parent == home / "reports" / summary["run_id"] / "clients"
    said = path.read_text(encoding="utf-8")
    assert "Halden Outdoor" in said
    assert not [name for name in ("Kestrel", "Mirelle", "Brightwater", "Lantern") if name in said]


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A folder that is a file, an unknown run and an unknown client each say the next step."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="--to"):
        report.report(run_id=None, client=None, to=tmp_path / "file", as_json=False)
    with pytest.raises(RunError, match="audit show"):
        report.report(run_id="nope", client=None, to=None, as_json=False)
    with pytest.raises(RunError, match="without --client"):
        report.report(run_id=None, client="nope", to=None, as_json=False)
