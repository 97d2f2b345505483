"""What people were told and what they asked not to be told: values that the record keeps and the messages are decided by."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from pacing_brain.errors import UsageError
from pacing_brain.model import Finding, Severity

MATCHED = ("client", "platform", "account", "campaign", "flight", "market", "owner", "problem", "severity", "scope")
LONGEST = timedelta(days=30)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(_Value):
    """What was last told about a problem in a place. Instants are those of runs, UTC."""

    subject: str  # an incident's fingerprint, or `monitor`
    place: str  # desk | client | digest | monitor
    is_open: bool
    thread_key: str  # of the outbox: where its card stands
    channel: str
    severity: Severity  # the worst that was alerted within a day
    alerted_at: datetime  # last post, rise or reminder
    written_at: datetime  # of the figures on the card
    noted_at: datetime | None = None  # last said to be flapping
    changes: tuple[datetime, ...] = ()  # of the problem, within a day


class Silence(_Value):
    """Mutes the messages about what matches, until it ends; never the record, and never that something is over."""

    silence_id: str
    matcher: Mapping[str, str] = Field(min_length=1)  # keys of MATCHED; all must match
    author: str
    reason: str
    set_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None

    def mutes(self, finding: Finding) -> bool:
        """Whether every part of the matcher is true of the finding, without regard to case."""
        known = traits(finding)
        return all(wanted.casefold() in known[name] for name, wanted in self.matcher.items())


def traits(finding: Finding) -> dict[str, frozenset[str]]:
    """What a matcher or a route can name of a finding; several values where it is about several flights."""
    row = finding.facts.get("flight")
    flight = row if isinstance(row, Mapping) else {}
    campaigns = {flight.get("campaign_id"), flight.get("platform_campaign_id"), flight.get("campaign_name")}
    values: dict[str, set[object]] = {
        "client": {finding.client}, "platform": {finding.platform}, "account": {finding.account_id}, "campaign": campaigns,
        "flight": set(finding.flights) if len(finding.flights) == 1 else set(), "market": {finding.market}, "owner": {finding.owner},
        "problem": {finding.problem.value}, "severity": {finding.severity.value}, "scope": {finding.scope}}
    return {name: frozenset(str(value).casefold().removeprefix("@") if name == "owner" else str(value).casefold()
                            for value in found if value) for name, found in values.items()}


def parse_matcher(parts: list[str]) -> dict[str, str]:
    """`["client=acme", "problem=over"]` -> {"client": "acme", "problem": "over"}.

    Raises:
        UsageError: a part is no `key=value`, names a key that findings do not have, or names one twice.
    """
    found: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        name, value = name.strip().casefold(), value.strip()
        if name not in MATCHED or not value or name in found:
            raise UsageError(f"{part!r} says not what to silence: write key=value, each key once, with a key of {', '.join(MATCHED)}")
        found[name] = value.removeprefix("@") if name == "owner" else value
    if not found:
        raise UsageError(f"name what to silence: key=value with a key of {', '.join(MATCHED)}")
    return found
