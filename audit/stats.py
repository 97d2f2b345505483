"""What the ledger says in figures: decisions, answers and their delay, the share that needed a person. Pure: entries in, counts out."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from audit.ledger import Recorded

BY = ("action", "severity", "lane", "platform", "client")
KINDS = ("campaign_decided", "decisions_restated", "recommendation_opened", "recommendation_decided", "run_sealed")


def count(entries: Iterable[Recorded], *, campaign: str | None = None, since: datetime | None = None, until: datetime | None = None) -> dict[str, Any]:
    """Figures over entries in order. campaign: a campaign id, flight id or name; since, until: of the entries' own instants, half-open."""
    decided: dict[str, Counter[str]] = {name: Counter() for name in (*BY, "day")}
    kinds: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    opened: dict[str, datetime] = {}
    delays: list[float] = []
    people = restated = 0
    for entry in entries:
        if (since is not None and entry.at < since) or (until is not None and entry.at >= until):
            continue
        said = entry.content
        if campaign is not None and not concerns(entry, campaign):
            continue
        kinds[entry.kind] += 1
        if entry.kind == "campaign_decided":
            people += bool(said.get("requires_human"))
            for name in BY:
                decided[name][str(said.get(name) or "(none)")] += 1
            decided["day"][f"{entry.at:%Y-%m-%d}"] += 1
        elif entry.kind == "decisions_restated":
            restated += len(said.get("seqs", []))
        elif entry.kind == "recommendation_opened":
            opened[entry.subject] = entry.at
        elif entry.kind == "recommendation_decided":
            answers[str(said.get("decision") or said.get("status") or "(none)")] += 1
            if entry.subject in opened:
                delays.append((entry.at - opened[entry.subject]).total_seconds())
    total = kinds["campaign_decided"]
    return {"decisions": total, "restated": restated, "by": {name: dict(sorted(counts.items())) for name, counts in decided.items()},
            "needed_a_person": {"decisions": people, "share": round(people / total, 4) if total else None},
            "answers": dict(sorted(answers.items())), "seconds_to_answer": _spread(delays), "entries_by_kind": dict(sorted(kinds.items()))}


def concerns(entry: Recorded, campaign: str) -> bool:
    """Whether an entry is about a campaign, by its id, its flight's id or its name."""
    said = entry.content
    return campaign in {said.get("campaign_id"), said.get("flight_id"), said.get("campaign_name"), entry.subject}


def _spread(values: list[float]) -> dict[str, float] | None:
    """Least, middle and greatest; none when there are none."""
    ordered = sorted(values)
    return {"least": ordered[0], "median": ordered[len(ordered) // 2], "greatest": ordered[-1]} if ordered else None
