from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pacing_brain import incidents
from pacing_brain.model import Action, Finding, Lane, Problem, RunContext, Severity

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)


def run(number: int = 1) -> RunContext:
    return RunContext(run_id=f"run-{number}", as_of=NOON.replace(hour=number % 24), window=NOON)


def finding(flight: str = "F1", problem: Problem = Problem.OVER, severity: Severity = Severity.CRITICAL, **changes: object) -> Finding:
    values = {"scope": f"campaign:{flight}", "problem": problem, "severity": severity, "lane": Lane(severity), "action": Action.SLACK_ALERT,
              "urgent": True, "side": "over", "currency": "GBP", "money_micros": 1, "headline": "It is over.", "flights": (flight,)}
    return Finding(**(values | changes))


def open_after(changes):
    return [change.incident for change in changes if change.incident.state == "open"]


def test_a_new_finding_opens_one_incident():
    """A problem that was not open is opened, with an id that a resumed run gives it again."""
    first, again = (incidents.step([], [finding()], run(), frozenset()) for _ in range(2))
    assert [change.kind for change in first] == ["opened"]
    assert first[0].incident.incident_id == again[0].incident.incident_id
    assert first[0].incident.fingerprint == "campaign:F1:over"


def test_the_same_finding_is_renewed_in_silence_with_new_figures():
    """Only figures moved: nobody is told, the incident carries the new ones."""
    opened = incidents.step([], [finding()], run(1), frozenset())
    renewed = incidents.step(open_after(opened), [finding(money_micros=9)], run(2), frozenset())
    assert [(change.kind, change.incident.version, change.incident.finding.money_micros) for change in renewed] == [("renewed", 1, 9)]


def test_a_change_that_matters_is_named():
    """Severity, action, direction, lane and urgency are what people act on."""
    opened = incidents.step([], [finding(severity=Severity.WARNING, urgent=False)], run(1), frozenset())
    changed = incidents.step(open_after(opened), [finding()], run(2), frozenset())
    assert (changed[0].kind, set(changed[0].what), changed[0].incident.version) == ("changed", {"severity", "lane", "urgent"}, 2)


def test_what_is_gone_is_resolved_unless_it_could_not_be_judged():
    """Data that cannot be trusted resolve nothing."""
    opened = open_after(incidents.step([], [finding("F1"), finding("F2")], run(1), frozenset()))
    after = incidents.step(opened, [], run(2), frozenset({"campaign:F2"}))
    assert [(change.kind, change.incident.fingerprint) for change in after] == [("resolved", "campaign:F1:over")]


@given(st.lists(st.lists(st.sampled_from(["F1", "F2", "F3"]), unique=True), max_size=12))
def test_at_most_one_open_incident_per_fingerprint(rounds):
    """Whatever comes and goes, what is open is exactly what the last round found."""
    current = []
    for number, flights in enumerate(rounds):
        changes = incidents.step(current, [finding(flight) for flight in flights], run(number), frozenset())
        current = open_after(changes)
        assert sorted(incident.fingerprint for incident in current) == sorted(f"campaign:{flight}:over" for flight in flights)
