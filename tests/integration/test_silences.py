"""Silences: set, listed and ended on the command line and by the clock, each said on the ledger in the same transaction."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from audit import clock, ledger
from audit.database import Database
from audit.identity import system_user
from audit.silences import Silences
from flows import cli
from pacing_brain.errors import DatabaseRefused, UsageError


def pacing(*words):
    return CliRunner().invoke(cli.app, ["silence", *(str(word) for word in words)])


def said(database):
    with database.transaction() as connection:
        return [(entry.kind, entry.subject, entry.content) for entry in ledger.read(connection, kinds=["silence_set", "silence_ended"])]


def test_a_silence_from_beginning_to_end(database):
    """Set, listed, ended: by whom and why stands on the ledger, with the user of the operating system beside the claim."""
    until = f"{datetime.now(UTC) + timedelta(days=7):%Y-%m-%dT%H:%MZ}"
    made = pacing("set", "client=Acme", "problem=over", "--as", "U0BUYERUK", "--reason", "agreed by phone", "--until", until, "--json")
    assert made.exit_code == 0, made.output
    silence = json.loads(made.stdout)
    assert json.loads(pacing("list", "--json").stdout)["silences"][0]["silence_id"] == silence["silence_id"]
    assert "agreed by phone" in pacing("list").stdout
    assert pacing("end", silence["silence_id"], "--as", "U2", "--reason", "over").exit_code == 0
    assert json.loads(pacing("list", "--json").stdout) == {"silences": []}
    (_, subject, begun), (_, _, over) = said(database)
    assert subject == silence["silence_id"]
    assert (begun["matcher"], begun["author"], begun["reason"], begun["via"]) == ({"client": "Acme", "problem": "over"}, "U0BUYERUK", "agreed by phone", "command line")
    assert begun["os_user"]
    assert (over["ended_by"], over["why"]) == ("U2", "over")
    assert pacing("end", silence["silence_id"], "--as", "U2", "--reason", "again").exit_code == 2


@pytest.mark.parametrize("words", [
    ["client=Acme", "--until", "2020-01-01"], ["client=Acme", "--until", "2100-01-01"], ["colour=red", "--until", "soon"], ["client=", "--until", "x"],
    ["client=a", "client=b", "--until", "x"], ["client=Acme", "--until", "tomorrow"]])
def test_what_is_no_silence_is_wrong_usage(database, words):
    """An end that is past or more than 30 days away, an unknown key, nothing after the sign, a key twice: exit 2, one line, nothing recorded."""
    shown = pacing("set", *words, "--as", "U1", "--reason", "because")
    assert shown.exit_code == 2
    assert said(database) == []


def test_only_those_whom_the_policy_names(database, tmp_path, monkeypatch):
    """Where it names approvers or responders, somebody else may only silence what is his own; `--as` is a claim and gives no right."""
    policy, me = tmp_path / "policy.toml", f"os:{system_user()}"
    policy.write_text('[approvals]\nresponders = ["U0RESPOND", "group:S456"]\n', encoding="utf-8")
    monkeypatch.setenv("PACING_POLICY", str(policy))
    end = ["--reason", "x", "--until", f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"]
    assert [pacing("set", "client=Acme", "--as", who, *end).exit_code for who in ("U0OTHER", "U0RESPOND")] == [1, 1]
    assert pacing("set", f"owner={me}", "--as", "me", *end).exit_code == 0
    policy.write_text(f'[approvals]\nresponders = ["{me}"]\n', encoding="utf-8")
    assert pacing("set", "client=Acme", "--as", "me", *end).exit_code == 0


def test_the_clock_ends_it_and_upkeep_says_so(database, fresh_database):
    """After its end a silence mutes nothing; that it is over is said once."""
    silences = Silences(database)
    now = datetime.now(UTC)
    one = silences.set({"client": "Acme"}, "U1", "because", now + timedelta(days=2))
    admin = Database(fresh_database.admin)
    with admin.transaction() as connection:
        clock.set_offset(connection, timedelta(days=3))
    admin.close()
    assert silences.standing() == []
    assert [over.silence_id for over in silences.expire()] == [one.silence_id]
    assert silences.expire() == []
    assert [kind for kind, _, _ in said(database)] == ["silence_set", "silence_ended"]
    with pytest.raises(UsageError, match="over already"):
        silences.end(one.silence_id, "U1", "because")


def test_the_database_knows_no_longer_one(database):
    """Thirty days hold in the table too."""
    with pytest.raises(DatabaseRefused), database.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO pacing.silences VALUES ('S-1', '{\"client\": \"a\"}', 'a', 'r', now(), now() + interval '31 days')")
