"""The seal: incidents, recommendations, messages and dead letters become true together, or not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from audit import quarantine, recommendations
from audit.dead_letters import DeadLetters
from audit.incidents import Incidents
from audit.ledger import Entry
from audit.outbox import Outbox, OutgoingMessage, delivery_id
from audit.patterns import Patterns, learn, retire
from audit.policies import Policies
from audit.quarantine import Quarantine
from audit.recommendations import Asked, Recommendations
from audit.seal import Seal
from pacing_brain import lifetime
from pacing_brain.answers import Extent
from pacing_brain.errors import DatabaseRefused, LedgerError, UsageError
from pacing_brain.frames import PATTERNS
from pacing_brain.model import Finding, Incident, IncidentChange, Quarantined
from pacing_brain.policy import Policy

AT = datetime(2026, 5, 21, 8, tzinfo=UTC)


def incident(number=1, **changes):
    finding = Finding(scope=f"campaign:F{number}", problem="over", severity="critical", lane="critical", action="recommend_halt", urgent=True,
                      side="over", currency="USD", money_micros=10**15, headline="31 % over \U0001f642\x00", flights=(f"F{number}",),
                      facts={"pacing_pct": 131.0, "name": "<!channel>\x00"})
    usual = {"incident_id": f"I-{number}", "fingerprint": finding.fingerprint, "state": "open", "version": 1, "opened_at": AT, "changed_at": AT,
             "opened_run": "r1", "last_run": "r1", "finding": finding}
    return Incident(**usual | changes)


def opened(number=1, **changes):
    return IncidentChange(kind="opened", incident=incident(number, **changes))


def message(number=1, run_id="r1"):
    return OutgoingMessage(delivery_id(run_id, f"I-{number}", "post"), "C1", f"I-{number}", "post", "31 % over\x00", [{"type": "divider"}])


def asked(seq, *, at=AT, **changes):
    basis = lifetime.basis({"action": "recommend_halt", "direction": "over", "severity": "critical", "budget_micros": 10**9, "unexplained_pct": 31.0})
    usual = {"recommendation_id": "R-1", "incident_id": "I-1", "fingerprint": "campaign:F1:over", "flight_id": "F1", "platform": "google",
             "account_id": "118", "campaign_id": "4711", "run_id": "r1", "decision_seq": seq, "at": at, "expires_at": at + timedelta(hours=12),
             "basis": basis, "facts": {"over_micros": 10**12}, "extent": Extent("critical", "critical", "over", 10**12, zero=False)}
    return Asked(**usual | changes)


@pytest.fixture
def run(runs, opening):
    with runs.open(opening()) as run:
        yield run


def next_run(runs, opening, seal):
    with runs.open(opening(window=opening().window + timedelta(hours=4))) as later:
        return runs.seal(later, seal)


def test_all_of_it_stands_at_once(database, runs, run):
    """After the seal the incident, the recommendation, the message and the dead letter are there, and read back as they were."""
    (seq,) = runs.record_shard(run, 0, [Entry("campaign_decided", "F1")])
    assert Incidents(database).open() == []
    runs.seal(run, Seal(summary={}, entries=[Entry("incident_opened", "I-1")], incidents=[opened()], asks=[asked(seq)],
                        messages=[message()], dead_letters=[{"flight_id": "F9", "error": "node pacing: overflow", "node": "pacing"}]))
    (found,) = Incidents(database).open()
    assert found.finding.headline == "31 % over \U0001f642\ufffd"
    assert found.model_copy(update={"finding": incident().finding}) == incident() == Incidents(database).get("I-1").model_copy(
        update={"finding": incident().finding})
    (pending,) = Recommendations(database).pending()
    assert pending == Recommendations(database).get("R-1")
    assert (pending.status, pending.version, pending.campaign_id, pending.facts) == ("pending", 1, "4711", {"over_micros": 10**12})
    assert DeadLetters(database).standing() == [{"flight_id": "F9", "error": "node pacing: overflow", "node": "pacing"}]
    assert [each.delivery_id for each in Outbox(database).lease(10)] == [message().delivery_id]


def test_a_seal_that_fails_leaves_nothing(database, runs, run):
    """One row that cannot be written undoes the whole seal; the run stays open and can be sealed rightly."""
    with pytest.raises(DatabaseRefused, match="incidents_one_open"):
        runs.seal(run, Seal(summary={}, messages=[message()], incidents=[opened(), opened(incident_id="I-2")]))
    assert (Incidents(database).open(), Outbox(database).lease(10), runs.last_sealed()) == ([], [], None)
    runs.seal(run, Seal(summary={}, incidents=[opened()]))
    assert len(Incidents(database).open()) == 1


def test_a_rehearsal_tells_nobody(runs, opening):
    """A rehearsal with incidents, messages or dead letters is refused."""
    with runs.open(opening(live=False)) as run:
        for seal in (Seal(summary={}, incidents=[opened()]), Seal(summary={}, messages=[message()]),
                     Seal(summary={}, dead_letters=[{"flight_id": "F", "error": "e"}])):
            with pytest.raises(LedgerError, match="rehearsal"):
                runs.seal(run, seal)


def test_an_incident_lives_on_and_ends(database, runs, run, opening):
    """A changed incident keeps its id with a new version; a resolved one is open no more, and its problem may return in the same run."""
    runs.seal(run, Seal(summary={}, incidents=[opened()]))
    changed = incident(version=2, changed_at=AT + timedelta(hours=4))
    next_run(runs, opening, Seal(summary={}, incidents=[IncidentChange(kind="changed", incident=changed, before=incident())]))
    assert Incidents(database).open()[0].version == 2
    resolved = IncidentChange(kind="resolved", incident=incident(version=3, state="resolved"), before=changed)
    later = opening(window=opening().window + timedelta(hours=8))
    with runs.open(later) as third:
        runs.seal(third, Seal(summary={}, incidents=[opened(incident_id="I-9"), resolved]))
    assert [each.incident_id for each in Incidents(database).open()] == ["I-9"]
    assert Incidents(database).get("I-1").state == "resolved"
    assert Incidents(database).get("I-0") is None


def test_an_incident_that_moved_meanwhile_stops_the_seal(runs, run, opening):
    """A change that rests on an older version than the kept one is refused."""
    runs.seal(run, Seal(summary={}, incidents=[opened(version=5)]))
    with pytest.raises(LedgerError, match="I-1 changed while"):
        next_run(runs, opening, Seal(summary={}, incidents=[IncidentChange(kind="changed", incident=incident(version=2), before=incident())]))


def test_a_recommendation_is_renewed_in_silence(database, runs, run, opening):
    """The same question again keeps its version, with new figures and a later end; when the run asks no more it is withdrawn."""
    (seq,) = runs.record_shard(run, 0, [Entry("campaign_decided", "F1")])
    runs.seal(run, Seal(summary={}, incidents=[opened()], asks=[asked(seq)]))
    later = AT + timedelta(hours=4)
    next_run(runs, opening, Seal(summary={}, asks=[asked(seq, at=later, run_id="r2", facts={"over_micros": 2 * 10**12})]))
    (renewed,) = Recommendations(database).pending()
    assert (renewed.version, renewed.opened_at, renewed.expires_at) == (1, AT, later + timedelta(hours=12))
    assert (renewed.run_id, renewed.facts) == ("r2", {"over_micros": 2 * 10**12})
    with runs.open(opening(window=opening().window + timedelta(hours=8))) as third:
        sealed = runs.seal(third, Seal(summary={}, asks=[]))
    gone = Recommendations(database).get("R-1")
    assert (gone.status, gone.ended_seq) == ("withdrawn", sealed.seqs[0])
    assert Recommendations(database).pending() == []


@pytest.mark.parametrize(("change", "version"), [
    ({"direction": "under"}, 2), ({"severity": "warning"}, 2), ({"action": "slack_alert"}, 2), ({"budget_micros": 5}, 2), ({"end_date": "2026-12-01"}, 2),
    ({"unexplained_pct": 35.9}, 1), ({"unexplained_pct": 36.0}, 2), ({"unexplained_pct": 26.0}, 2), ({"unexplained_pct": None}, 2)])
def test_another_question_has_the_next_version(database, runs, run, opening, change, version):
    """The version rises when action, direction, severity, the plan or five points of the unexplained part changed, and only then."""
    (seq,) = runs.record_shard(run, 0, [Entry("campaign_decided", "F1")])
    runs.seal(run, Seal(summary={}, incidents=[opened()], asks=[asked(seq)]))
    next_run(runs, opening, Seal(summary={}, asks=[asked(seq, basis={**asked(seq).basis, **change})]))
    assert Recommendations(database).get("R-1").version == version


def test_another_problem_of_the_flight_is_another_recommendation(database, runs, run, opening):
    """A flight is asked about once: the recommendation of the older problem is superseded by that of the newer."""
    (seq,) = runs.record_shard(run, 0, [Entry("campaign_decided", "F1")])
    runs.seal(run, Seal(summary={}, incidents=[opened()], asks=[asked(seq)]))
    zero = IncidentChange(kind="opened", incident=incident(incident_id="I-2", fingerprint="campaign:F1:zero"))
    sealed = next_run(runs, opening, Seal(summary={}, incidents=[zero], asks=[asked(seq, recommendation_id="R-2", incident_id="I-2",
                                                                                   fingerprint="campaign:F1:zero")]))
    (now,) = Recommendations(database).pending()
    assert now.recommendation_id == "R-2"
    assert (Recommendations(database).get("R-1").status, sealed.summary["recommendations_opened"]) == ("superseded", 1)


@pytest.mark.parametrize(("status", "asked_again"), [
    ("approved", False), ("attempting", False), ("unknown", False), ("done", False), ("handed_over", False), ("expired", True), ("aborted", True)])
def test_what_is_being_done_is_not_asked_again(database, runs, run, opening, status, asked_again):
    """While a halt is on its way, and while the incident of a carried-out one is open, the flight is not asked about again."""
    (seq,) = runs.record_shard(run, 0, [Entry("campaign_decided", "F1")])
    runs.seal(run, Seal(summary={}, incidents=[opened()], asks=[asked(seq)]))
    with database.transaction() as connection:
        recommendations.end(connection, recommendations.locked(connection, "R-1"), status, {}, AT)
    next_run(runs, opening, Seal(summary={}, asks=[asked(seq, recommendation_id="R-2")]))
    assert [one.recommendation_id for one in Recommendations(database).pending()] == ["R-2"] * asked_again


def test_quarantined_rows_are_kept_once(database, run):
    """Rows kept again by a resumed run are not doubled, and read back with place and reason."""
    rows = [Quarantined(source="tracker", place="plan.csv", row=7, column="budget", value="1.2E\x00", reason="no number"),
            Quarantined(source="spend", place="CAMPAIGN_SPEND", reason="spend is NaN")]
    for _ in range(2):
        Quarantine(database).keep(run.run_id, rows)
    with database.transaction() as connection:
        quarantine.keep(connection, run.run_id, [])
    found = Quarantine(database).of_run(run.run_id)
    assert found == [rows[0].model_copy(update={"value": "1.2E\ufffd"}), rows[1]]


def test_a_policy_is_adopted_once_and_found_again(database, admin):
    """A policy's text is kept and said on the ledger once; it is found by its digest, checked against it."""
    policies, policy = Policies(database), Policy.parse("[variance]\nwarning_pct = 8.0")
    assert [policies.adopt(policy), policies.adopt(policy), policies.adopt(Policy())] == [True, False, True]
    assert policies.get(policy.digest) == policy
    assert policies.get("00") is None


