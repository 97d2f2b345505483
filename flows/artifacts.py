"""What a run's page shows, as Markdown and rows. Pure: what comes from outside is text there, never a link, an image or markup."""

import re
from typing import Any

import pandas as pd

from pacing_brain.money import money
from pacing_brain.natives import natives

TABLE_ROWS = 200
SEVERITIES = ("critical", "warning", "healthy")
LANES = ("critical", "escalate", "warning", "healthy")
COLUMNS = {"severity": "severity", "action": "action", "campaign_name": "campaign", "variance_pct": "variance %", "direction": "direction",
           "target_micros": "target", "actual_micros": "actual", "currency": "currency", "score": "confidence", "root_cause": "root cause",
           "recommendation": "recommendation", "lane": "lane", "client": "client", "platform": "platform", "flight_id": "flight"}
# Every mark that can mean something: not `_` and `-` inside a word or `.` and `,` inside a number, so that names stay searchable.
_PUNCTUATION = re.compile(r"(?<![0-9A-Za-z])[_-]|[_-](?![0-9A-Za-z])|(?<![0-9])[.,]|[.,](?![0-9])|[!-+/:-@\[-^`{-~]")


def worst_of(summary: dict[str, Any]) -> str:
    return next((severity for severity in SEVERITIES if summary["by_severity"].get(severity)), "healthy")


def summary_markdown(summary: dict[str, Any]) -> str:
    """The summary for people. What comes from outside is text: no link, image or markup of its own."""
    lanes = " · ".join(f"{summary['by_lane'].get(lane, 0)} {lane}" for lane in LANES)
    lines = [f"## {plain(summary['window'])} ({plain(summary['mode'])})", "", f"**{summary['campaigns']} flights**: {lanes}", "",
             "| what | how many |", "|---|---|"]
    lines += [f"| {label} | {summary.get(name, 0)} |" for name, label in (
        ("alerts_queued", "messages queued"), ("recommendations_opened", "halts recommended"), ("quarantined", "rows that cannot be used"),
        ("unmatched_targets", "plan lines without their campaign"), ("untracked", "campaigns without a plan line"),
        ("dead_letters", "flights that could not be decided"))]
    lines += ["", *_money(summary["spend_micros"]), *(f"- **partial**: {plain(why)}" for why in summary["partial"]), "",
              f"Run `{summary['run_id']}`, as of {plain(summary['as_of'])}, policy `{summary['policy_digest'][:12]}`."]
    if "checkpoint" in summary:
        lines.append(f"Ledger: {summary['checkpoint']['size']} entries, root `{summary['checkpoint']['root'][:16]}`.")
    return "\n".join(lines)


def report_markdown(summary: dict[str, Any]) -> str:
    """Where the report of the run is: a link where it is served, else the file on the machine of the run."""
    if summary.get("report_url"):
        return f"[Full report of this run]({summary['report_url']})"
    return f"Full report of this run, on the machine that ran it: `{str(summary['report']).replace('`', '')}` (PACING_REPORT_URL makes this a link)"


def checkpoint_markdown(note: str) -> str:
    """A signed note, as it is."""
    return f"```text\n{note}```"


def _money(spend: dict[str, dict[str, int]]) -> list[str]:
    """One row per currency; the buckets add up to the warehouse's total."""
    if not spend:
        return []
    names = list(next(iter(spend.values())))
    head = ["| spend | " + " | ".join(plain(name.replace("_", " ")) for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    return [*head, *(f"| {plain(currency)} | " + " | ".join(amount(row[name]) for name in names) + " |" for currency, row in sorted(spend.items())), ""]


def campaign_rows(decisions: pd.DataFrame) -> list[dict[str, Any]]:
    """The worst flights: by severity, then lane, then the money that is off plan."""
    rank = decisions.assign(
        _severity=decisions["severity"].map({name: at for at, name in enumerate(SEVERITIES)}),
        _lane=decisions["lane"].map({name: at for at, name in enumerate(LANES)}),
        _money=-(decisions["actual_micros"] - decisions["target_micros"]).abs().fillna(0))
    worst = rank.sort_values(["_severity", "_lane", "_money", "flight_id"]).head(TABLE_ROWS)
    return [_cells(row) for row in natives(worst[list(COLUMNS)])]


def _cells(row: dict[str, Any]) -> dict[str, str]:
    row |= {name: None if row[name] is None else money(row[name], row["currency"]) for name in ("target_micros", "actual_micros")}  # as on the card
    row |= {name: "" if row[name] is None else f"{row[name]:.{digits}f}" for name, digits in (("variance_pct", 1), ("score", 2))}
    return {label: "" if row[name] is None else plain(row[name]) for name, label in COLUMNS.items()}  # the page reads cells as Markdown


def amount(micros: int | None) -> str:
    """Micros for people, in whole units and cents, rounded half away from zero; empty when not known."""
    if micros is None:
        return ""
    cents = (abs(micros) + 5_000) // 10_000
    return f"{'-' if micros < 0 and cents else ''}{cents // 100:,}.{cents % 100:02d}"


def plain(text: object) -> str:
    """Text as Markdown that shows it and means nothing: one line, no link, image or markup."""
    return _PUNCTUATION.sub(r"\\\g<0>", " ".join(str(text).split()))
