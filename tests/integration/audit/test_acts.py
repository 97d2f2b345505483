"""Approvals on their way: leased once, recorded before they are tried, stopped by the switch, proven later."""

import datetime as dt
from dataclasses import replace

import pytest

from audit import acts, clock, ledger, recommendations
from audit.acts import Acts, Halts, Stopped
from audit.recommendations import Recommendation
from pacing_brain.errors import LedgerError
from pacing_brain.model import Effect

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def approved(database, run) -> Recommendation:
    """One approved recommendation, as an answer leaves it."""
    with database.transaction() as connection:
        now = clock.now(connection)
        connection.exec_driver_sql("""
            INSERT INTO pacing.incidents (incident_id, fingerprint, state, version, opened_at, changed_at, opened_run, last_run, finding)
            VALUES ('I-1', 'campaign:F1:over', 'open', 1, now(), now(), 'r', 'r', '{}')""")
        (seq, end) = ledger.append(connection, run.run_id, [ledger.Entry("campaign_decided", "F1", {}), ledger.Entry("recommendation_decided", "R-1", {})], now)
        one = Recommendation(
            recommendation_id="R-1", version=2, incident_id="I-1", flight_id="F1", platform="meta", account_id="1", campaign_id="c", status="approved",
            run_id=run.run_id, decision_seq=seq, opened_at=now, renewed_at=now, expires_at=now + 12 * HOUR, facts={"direction": "over"},
            ended_at=now, ended_seq=end)
        recommendations.put(connection, [one])
    return one


@pytest.fixture
def run(runs, opening):
    with runs.open(opening()) as run:
        yield run


def said(database, kind):
    with database.transaction() as connection:
        return [entry.content for entry in ledger.read(connection) if entry.kind == kind]


def status(database):
    found = recommendations.Recommendations(database).get("R-1")
    assert found
    return found.status, found.version


def test_one_process_holds_an_approval(database, approved):
    """A lease excludes everybody else until its end, and waiting lists only what nobody holds."""
    mine = Acts(database)
    assert mine.waiting() == ["R-1"]
    leased = mine.lease("R-1")
    assert leased
    assert leased.approved_at == approved.ended_at
    assert mine.lease("R-1") is None
    assert mine.waiting() == []


def test_an_attempt_is_on_the_ledger_before_anything_is_tried(database, approved):
    """Attempting, then done with its reason; the act waits for proof of its effect."""
    mine = Acts(database)
    leased = mine.lease("R-1")
    attempted = mine.attempt(leased, {"live": "ACTIVE"})
    assert (attempted.tries, status(database)) == (1, ("attempting", 2))
    (entry,) = said(database, "action_attempted")
    assert (entry["try"], entry["live"], entry["campaign_id"]) == (1, "ACTIVE", "c")
    with database.transaction() as connection:
        mine.finish(connection, leased, "done", "Read back.", {})
    assert status(database) == ("done", 2)
    assert said(database, "action_finished")[0]["attempted_seq"] == attempted.attempted_seq
    with database.transaction() as connection:
        now = clock.now(connection)
    assert mine.awaiting_effect(now)["campaign_id"].tolist() == ["c"]


def test_the_switch_stops_every_pause(database, approved):
    """Stopped halts nothing is attempted, and the ledger says who stopped and who allowed them."""
    switch, mine = Halts(database), Acts(database)
    switch.set(stopped=True, who="os:ann", reason="a bad feed", by={"person": "os:ann"})
    leased = mine.lease("R-1")
    stopped = mine.attempt(leased, {})
    assert isinstance(stopped, Stopped)
    assert "by os:ann: a bad feed" in stopped.why
    assert said(database, "action_attempted") == []
    switch.set(stopped=False, who="os:ann", reason="mended", by={"person": "os:ann"})
    assert switch.stopped() is None
    assert not isinstance(mine.attempt(leased, {}), Stopped)
    assert [len(said(database, kind)) for kind in ("halts_stopped", "halts_allowed")] == [1, 1]


def test_what_could_not_be_tried_goes_back_to_people_as_another_version(database, approved):
    """Its approvals count no more, and it can be answered again."""
    mine = Acts(database)
    with database.transaction() as connection:
        mine.finish(connection, mine.lease("R-1"), "returned", "No answer.", {})
    assert status(database) == ("pending", 3)
    assert mine.waiting() == []


def test_an_unknown_outcome_is_looked_at_again_later(database, approved):
    """It keeps its first attempt, and nobody takes it before its time."""
    mine = Acts(database)
    leased = mine.lease("R-1")
    mine.attempt(leased, {})
    with database.transaction() as connection:
        mine.finish(connection, leased, "unknown", "The answer was lost.", {})
    assert (status(database), mine.lease("R-1")) == (("unknown", 2), None)
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE pacing.acts SET leased_until = now() - interval '1 second'")
    again = mine.lease("R-1")
    assert again
    assert (again.act.tries, again.act.attempted_at is not None) == (1, True)


def test_a_lost_lease_writes_nothing(database, approved):
    """A process that slept past its lease cannot attempt or finish what another one works on."""
    mine = Acts(database)
    leased = mine.lease("R-1")
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE pacing.acts SET leased_until = now() - interval '1 second'")
    other = mine.lease("R-1")
    assert other
    with pytest.raises(LedgerError, match="another process"):
        mine.attempt(leased, {})
    assert not isinstance(mine.attempt(other, {}), Stopped)


@pytest.mark.parametrize(("effect", "status_after"), [("proven", "done"), ("failed", "aborted")])
def test_a_run_sees_the_effect_once(database, approved, effect, status_after):
    """Proven or failed, each is one entry; after a failed one the campaign may be asked about again."""
    mine = Acts(database)
    leased = mine.lease("R-1")
    mine.attempt(leased, {})
    seen = Effect("R-1", "F1", effect, approved.opened_at, 7 if effect == "failed" else 0, "EUR")
    with database.transaction() as connection:
        mine.finish(connection, leased, "done", "Read back.", {})
    with database.transaction() as connection:
        entries = acts.prove(connection, [seen, replace(seen, recommendation_id="R-unknown")], approved.opened_at)
        assert [(entry.kind, entry.subject) for entry in entries] == [("effect_checked", "R-1")]
        assert acts.prove(connection, [seen], approved.opened_at) == []
    assert status(database)[0] == status_after


def test_an_approval_that_waits_too_long_is_named(database, approved):
    """Approved for longer than the limit and not yet tried."""
    mine = Acts(database)
    assert mine.slow(approved.ended_at + dt.timedelta(minutes=6), dt.timedelta(minutes=5)) == ["R-1"]
    assert mine.slow(approved.ended_at + dt.timedelta(minutes=4), dt.timedelta(minutes=5)) == []
