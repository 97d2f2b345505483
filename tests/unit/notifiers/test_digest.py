"""The digest: the state of all flights, worst first, by money; and a total that is tied to the warehouse."""

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from notifiers import limits
from notifiers.cards import digest
from notifiers.cards_blocks import characters
from notifiers.cards_day import Day
from notifiers.cards_digest import DIGEST_CHARACTERS, _as_shown
from notifiers.message import Message
from pacing_brain.model import Incident, Problem
from pacing_brain.told import Silence
from tests.unit.notifiers import world as w

PARTS = ("matched", "after_watermark", "untracked", "ambiguous", "outside_flight", "quarantined")


def rows(*lanes: tuple[str, str, int | None, int | None], phase: str = "live") -> pd.DataFrame:
    frame = pd.DataFrame(lanes, columns=["lane", "currency", "actual_micros", "target_micros"])
    return frame.assign(phase=phase).astype({"actual_micros": "Int64", "target_micros": "Int64"})


ROWS = rows(("critical", "GBP", 45_195 * w.UNITS, 34_500 * w.UNITS), ("healthy", "GBP", 100 * w.UNITS, 100 * w.UNITS),
            ("warning", "EUR", 90 * w.UNITS, 80 * w.UNITS), ("escalate", "EUR", 5_000 * w.UNITS, 16_000 * w.UNITS))


def spend(**parts: int) -> dict[str, int]:
    values = dict.fromkeys(PARTS, 0) | parts
    return values | {"total": sum(values.values())}


def many() -> list[Incident]:
    """Incidents of every kind, in no order."""
    watched = [w.over(severity="warning", lane="warning", action="slack_alert", flight_id=f"w{n}", campaign_name=f"Watched {n}",
                      actual_micros=(38_000 + n) * w.UNITS) for n in range(7)]
    return [w.silent(), w.unplanned(), *watched, w.unmatched(), w.over(),
            w.shared(Problem.STALE, "account:meta/4411", "No new data.")]


def said(message: Message) -> str:
    return "\n".join(text for block in message.blocks for text in limits.texts(block))


def make(frame: pd.DataFrame = ROWS, incidents: list[Incident] | None = None, **summary: Any) -> Message:
    return digest(summary, frame, many() if incidents is None else incidents, w.PLAIN)


def test_counts_and_the_worst() -> None:
    """The locked phone shows the counts and the worst by money; the counts are of flights, not of incidents."""
    message = make()
    assert message.text == ("Pacing, Wed 18 Nov 08:00 UTC: 1 critical, 1 needs a person, 1 to watch, 1 on plan. "
                            "Worst: Halden UK, HAL_UK_PMax_WinterJackets, 131 % · £10,695 over.")
    assert "*4 flights*: 🔴 1 critical · 🔎 1 needs a person · 🟡 1 to watch · 🟢 1 on plan." in said(message)


def test_flights_before_their_start_and_after_their_close_are_not_counted() -> None:
    """Only flights that are judged now are in the counts and the sums."""
    message = make(pd.concat([ROWS, rows(("healthy", "USD", 1, 1), phase="before"), rows(("healthy", "USD", 1, 1), phase="closed")]))
    assert "*4 flights*" in said(message)
    assert "USD" not in said(message)


def test_currencies_are_never_added() -> None:
    """Each currency has a line of its own, over the flights that can be judged."""
    text = said(make())
    assert "*GBP*: £45,295 spent, £34,600 planned to date, *131 %*." in text
    assert "*EUR*: €90 spent, €80 planned to date, *113 %*." in text
    assert "The 3 flights that can be judged. Currencies are not added together." in text


def test_worst_first_is_severity_then_money() -> None:
    """Within a list the larger amount stands first, whatever the percentage."""
    text = said(make())
    assert text.find("HAL_UK_PMax_WinterJackets") < text.find("Prospecting Nov")
    assert text.find("Watched 6") < text.find("Watched 5") < text.find("Watched 4")
    assert "*To watch (7)*" in text
    assert "… and 4 more in the report" in text


def test_money_outside_every_plan() -> None:
    """Spend that no line covers is said with its amount, since when, and the rate."""
    assert "€3,390 since Sun 15 Nov, Meta account 4411 (about €1,130 a day)" in said(make())


def test_the_total_is_tied_to_its_parts() -> None:
    """The parts of each currency stand there and add up to the total as shown, to the unit."""
    text = said(make(spend_micros={"GBP": spend(matched=428_900_400_000, outside_flight=411_600_000, untracked=0),
                                   "EUR": spend(matched=251_100 * w.UNITS, ambiguous=19_870 * w.UNITS, untracked=3_390 * w.UNITS)}))
    assert "GBP: 428,900 in plan + 412 outside its flight = 429,312, the warehouse total." in text
    assert "EUR: 251,100 in plan + 3,390 in no plan + 19,870 to confirm = 274,360, the warehouse total." in text


def test_parts_that_do_not_add_up_are_an_alarm() -> None:
    """A total that its parts do not reach is said loudly, never made to fit."""
    assert "do *not* add up to the warehouse total 5." in said(make(spend_micros={"GBP": spend(matched=w.UNITS) | {"total": 5 * w.UNITS}}))


@pytest.mark.parametrize(("micros", "shown"), [
    ([333_333, 333_333, 333_334, 1_000_000], ["0.333333", "0.333333", "0.333334", "1.000000"]), ([1_500_000, 2_500_000, 4_000_000], ["2", "2", "4"]),
    ([0, 0], ["0", "0"]), ([400_500_000, 2_400_500_000, 2_801_000_000], ["400.50", "2,400.50", "2,801.00"]), ([999_999, 1, 1_000_000], ["1", "0", "1"])])