def test_patterns_hold_until_they_end(database):
    """A pattern holds from when it is learned until it expires or is retired; learning it again changes nothing."""
    learned = PATTERNS.check(PATTERNS.empty().astype(object).assign(
        pattern_id=["P1", "P2"], kind="alias", scope="flight:F1", value="google/118/4711", support=3, confidence=0.9,
        expires_at=[None, AT + timedelta(days=1)]))
    with database.transaction() as connection:
        assert len(learn(connection, "r1", learned, AT)) == 2
        assert len(learn(connection, "r2", learned, AT + timedelta(hours=4))) == 0
    patterns = Patterns(database)
    assert list(patterns.in_force(AT - timedelta(hours=1))["pattern_id"]) == []
    assert list(patterns.in_force(AT)["pattern_id"]) == ["P1", "P2"]
    assert list(patterns.in_force(AT + timedelta(days=2))["pattern_id"]) == ["P1"]
    with database.transaction() as connection:
        retire(connection, "P1", by={"person": "ana"}, reason="wrong", at=AT + timedelta(days=3))
    assert list(patterns.in_force(AT + timedelta(days=3))["pattern_id"]) == []
    assert list(patterns.in_force(AT + timedelta(days=2))["pattern_id"]) == ["P1"]
    with pytest.raises(UsageError, match="no pattern P1 is in force"), database.transaction() as connection:
        retire(connection, "P1", by={"person": "ana"}, reason="again", at=AT)
