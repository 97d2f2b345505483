"""What the commands show of a real record: one live run of the sample agency, then looking at it from every side."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flows import views
from flows.commands import audit, explain, policy, run, warehouse
from flows.local import Local
from flows.views.explain import explanation_report
from pacing_brain.errors import DataError, RunError, SettingError, UsageError

CONTRACT = {"run_id", "window", "as_of", "policy_digest", "campaigns", "by_severity", "by_action", "quarantined", "unmatched_targets", "untracked",
            "mode", "already_sealed", "days", "spend_micros", "alerts_queued", "recommendations_opened", "checkpoint", "seconds"}
Shown = Callable[..., tuple[int, str]]


def pacing(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PACING_", "SLACK_", "SNOWFLAKE_", "PREFECT_"))}
    return subprocess.run([str(Path(sys.executable).with_name("pacing")), *words], capture_output=True, text=True, check=False, cwd=home.parent,
                          env=environment | {"PACING_HOME": str(home), "COLUMNS": "110"}, timeout=280)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="pacing-commands-"))
    with Local(directory / "home"):  # held, so that each command finds its servers running
        yield directory / "home"
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def summary(home: Path) -> Any:
    """What `pacing run --json` printed of the first run."""
    done = pacing(home, "run", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.fixture
def shown(home: Path, summary: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    """Calls a command on the record; gives its exit code and what it wrote."""
    for name in list(os.environ):
        if name.startswith(("PACING_", "SLACK_", "SNOWFLAKE_", "PREFECT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PACING_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "110")

    def call(command: Callable[..., int], *args: Any, **options: Any) -> tuple[int, str]:
        code = command(*args, **options)
        return code, capsys.readouterr().out

    return call


class TestRun:
    def test_json_is_one_object_with_the_contracts_keys(self, summary: Any) -> None:
        """Nothing but the object is on stdout, no card and no log line, and each currency's parts add up."""
        assert set(summary) >= CONTRACT
        assert (summary["mode"], summary["already_sealed"]) == ("live", False)
        for parts in summary["spend_micros"].values():
            assert sum(micros for name, micros in parts.items() if name != "total") == parts["total"]

    def test_a_sealed_window_shows_what_it_found(self, home: Path, summary: Any) -> None:
        """The second start of a window does nothing again, and says so; tables, sums and the next step are there."""
        window = summary["as_of"]
        done = pacing(home, "run", "--as-of", window)
        assert (done.returncode, done.stderr) == (0, "")
        for words in (summary["run_id"], "sealed before", "Decisions", "the warehouse's own total", "equal to the micro", "03/04/2026",
                      "Incidents opened", "pacing status"):
            assert words in done.stdout

    def test_a_rehearsal_says_that_nothing_was_sent(self, home: Path, summary: Any) -> None:
        """Another policy than the one in force makes a rehearsal: decided and shown, no message, no incident."""
        (home.parent / "strict.toml").write_text("[variance]\nwarning_pct = 5.0\n")
        done = pacing(home, "run", "--as-of", summary["as_of"], "--policy", "strict.toml")
        assert done.returncode == 0
        assert "A rehearsal: nothing was sent" in done.stdout
        assert "Incidents opened" not in done.stdout
        assert "--run" in done.stdout

    def test_a_plan_that_cannot_be_read_is_told_before_anything_starts(self, tmp_path: Path) -> None:
        """In an empty home the first run looks at a plan file first: one line, and no server was made for it."""
        (tmp_path / "plan.csv").write_text("Media plan Q4\n\nKampagne,Plattform,Budget,Beginn,Ende,Währung\nA,Google Ads,100,2026-11-01,2026-11-30,EUR\n")
        (tmp_path / ".env").write_text("PACING_TRACKER=plan.csv\n")
        done = pacing(tmp_path / "home", "run")  # it runs in the folder around its home
        assert (done.returncode, done.stdout) == (1, "")
        assert "Row 3 looks like the header" in done.stderr
        assert not (tmp_path / "home" / "postgres").exists()

    def test_as_of_without_a_zone_is_utc_and_said(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A naive instant is taken as UTC, with a line on stderr."""
        assert run.read_as_of("2026-11-05T08:00").isoformat() == "2026-11-05T08:00:00+00:00"
        assert "taken as UTC" in capsys.readouterr().err
        assert run.read_as_of("2026-11-05T09:00+01:00").isoformat() == "2026-11-05T08:00:00+00:00"

    @pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "0001-01-01T00:00:00+14:00", "1999-12-31", "9999-01-01"])
    def test_as_of_that_is_no_instant_is_wrong_use(self, text: str) -> None:
        """What is no instant of this century or the next is refused, and how to write one is said."""
        with pytest.raises(UsageError, match="--as-of"):
            run.read_as_of(text)


class TestStatus:
    def test_everything_that_stands_is_there(self, shown: Shown, summary: Any) -> None:
        """The last run, lanes, incidents worst first, what awaits an answer, the outbox and the quarantine."""
        code, out = shown(run.status, as_json=True)
        found = json.loads(out)
        assert (code, found["run"]["run_id"], found["run"]["completeness"]) == (0, summary["run_id"], "complete")
        assert found["by_lane"] == summary["by_lane"]
        assert found["outbox"] == {"pending": 0, "leased": 0, "delivered": summary["alerts_queued"], "dead": 0}
        assert len(found["quarantined"]) == summary["quarantined"]
        assert len(found["recommendations"]) == summary["recommendations_opened"]
        assert [one["severity"] for one in found["incidents"]] == sorted((one["severity"] for one in found["incidents"]), key=views.RANK.get)
        assert found["missed_windows"] == []

    def test_people_read_it_in_their_words(self, shown: Shown) -> None:
        """Lanes in words, incidents with their money, and what waits."""
        code, out = shown(run.status, as_json=False)
        assert code == 0
        for words in ("need a person", "Open incidents", "Pauses that await an answer", "0 to be sent", "missed windows", "none"):
            assert words in out

    def test_before_the_first_run_it_says_what_to_do_and_makes_nothing(self, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Looking at an empty home starts no server and leaves the home as it was."""
        monkeypatch.setenv("PACING_HOME", str(tmp_path / "new"))
        code, out = shown(run.status, as_json=False)
        assert (code, "Nothing has run" in out, "pacing demo" in out) == (0, True, True)
        assert json.loads(shown(run.status, as_json=True)[1])["run"] is None
        assert not (tmp_path / "new").exists()
        with pytest.raises(RunError, match="nothing has run"):
            shown(explain.explain, "x", run_id=None, as_json=False)


class TestExplain:
    @pytest.mark.parametrize("asked", ["HAL-UK-005", "hal-uk-005", "Halden_UK_Search_Boots"])
    def test_a_campaign_is_found_by_flight_and_by_name(self, shown: Shown, asked: str) -> None:
        """A flight id or a whole name, in any case of letters, leads to the same decision, also where the name begins others."""
        code, out = shown(explain.explain, asked, run_id=None, as_json=True)
        known = json.loads(out)
        assert (code, known["decision"]["flight_id"]) == (0, "HAL-UK-005")
        parts = [micros for name, micros in known["bridge"].items() if name.endswith("_micros")]
        assert sum(parts) == known["decision"]["actual_micros"] - known["decision"]["target_micros"]
        assert known["history"][0]["seq"] == known["ledger"]["seq"]
        assert known["incident"]["flights"] == ["HAL-UK-005"]
        assert known["recommendation"]["status"] == "pending"

    def test_its_chart_is_written_as_a_picture(self, shown: Shown, tmp_path: Path) -> None:
        """As PNG or SVG by the file's name; another name, and a folder that is not there, are wrong use."""
        for name, start in (("c.png", b"\x89PNG"), ("c.SVG", b"<svg xmlns")):
            code, _ = shown(explain.explain, "HAL-UK-005", run_id=None, chart=tmp_path / name, as_json=True)
            assert (code, (tmp_path / name).read_bytes()[: len(start)]) == (0, start)
        for name, fault in (("c.jpg", "neither .png nor .svg"), ("none/c.png", "cannot be written")):
            with pytest.raises(UsageError, match=fault):
                shown(explain.explain, "HAL-UK-005", run_id=None, chart=tmp_path / name, as_json=True)

    def test_a_campaign_is_found_by_its_id(self, shown: Shown) -> None:
        """The platform's id will do, as text."""
        known = json.loads(shown(explain.explain, "HAL-UK-005", run_id=None, as_json=True)[1])
        by_id = json.loads(shown(explain.explain, known["decision"]["campaign_id"], run_id=None, as_json=True)[1])
        assert by_id == known

    def test_a_part_of_a_name_will_do_when_it_is_one_campaigns(self, shown: Shown) -> None:
        """A part that only one name has is enough."""
        known = json.loads(shown(explain.explain, "winterboots", run_id=None, as_json=True)[1])
        assert known["decision"]["campaign_name"] == "Halden_UK_Shopping_Winterboots_Classics"

    def test_of_the_flights_of_one_campaign_the_present_one_is_meant(self, shown: Shown) -> None:
        """An always-on campaign with monthly flights is explained by the month that is on."""
        known = json.loads(shown(explain.explain, "Kestrel_US_Search_Brand", run_id=None, as_json=True)[1])
        assert known["decision"]["phase"] in ("early", "live")

    def test_several_are_listed_and_none_brings_the_near_ones(self, shown: Shown) -> None:
        """A part that fits several names lists them; a name that is misspelt finds its like; neither is a success."""
        code, out = shown(explain.explain, "halden_uk", run_id=None, as_json=False)
        assert (code, "flights fit" in out, "HAL-UK-005" in out) == (1, True, True)
        code, out = shown(explain.explain, "Halden_UK_Serch_Bots", run_id=None, as_json=True)
        assert code == 1
        assert "HAL-UK-005" in [one["flight_id"] for one in json.loads(out)["near"]]

    def test_a_run_that_is_not_on_the_record_is_named(self, shown: Shown) -> None:
        """An unknown run is one line that names it."""
        with pytest.raises(RunError, match="no sealed run nonsense"):
            shown(explain.explain, "x", run_id="nonsense", as_json=False)

    def test_outside_strings_cannot_steer_the_terminal(self, shown: Shown, capsys: pytest.CaptureFixture[str]) -> None:
        """Escape sequences, line breaks and direction marks in any text of a decision are gone from what is shown."""
        known = json.loads(shown(explain.explain, "HAL-UK-005", run_id=None, as_json=True)[1])
        views.show(explanation_report(_hostile(known)))
        out = capsys.readouterr().out
        assert "EVIL" in out
        assert not set(out) & set("\x1b\x07\x9b\u202e\u2066\r")


def _hostile(value: Any, name: str = "") -> Any:
    """The same, with every text that could come from outside made malicious."""
    if isinstance(value, dict):
        return {key: _hostile(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hostile(inner, name) for inner in value]
    outside = name in ("campaign_name", "client", "owner", "evidence", "reasons", "root_cause", "mitigation", "headline", "flight_id", "campaign_id",
                       "platform_campaign_id", "account_id", "currency", "rows", "platform")
    return f"EVIL\x1b[31m\x9b2J\u202e\u2066\r\n{value}" if outside and isinstance(value, str) else value


class TestAudit:
    def test_show_is_the_newest_entries_in_order(self, shown: Shown, summary: Any) -> None:
        """The last of a kind, a run or a subject, oldest of them first, with the ledger's size and root."""
        known = json.loads(shown(audit.audit_show, kind="campaign_decided", subject=None, run_id=summary["run_id"], last=3, as_json=True)[1])
        assert [one["kind"] for one in known["entries"]] == ["campaign_decided"] * 3
        assert [one["seq"] for one in known["entries"]] == sorted(one["seq"] for one in known["entries"])
        code, out = shown(audit.audit_show, kind=None, subject="HAL-UK-005", run_id=None, last=20, as_json=False)
        assert (code, "campaign_decided" in out, known["root"] in out) == (0, True, True)

    def test_an_unknown_kind_is_wrong_use(self, shown: Shown) -> None:
        """A kind that no entry can have is refused with those there are."""
        with pytest.raises(UsageError, match="run_sealed"):
            shown(audit.audit_show, kind="nonsense", subject=None, run_id=None, last=20, as_json=False)

    def test_an_export_holds_the_bytes_that_were_hashed(self, shown: Shown, tmp_path: Path) -> None:
        """Every line's leaf is the hash of its body; a second export into the same folder is refused."""
        written = json.loads(shown(audit.audit_export, to=tmp_path / "out", as_json=True)[1])
        lines = [json.loads(line) for line in (tmp_path / "out" / "entries.jsonl").read_text(encoding="utf-8").splitlines()]
        assert len(lines) == written["size"]
        assert all(hashlib.sha256(b"\0" + line["body"].encode()).hexdigest() == line["leaf"] for line in lines)
        with pytest.raises(UsageError, match="not an empty folder"):
            shown(audit.audit_export, to=tmp_path / "out", as_json=True)


class TestPolicy:
    def test_differences_and_winners_are_named_key_by_key(self, shown: Shown, tmp_path: Path) -> None:
        """A changed key stands with both values; for a campaign each key names the scope that won."""
        file = tmp_path / "policy.toml"
        file.write_text('[variance]\nwarning_pct = 8.0\n[scope."client=Halden Outdoor"]\nvariance = { critical_pct = 40.0 }\n')
        code, out = shown(policy.policy_check, file=file, campaign="HAL-UK-005", as_json=True)
        known = json.loads(out)
        assert (code, known["valid"]) == (0, True)
        assert {"key": "variance.warning_pct", "before": 10.0, "after": 8.0} in known["differs"]
        won = {one["key"]: (one["value"], one["scope"]) for one in known["campaign"]["keys"]}
        assert won["variance.critical_pct"] == (40.0, "client=Halden Outdoor")
        assert won["variance.warning_pct"] == (8.0, "policy")
        assert won["freshness.grain"] == ("hourly", "platform=google")
        assert "client=Halden Outdoor" in shown(policy.policy_check, file=file, campaign="HAL-UK-005", as_json=False)[1]

    def test_the_policy_in_force_is_held_against_the_last_run(self, shown: Shown, summary: Any) -> None:
        """Without a file nothing differs from what the last run decided by."""
        known = json.loads(shown(policy.policy_check, file=None, campaign=None, as_json=True)[1])
        assert (known["digest"], known["differs"]) == (summary["policy_digest"], [])
        assert summary["run_id"] in known["compared_with"]

    def test_an_invalid_policy_names_the_key(self, shown: Shown, tmp_path: Path) -> None:
        """An unknown key is named, and the exit code is 1."""
        file = tmp_path / "policy.toml"
        file.write_text("[variance]\nwarnign_pct = 8.0\n")
        code, out = shown(policy.policy_check, file=file, campaign=None, as_json=True)
        assert (code, json.loads(out)["valid"]) == (1, False)
        assert "variance.warnign_pct" in json.loads(out)["error"]


class TestWarehouse:
    HEAD = "PLATFORM,ACCOUNT_ID,CAMPAIGN_ID,CAMPAIGN_NAME,CURRENCY,DAY,SPEND,LOADED_AT"

    def test_a_csv_is_loaded_to_the_micro(self, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What `info` adds up is what the file holds; without a tracker it is said what a run would do to it."""
        monkeypatch.setenv("PACING_HOME", str(tmp_path / "home"))
        amounts = ["0.000001", "12345678.123457", "-3.5", "99.99"]
        rows = [f"google,1,0{number},C{number},USD,2026-11-0{number + 1},{amount},2026-11-05T06:00:00Z" for number, amount in enumerate(amounts)]
        (tmp_path / "s.csv").write_text("\n".join([self.HEAD, *rows]))
        (tmp_path / "l.csv").write_text("ACCOUNT_ID,LOADED_AT\n1,2026-11-05T07:00:00Z\n")
        code, out = shown(warehouse.warehouse_load, csv=tmp_path / "s.csv", loads=tmp_path / "l.csv", as_json=False)
        assert (code, "PACING_TRACKER is not set" in out) == (0, True)
        known = json.loads(shown(warehouse.warehouse_info, as_json=True)[1])
        assert known["campaign_spend"][0]["spend_micros"] == sum(int(Decimal(amount) * 1_000_000) for amount in amounts)
        assert known["campaign_spend"][0]["campaigns"] == 4
        assert (known["campaign_spend"][0]["last_load"], known["account_loads"]["newest"]) == ("2026-11-05T06:00:00+00:00", "2026-11-05T07:00:00+00:00")

    def test_bad_columns_and_files_are_refused(self, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A column at fault, a file that is not there, a real Snowflake: each is one line, and nothing is started."""
        monkeypatch.setenv("PACING_HOME", str(tmp_path / "home"))
        (tmp_path / "s.csv").write_text(self.HEAD.replace(",SPEND", "") + "\n")
        with pytest.raises(DataError, match="column SPEND is missing"):
            shown(warehouse.warehouse_load, csv=tmp_path / "s.csv", loads=None, as_json=False)
        with pytest.raises(UsageError, match="cannot be read"):
            shown(warehouse.warehouse_load, csv=tmp_path / "none.csv", loads=None, as_json=False)
        monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "acme")
        with pytest.raises(SettingError, match="SNOWFLAKE_ACCOUNT"):
            shown(warehouse.warehouse_info, as_json=False)
        assert not (tmp_path / "home").exists()
