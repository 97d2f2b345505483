"""Charts: the same figures as the decision, as SVG and as text."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date

import pytest

from flows.report_charts import charts
from notifiers.chart_png import DPI, INCHES, png
from notifiers.charts import Chart, at, svg, svg_file, text
from pacing_brain.natives import natives
from tests.reports import sample_facts

UNIT = 1_000_000
HALF = Chart(date(2026, 11, 1), date(2026, 11, 30), "GBP", ((0.0, 0), (0.5, 30_000 * UNIT), (1.0, 60_000 * UNIT)),
             ((0.0, 0), (0.5, 45_000 * UNIT)), ((0.5, 45_000 * UNIT), (0.55, 46_000 * UNIT)), 0.5, 10.0, 25.0)


def test_a_line_is_level_outside_and_straight_between() -> None:
    """The height of the plan at any share of the flight is what a ruler would show."""
    assert [at(HALF.plan, x) for x in (-1, 0, 0.25, 0.5, 1, 2)] == [0, 0, 15_000 * UNIT, 30_000 * UNIT, 60_000 * UNIT, 60_000 * UNIT]


def test_the_drawing_is_xml_with_a_label_and_no_style() -> None:
    """It has a sentence for who cannot see it, and nothing that a strict page would refuse."""
    drawn = ET.fromstring(svg(HALF))  # noqa: S314  our own drawing
    assert drawn.get("aria-label") == "£45,000 spent, £30,000 planned to date, £60,000 planned in all."
    assert [one.get("class") for one in drawn.iter("path")] == ["axis", "far", "near", "plan", "now", "spent", "later"]
    assert not any(name.startswith(("on", "style", "href")) for one in drawn.iter() for name in one.attrib)


def test_bands_stand_around_the_plan_up_to_now() -> None:
    """At "complete to" the outer band reaches 25 % above the plan and ends there."""
    far = next(one for one in ET.fromstring(svg(HALF)).iter("path") if one.get("class") == "far")  # noqa: S314
    points = [tuple(map(float, point.split())) for point in far.get("d", "").strip("MZ").split("L")]
    assert max(x for x, _ in points) == 160
    assert min(y for _, y in points) == pytest.approx(98 - 92 * 37_500 / 60_000, abs=0.5)


def test_text_shows_spend_plan_and_bands() -> None:
    """In the terminal each stands in its own sign, with a legend and the sentence."""
    lines = text(HALF)
    assert lines[-1] == HALF.said
    assert all(sign in "\n".join(lines[:-2]) for sign in "●○·░")
    assert max(len(line) for line in lines) <= 100


def test_a_forecast_is_a_fan_from_what_is_spent() -> None:
    """It opens at "complete to", ends on its range at the flight's end, is within the drawing, and is said; without one nothing is drawn."""
    told = replace(HALF, forecast=(90_000 * UNIT, 85_000 * UNIT, 95_000 * UNIT))
    fan = next(one for one in ET.fromstring(svg(told)).iter("path") if one.get("class") == "fan")  # noqa: S314
    points = [tuple(map(float, point.split())) for point in fan.get("d", "").strip("MZ").split("L")]
    assert [x for x, _ in points] == [160, 318, 318]
    assert points[1][1] == 6  # the highest amount that is shown
    assert told.said.endswith("Ends near £90,000 (80 % range £85,000 to £95,000).")
    assert "×" in "\n".join(text(told)[:-2])
    assert "fan" not in svg(HALF)
    assert "fan" not in svg(replace(told, complete=1.0))


def test_it_is_a_picture_too() -> None:
    """The same chart gives the same PNG, of its size, whatever stands in its title; as an SVG file it has its own style and its name space."""
    told = replace(HALF, forecast=(90_000 * UNIT, 85_000 * UNIT, 95_000 * UNIT), currency="USD")
    drawn = png(told, "a $x^{2$ \u202e\U0001f600 漢字 " * 9)
    assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
    assert tuple(int.from_bytes(drawn[at : at + 4], "big") for at in (16, 20)) == tuple(round(inches * DPI) for inches in INCHES)
    assert png(HALF, "x") == png(HALF, "x")
    assert ET.fromstring(svg_file(HALF)).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314
    assert "prefers-color-scheme:dark" in svg_file(HALF)


def test_nothing_known_is_said() -> None:
    """A flight whose spend is not known has its plan, and says so."""
    unknown = Chart(HALF.first, HALF.last, "GBP", HALF.plan, (), (), None, 10.0, 25.0)
    assert unknown.said == "£60,000 planned in all; what is spent is not known."
    ET.fromstring(svg(unknown))  # noqa: S314
    assert len(text(unknown)) == len(text(HALF))


def test_charts_of_the_sample_world_end_on_the_decisions_figures() -> None:
    """Spend at "complete to" is the decision's, to the micro, and the plan there is its planned to date; the plan ends on the budget."""
    facts = sample_facts()
    drawn = charts(facts.decisions, facts.days, facts.inputs.policy)
    assert len(drawn) > 50
    for row in natives(facts.decisions[facts.decisions["flight_id"].isin(drawn)]):
        chart = drawn[row["flight_id"]]
        if row["actual_micros"] is not None:
            assert chart.spent[-1][1] == row["actual_micros"], row["flight_id"]
        assert at(chart.plan, chart.complete or 0.0) == row["target_micros"], row["flight_id"]
        assert chart.plan[-1] == (1.0, row["budget_micros"])
        assert sorted(chart.plan) == list(chart.plan)