def test_each_part_is_rounded_by_itself(micros: list[int], shown: list[str]) -> None:
    """Parts and total are shown to the unit if they add up so, else as far as they do: no figure is bent to fit."""
    assert _as_shown(micros) == shown


def test_a_question_about_the_plan_is_counted_among_those_for_a_person() -> None:
    """What needs a person and is about no flight is in the count as in the list."""
    plan = w.shared(Problem.TRACKER, "tracker:plan.csv", "2 rows of the plan cannot be used.", flights=(), facts={"amounts": {}})
    message = make(incidents=[plan])
    assert "2 need a person" in said(message)
    assert "2 need a person" in message.text


def test_observing_asks_for_nothing() -> None:
    """With mode = "observe" the mode is named, and no line says that a pause is recommended."""
    text = said(digest({}, ROWS, [w.over()], dataclasses.replace(w.PLAIN, observing=True)))
    assert "*Observing only*" in text
    assert "recommended" not in text
    assert "pause recommended" in said(digest({}, ROWS, [w.over()], w.PLAIN))


def test_a_partial_run_says_so_first() -> None:
    """What did not answer stands above the figures."""
    text = said(make(partial=["Meta did not answer; 12 flights are not judged."]))
    assert text.find("*Partial run*: Meta did not answer") < text.find("*GBP*")


def on_its_day(**changes: Any) -> Day:
    return Day(**{"date": date(2026, 11, 18), "zone": "Europe/Berlin", "since": datetime(2026, 11, 17, 7, tzinfo=UTC)} | changes)


def test_since_yesterday() -> None:
    """What is new and what is over since yesterday's digest is counted, in the channel's own time, and what is over is named."""
    done = w.silent().model_copy(update={"state": "resolved"})
    text = said(digest({}, ROWS, [w.over()], w.PLAIN, on_its_day(resolved=[done])))
    assert "Since Tue 17 Nov 08:00 CET: 1 new, 1 resolved." in text
    assert "*Done*\n✅ *Brightwell DE · Prospecting Nov* · not delivering · over after 4 hours" in text
    assert "As of Wed 18 Nov 09:00 CET." in text


def test_a_pause_that_holds_is_done() -> None:
    """Spend that was seen to have stopped is said, once of an open problem and beside what is over."""
    over, done = w.over(), w.silent().model_copy(update={"state": "resolved", "incident_id": "I-over"})
    seen = {over.incident_id: w.AS_OF, done.incident_id: w.AS_OF - timedelta(days=9)}
    text = said(digest({}, ROWS, [over], w.PLAIN, on_its_day(resolved=[done], stopped=seen)))
    assert "· paused · spend has stopped\n" in text
    assert "over after 4 hours · spend has stopped" in text
    assert "paused ·" not in said(digest({}, ROWS, [over], w.PLAIN, on_its_day(stopped={over.incident_id: w.AS_OF - timedelta(days=9)})))


def test_what_is_silenced_is_named_with_its_money() -> None:
    """A silence stands there with the money behind it, its end, its author and the reason; what it mutes is in no other list."""
    silence = Silence(silence_id="S-1", matcher={"client": "Halden UK"}, author="U0BUYERUK", reason="agreed <!here>", set_at=w.AS_OF,
                      ends_at=datetime(2026, 11, 20, 7, tzinfo=UTC))
    message = digest({}, ROWS, [w.over(), w.silent()], w.PLAIN, on_its_day(silenced=[(silence, [w.over()])]))
    assert "🔕 client Halden UK · 1 problem, £10,695 at stake · until Fri 20 Nov 08:00 CET · <@U0BUYERUK>: agreed &lt;!here&gt;" in said(message)
    assert "HAL_UK" not in said(message)
    assert "Worst: Brightwell DE" in message.text


def test_a_clients_digest_is_of_that_client() -> None:
    """Its name stands at the head; nothing that is asked of the desk does."""
    text = said(digest({}, ROWS, many(), w.PLAIN, on_its_day(client="Halden UK")))
    assert text.startswith("Pacing today · Wed 18 Nov · Halden UK")
    assert not [word for word in ("recommended", "Need a person", "outside every plan", "warehouse") if word in text]


def test_an_empty_run() -> None:
    """A run without flights still says so."""
    message = make(rows(), [])
    assert "*0 flights*" in said(message)
    assert limits.check(message) == []


def test_links_and_the_next_run() -> None:
    """Links and the next run are there when they are known."""
    context = dataclasses.replace(w.PLAIN, run_url="https://prefect.example/r", report_url="https://r.example", next_run=datetime(2026, 11, 18, 12, tzinfo=UTC))
    text = said(digest({}, ROWS, [], context))
    assert "<https://prefect.example/r|Run> · <https://r.example|Full report>" in text
    assert "Next run <!date^" in text


def test_the_digest_fits() -> None:
    """With hundreds of incidents, long names and ten currencies it stays in its limits, and keeps the critical ones."""
    long = "Ünïcödé & <name> " * 40
    incidents = [w.over(flight_id=f"c{n}", campaign_name=long, client=long) for n in range(200)] + many() * 3
    frame = rows(*[("healthy", f"C{n}X", 10**15, 10**15) for n in range(10)])
    message = make(frame, incidents, spend_micros={f"C{n}X": spend(matched=10**18, untracked=10**18) for n in range(10)}, partial=[long, long, long])
    assert limits.check(message) == []
    assert len(message.blocks) < limits.CARD_BLOCKS
    assert characters(message.blocks) <= DIGEST_CHARACTERS
    assert "*Critical, by money*" in said(message)
