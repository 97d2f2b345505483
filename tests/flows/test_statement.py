"""The statement of a month against figures worked out by hand."""

import csv
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from audit import clock, ledger
from audit.database import Database
from flows import cli
from flows.settings import Settings
from flows.wiring import open_house
from tests.flows.by_hand import AT, by_hand, sealed

LATER = AT + timedelta(days=2)


def at(fresh_database, instant):
    database = Database(fresh_database.admin)
    with database.transaction() as connection:
        clock.set_offset(connection, instant - datetime.now(UTC))
    database.close()


@pytest.fixture
def house(fresh_database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in {"PACING_HOME": tmp_path, "PACING_DATABASE_URL": fresh_database.app, "PACING_TRACKER": "nothing.csv"}.items():
        monkeypatch.setenv(name, str(value))
    with open_house(Settings.read(), record_only=True) as house:
        yield house


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_statement_of_a_month(house, fresh_database, tmp_path):
    """Planned, spent as known then and now, decisions, answers with their delay, actions, what was missed and silenced: each figure by hand."""
    at(fresh_database, AT)
    sealed(house, by_hand(house))
    asked = next(iter(one for one in house.recommendations.pending() if one.flight_id == "A150"))
    at(fresh_database, LATER)
    sealed(house, by_hand(house, LATER, {("A150", date(2026, 11, 3)): 160_000_000}))
    with house.database.transaction() as connection:
        now = clock.now(connection)
        ledger.append(connection, None, [
            ledger.Entry("recommendation_decided", asked.recommendation_id, {"flight_id": "A150", "decision": "approved", "reason": "=too much",
                                                                             "by": {"person": "os:ann", "claim": "Ann"}}),
            ledger.Entry("action_finished", asked.recommendation_id, {"flight_id": "A150", "outcome": "done", "why": "read back", "platform": "google"}),
            ledger.Entry("silence_set", "S-1", {"matcher": {"flight": "A150"}, "author": "U1", "reason": "agreed", "ends_at": "2026-11-09"}),
            ledger.Entry("run_missed", "2026-11-06T00:00Z", {})], now)
    shown = CliRunner().invoke(cli.app, ["audit", "statement", "--month", "2026-11", "--to", "out", "--json"])
    assert shown.exit_code == 0, shown.stderr
    assert (json.loads(shown.stdout)["month_is_over"], json.loads(shown.stdout)["rows"]["flights"]) == (False, 17)
    (mine,) = (row for row in rows(tmp_path / "out" / "flights.csv") if row["flight_id"] == "A150")
    # 18 of the flight's 30 days are in November. Then: 4 Nov 150 and 5 Nov 31.25 by the first run, 6 Nov 150 and 7 Nov 31.25 by the second.
    # Now: six days of 150, 10 more for the third, and 31.25.
    assert {name: mine[name] for name in ("planned", "spent_as_known_then", "spent_as_known_now", "changed_since", "off_plan")} == {
        "planned": "1800.000000", "spent_as_known_then": "362.500000", "spent_as_known_now": "941.250000", "changed_since": "578.750000",
        "off_plan": "-858.750000"}
    assert (mine["decisions"], mine["critical"], mine["halts_recommended"]) == ("2", "2", "2")
    (answer,) = (row for row in rows(tmp_path / "out" / "approvals.csv") if row["answer"] == "approved")
    assert (int(answer["delay_minutes"]) in (2880, 2881), answer["by"], answer["reason"]) == (True, "os:ann (as Ann)", "'=too much")
    (done,) = rows(tmp_path / "out" / "actions.csv")
    assert (done["outcome"], len(done["leaf"]), done["anchor"]) == ("done", 64, "")
    assert [row["when"] for row in rows(tmp_path / "out" / "missed.csv")] == ["2026-11-06T00:00Z", "2026-11-01", "2026-11-02", "2026-11-03"]
    (silenced,) = rows(tmp_path / "out" / "silenced.csv")
    assert (silenced["covers"], silenced["off_plan"], silenced["currency"]) == ("flight=A150", "858.750000", "GBP")
    assert load_workbook(tmp_path / "out" / "statement-2026-11.xlsx").sheetnames == [
        "Flights", "Approvals", "Actions", "Outside the plan", "Missed", "Silenced"]
    assert CliRunner().invoke(cli.app, ["audit", "statement", "--month", "2026-13"]).exit_code == 2
    assert CliRunner().invoke(cli.app, ["audit", "statement", "--month", "2025-01"]).exit_code == 1
