"""Random incidents with hostile strings: every card fits Slack's limits and ours, whatever the facts are."""

import os
import random
from typing import Any

import pytest

from notifiers import limits
from notifiers.cards import Ask, CardContext, changed_reply, incident_card, resolved_reply
from notifiers.cards_blocks import CARD_CHARACTERS, characters
from notifiers.console import Console
from notifiers.preview import html
from pacing_brain.frames import FLIGHT_COLUMNS
from pacing_brain.model import Action, Finding, Incident, IncidentChange, Lane, Problem, Severity
from tests.unit.notifiers import world as w

DEEP = os.environ.get("PACING_TEST_DEEP") == "1"
COUNT = 20_000 if DEEP else 400
NASTY = ["", " ", "<!channel>", "@here", "&amp;", "a" * 500, "👨‍👩‍👧‍👦" * 60, "\u202eevil\u202c", "*b*_i_`c`~s~", "<https://x|y>", "\x1b[31mred",
         "e" + "\u0301" * 300, "'; DROP TABLE--", "日本語キャンペーン" * 20, "line\nbreak\ttab", "|>&<", "\ud800", "U0AAAAAAA", "🇩🇪" * 40, "ﷺ" * 50]


def text(chance: random.Random) -> str:
    return "".join(chance.choices([*NASTY, "Winter", " Jackets", "_UK_", "2026"], k=chance.randint(1, 3)))


def money(chance: random.Random) -> int:
    return chance.choice([0, 1, -5, 999_999, chance.randrange(10**15), 10**18])


def facts(chance: random.Random) -> dict[str, Any]:
    """Every column of the cohort, each null, plausible or absurd."""
    row: dict[str, Any] = {}
    for name in FLIGHT_COLUMNS:
        value: Any = text(chance)
        if name.endswith("_micros"):
            value = money(chance)
        elif name in ("row", "n_campaigns", "n_matched", "impressions", "spend_days"):
            value = chance.choice([0, 1, 7, 10**9])
        elif name.endswith(("_date", "_day")):
            value = chance.choice(["2026-11-01", "2024-02-29", "2026-12-31"])
        elif name in ("watermark", "day_start", "day_end", "updated_at"):
            value = chance.choice(["2026-11-18T06:00:00Z", "2026-12-01T00:00:00.123456Z"])
        elif name.startswith("score") or name.endswith("_pct"):
            value = chance.choice([0.0, 0.7, 1.0, 3_000_000.5])
        row[name] = None if chance.random() < 0.3 else value
    candidate = {"campaign_id": text(chance), "campaign_name": text(chance), "account_id": text(chance), "similarity": 0.9,
                 "spend_micros": money(chance), "why": text(chance), "campaign_key": text(chance)}
    verdicts = chance.choices(["proposed", "tie", "not proposed"], k=chance.randint(0, 6))
    return row | {
        "flight_id": text(chance) or "F", "currency": chance.choice(["GBP", "EUR", "XYZ", "<&>"]), "platform": chance.choice(["google", "meta", text(chance)]),
        "candidates": [candidate | {"verdict": verdict} for verdict in verdicts], "mitigation": [text(chance) for _ in range(chance.randint(0, 9))],
        "metadata_detail": {name: chance.choice(["match", "differs", "empty", "left_out"]) for name in ("market", "product", "start_date", "end_date")},
        "gates": {name: {"state": chance.choice(["green", "red"]), "evidence": text(chance)} for name in w.GREEN},
        "zero_kind": chance.choice(["", "never", "stopped", "not_found"]), "match_kind": chance.choice(["id", "alias", "name", "ambiguous", "none"]),
        "curve": chance.choice(["even", "front", "asap"]), "curve_pct": 60.0, "cost_fault": chance.random() < 0.2}


def finding(chance: random.Random) -> Finding:
    kind = chance.choice(["campaign", "campaign", "account", "source", "tracker"])
    short = [{"flight_id": text(chance), "campaign_name": text(chance), "client": text(chance), "currency": "EUR", "actual_micros": money(chance),
              "target_micros": None} for _ in range(chance.randint(0, 40))]
    wide = {"flights": short, "amounts": {c: money(chance) for c in chance.sample(["EUR", "GBP", "USD", "SEK", "<&>"], 3)}, "since": "2026-11-15",
            "per_day_micros": money(chance), "campaigns": [dict(one, spend_micros=money(chance), since="2026-11-15", why="no line") for one in short],
            "rows": [{"row": 3, "column": text(chance), "value": text(chance), "reason": text(chance)} for _ in range(chance.randint(0, 9))]}
    return Finding(
        scope=f"{kind}:{text(chance)}", problem=chance.choice(list(Problem)), severity=chance.choice(list(Severity)), lane=chance.choice(list(Lane)),
        action=chance.choice(list(Action)), urgent=chance.random() < 0.5, side=chance.choice(["over", "under", "none"]),
        currency=chance.choice(["EUR", None]), money_micros=money(chance), headline=text(chance), platform=text(chance), account_id=text(chance),
        owner=text(chance), facts={"flight": facts(chance), "account": {"loaded_at": "2026-11-18T07:12:00Z"}} if kind == "campaign" else wide)


def context(chance: random.Random) -> CardContext:
    ask = Ask("R-1", 1, w.AS_OF) if chance.random() < 0.7 else None
    return CardContext(w.AS_OF, run_url="https://x.example/" + "a" * 300, interactive=chance.random() < 0.5, ask=ask,
                       deciders=tuple(text(chance) for _ in range(chance.randint(0, 9))), owner=text(chance), can_pause=chance.random() < 0.5)


@pytest.mark.deep
@pytest.mark.timeout(1200)
def test_every_card_fits_whatever_the_facts() -> None:
    """No random incident makes a card that Slack would refuse, that pages a channel, or that is longer than a person reads."""
    chance = random.Random(20261118)
    for number in range(COUNT):
        incident: Incident = w.incident(finding(chance), state=chance.choice(["open", "open", "open", "resolved"]))
        before = w.incident(finding(chance))
        for message in (incident_card(incident, context(chance)), resolved_reply(incident, context(chance)),
                        changed_reply(IncidentChange(kind="changed", incident=incident, before=before, what=("severity",)), context(chance))):
            assert limits.check(message) == [], (number, incident.finding.problem, incident.finding.scope)
            assert len(message.blocks) < limits.CARD_BLOCKS
            assert characters(message.blocks) <= CARD_CHARACTERS, (number, incident.finding.problem, characters(message.blocks))


@pytest.mark.deep
def test_every_card_can_be_shown(tmp_path: Any) -> None:
    """The terminal and the preview render every card, without a control character and without markup from outside."""
    chance = random.Random(5)
    for number in range(COUNT // 20):
        message = incident_card(w.incident(finding(chance)), context(chance))
        path = tmp_path / f"{number}.txt"
        with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
            Console(file).show(message)
        shown = path.read_text(encoding="utf-8")
        assert not set(shown) & set(map(chr, [*range(9), 11, 12, *range(14, 32), 127, 0x202E]))
        assert "<script" not in html(message)
