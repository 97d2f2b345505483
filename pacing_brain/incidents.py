"""From findings to incidents: open -> changed -> resolved, one open incident per fingerprint. Pure.

An incident is renewed in silence while its run finds the same; it is *changed* when what a person would do about it changed
(severity, action, direction, urgency). It is resolved only by a run that judged its subject and found nothing: data that
cannot be trusted resolve nothing.
"""

import hashlib
from collections.abc import Iterable

from pacing_brain.model import Finding, Incident, IncidentChange, RunContext

WATCHED = ("severity", "action", "side", "urgent", "lane")


def step(open_incidents: Iterable[Incident], findings: Iterable[Finding], run: RunContext, unjudged: frozenset[str]) -> list[IncidentChange]:
    """What this run does to the incidents, sorted by fingerprint.

    Args:
        open_incidents: those open before the run.
        findings: what the run found.
        run: names the run and its instant.
        unjudged: scopes (`campaign:<flight_id>`) that this run could not judge; their incidents stay as they are.
    """
    before = {incident.fingerprint: incident for incident in open_incidents}
    found = {finding.fingerprint: finding for finding in findings}
    changes = [_found(before.get(fingerprint), finding, run) for fingerprint, finding in found.items()]
    gone = [incident for fingerprint, incident in before.items() if fingerprint not in found and incident.finding.scope not in unjudged]
    changes += [_resolved(incident, run) for incident in gone]
    return sorted(changes, key=lambda change: change.incident.fingerprint)


def _found(before: Incident | None, finding: Finding, run: RunContext) -> IncidentChange:
    if before is None:
        return IncidentChange(kind="opened", incident=Incident(
            incident_id=incident_id(finding.fingerprint, run), fingerprint=finding.fingerprint, state="open", version=1,
            opened_at=run.as_of, changed_at=run.as_of, opened_run=run.run_id, last_run=run.run_id, finding=finding))
    what = tuple(name for name in WATCHED if getattr(before.finding, name) != getattr(finding, name))
    update = {"finding": finding, "last_run": run.run_id}
    if what:
        update |= {"version": before.version + 1, "changed_at": run.as_of}
    return IncidentChange(kind="changed" if what else "renewed", incident=before.model_copy(update=update), before=before, what=what)


def _resolved(incident: Incident, run: RunContext) -> IncidentChange:
    closed = incident.model_copy(update={"state": "resolved", "changed_at": run.as_of, "last_run": run.run_id, "version": incident.version + 1})
    return IncidentChange(kind="resolved", incident=closed, before=incident)


def incident_id(fingerprint: str, run: RunContext) -> str:
    """Stable: the same problem opened by the same run has the same id, however often the run is resumed."""
    return "I-" + hashlib.sha256(f"{fingerprint}\n{run.run_id}".encode()).hexdigest()[:10]
