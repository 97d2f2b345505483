"""The kill switch at a terminal: whoever is there may stop all pauses, and only an approver may allow them again."""

import json

from typer.testing import CliRunner

from audit import ledger
from audit.identity import system_user
from flows import cli


def pacing(*words):
    return CliRunner().invoke(cli.app, ["halts", *words, "--as", "Ana", "--reason", "a bad feed", "--json"])


def test_anyone_may_stop_and_only_an_approver_may_allow(database, tmp_path, monkeypatch):
    """Where the policy names nobody, stopping works and allowing does not; both are on the ledger with who it was."""
    stopped = pacing("stop")
    assert (stopped.exit_code, json.loads(stopped.stdout)["stopped"]) == (0, True)
    assert pacing("allow").exit_code == 1
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[approvals]\napprovers = ["os:{system_user()}"]\n', encoding="utf-8")
    monkeypatch.setenv("PACING_POLICY", str(policy))
    assert json.loads(pacing("allow").stdout)["stopped"] is False
    with database.transaction() as connection:
        entries = [(entry.kind, entry.content["by"]["person"]) for entry in ledger.read(connection, kinds=["halts_stopped", "halts_allowed"])]
    assert entries == [(kind, f"os:{system_user()}") for kind in ("halts_stopped", "halts_allowed")]
