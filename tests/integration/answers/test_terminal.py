"""`pacing recommendations`: the same rules as a click, for whom the machine knows."""

import pytest

from audit.identity import system_user
from flows.commands import recommendations
from flows.commands.recommendations import decide, list_them, show
from flows.settings import Settings
from pacing_brain.errors import UsageError
from tests.integration.answers.conftest import BEN, Desk, flights, settings


@pytest.fixture
def typed(desk: Desk, tmp_path, monkeypatch):
    """A terminal in this home; `changes` are settings."""
    def at(approvers, **changes):
        own = settings(desk.urls, tmp_path, **{"SLACK_BOT_TOKEN": None, "SLACK_SIGNING_SECRET": None} | changes)
        own.policy.write_text(f"[approvals]\napprovers = {approvers}\n", encoding="utf-8")
        monkeypatch.setattr(Settings, "read", classmethod(lambda _: own))
        return desk.seal(*flights(1))["F0"]

    return at


def test_it_counts_for_the_user_of_the_machine(desk, typed, capsys):
    """An approver by login approves; whom they claim to be stands beside it."""
    one = typed([f"os:{system_user()}"])
    assert list_them(every=False, as_json=False) == 0
    assert one.recommendation_id in capsys.readouterr().out
    assert decide("approve", one.recommendation_id, claim="Anna Berg", reason="agreed") == 0
    assert desk.now(one).status == "approved"
    (entry,) = desk.said("recommendation_decided")
    assert (entry.content["by"]["claim"], entry.content["by"]["person"], entry.content["reason"]) == ("Anna Berg", f"os:{system_user()}", "agreed")
    assert show(one.recommendation_id, as_json=False) == 0
    assert decide("reject", one.recommendation_id, claim="Anna Berg", reason="no") == 1
    assert "Too late" in capsys.readouterr().out


def test_a_claim_makes_nobody_an_approver(desk, typed, capsys):
    """`--as` an approver is refused when the login is none."""
    one = typed([BEN])
    assert decide("approve", one.recommendation_id, claim=BEN, reason="agreed") == 1
    assert "Only an approver" in capsys.readouterr().out
    assert desk.now(one).status == "pending"


def test_reject_and_snooze(desk, typed):
    """Snoozed until the hour that was said; rejected with its reason."""
    one = typed([f"os:{system_user()}"])
    assert decide("snooze", one.recommendation_id, claim="a", reason="later", until="2026-11-18T15:00Z") == 0
    assert desk.now(one).snoozed_until.isoformat() == "2026-11-18T15:00:00+00:00"
    assert decide("reject", one.recommendation_id, claim="a", reason="agreed") == 0
    assert desk.now(one).status == "rejected"


def test_where_slack_has_buttons_the_terminal_must_be_allowed(desk, typed):
    """With buttons configured it answers only when the policy says so; a reason and a known id are always needed."""
    one = typed([f"os:{system_user()}"], SLACK_BOT_TOKEN="xoxb-1", SLACK_SIGNING_SECRET="0" * 32)
    with pytest.raises(UsageError, match="cli = true"):
        decide("approve", one.recommendation_id, claim="a", reason="agreed")
    policy = recommendations.Settings.read().policy
    policy.write_text(f'[approvals]\ncli = true\napprovers = ["os:{system_user()}"]\n', encoding="utf-8")
    for identifier, reason, said in ((one.recommendation_id, " ", "say why"), ("R-none", "x", "there is no recommendation")):
        with pytest.raises(UsageError, match=said):
            decide("approve", identifier, claim="a", reason=reason)
    assert decide("approve", one.recommendation_id, claim="a", reason="agreed") == 0
