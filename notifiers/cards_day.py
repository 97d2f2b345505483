"""A digest's day: from its hour to the next day's, in its channel's zone; and what is over or muted in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from notifiers.cards_facts import amount
from notifiers.cards_text import count, local_text, mention, outside, weekday
from pacing_brain.model import Incident
from pacing_brain.told import Silence


@dataclass(frozen=True)
class Day:
    """What a digest says beside the run. resolved: incidents that are over since `since`. silenced: each silence in force with the open incidents that it mutes.
    client: whose digest it is; null: the desk's. stopped: incident -> when spend was seen to have stopped after its pause.
    """

    date: date
    zone: str
    since: datetime  # when yesterday's digest began
    resolved: Sequence[Incident] = ()
    silenced: Sequence[tuple[Silence, Sequence[Incident]]] = ()
    client: str | None = None
    stopped: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def muted(self) -> frozenset[str]:
        """Fingerprints of what is silenced."""
        return frozenset(one.fingerprint for _, incidents in self.silenced for one in incidents)


def local_day(moment: datetime, zone: str, at: str) -> date:
    """The day whose digest a run updates: a run before the hour belongs to yesterday's."""
    local = moment.astimezone(ZoneInfo(zone))
    return local.date() if local.time() >= time.fromisoformat(at) else local.date() - timedelta(days=1)


def began(day: date, zone: str, at: str) -> datetime:
    """The instant at which the digest of a day begins, UTC."""
    return datetime.combine(day, time.fromisoformat(at), ZoneInfo(zone)).astimezone(UTC)


def since_text(day: Day) -> str:
    return f"Since {local_text(day.since, day.zone)}"


def silenced_lines(day: Day) -> list[str]:
    """What nobody hears of, the money behind it, until when and who wanted it so."""
    return [f"🔕 {_matcher(silence.matcher)} · {count(len(muted), 'problem', 'problems')}{_at_stake(muted)} · until "
            f"{local_text(silence.ends_at, day.zone)} · {mention(silence.author)}: {outside(silence.reason, 100)}" for silence, muted in day.silenced]


def _matcher(matcher: Mapping[str, str]) -> str:
    return outside(", ".join(f"{name} {value}" for name, value in matcher.items()), 90)


def _at_stake(incidents: Sequence[Incident]) -> str:
    sums: dict[str, int] = {}
    for one in incidents:
        if one.finding.currency:
            sums[one.finding.currency] = sums.get(one.finding.currency, 0) + one.finding.money_micros
    return f", {' and '.join(amount(micros, currency) for currency, micros in sorted(sums.items()))} at stake" if sums else ""


def day_text(day: Day) -> str:
    return weekday(day.date)
