"""Budgets that rows share, budgets in parts, gaps, and what a month hands on."""

import pytest

from tests.unit.connectors.trackers import read

UNIT = 1_000_000


def reasons(got):
    return {(fault.row, fault.column): fault.reason for fault in got.quarantined}


def test_a_group_is_one_line_over_platforms():
    """Rows of one budget group are one line with one budget, whatever their own ids and platforms; a budget in only the first is all of theirs."""
    got = read({"flight_id": "", "budget_group": "Winter"}, {"flight_id": "X", "budget_group": "Winter", "campaign_id": "2", "platform": "meta", "budget": ""},
               {"flight_id": "F9", "campaign_id": "9"})
    assert got.quarantined == ()
    assert got.targets["flight_id"].tolist() == ["Winter", "Winter", "F9"]
    assert got.targets["platform"].tolist()[:2] == ["google", "meta"]
    assert got.targets["budget_micros"].tolist() == [1_000 * UNIT] * 3


def test_a_group_that_disagrees_is_refused_whole():
    """Another budget, currency or dates in one of its rows: which is meant cannot be known."""
    got = read({"budget_group": "Winter"}, {"budget_group": "Winter", "campaign_id": "2", "budget": "900"}, {"flight_id": "F9", "campaign_id": "9"})
    assert got.targets["flight_id"].tolist() == ["F9"]
    assert all("differ in budget" in said for said in reasons(got).values())


def test_a_group_has_a_name_of_its_own():
    """A group that is called as another line would be joined with it."""
    got = read({"budget_group": "F9"}, {"flight_id": "F9", "campaign_id": "9"})
    assert any("another line" in said for said in reasons(got).values())


PARENT = {"flight_id": "ALL", "campaign_id": "", "campaign_name": "All winter", "budget": "1500"}


def parts(*budgets, **changes):
    return [{"flight_id": f"P{at}", "campaign_id": str(at), "parent_flight_id": "ALL", "budget": budget} | (changes if at == 1 else {}) for at, budget in enumerate(budgets)]


def test_parts_that_add_up_are_paced_and_their_sum_is_not():
    """The parent is no campaign: it is counted once, in its parts."""
    got = read(PARENT, *parts("1000", "500"))
    assert got.quarantined == ()
    assert got.targets["flight_id"].tolist() == ["P0", "P1"]


@pytest.mark.parametrize(("budgets", "words"), [(("1000", "400"), "add up to 1,400.00, 100.00 less than its 1,500.00"), (("1000", "501"), "1.00 more")])
def test_parts_that_do_not_add_up_are_named_and_paced(budgets, words):
    """The sum is a fault of the parent's row; the parts are paced all the same."""
    got = read(PARENT, *parts(*budgets))
    assert words in reasons(got)[2, "budget"]
    assert got.targets["flight_id"].tolist() == ["P0", "P1"]


@pytest.mark.parametrize(("change", "column", "words"), [
    ({"parent_flight_id": "AL"}, "parent_flight_id", "no line of this plan"), ({"currency": "EUR"}, "currency", "EUR is not"),
    ({"end_date": "2026-05-02"}, "start_date", "outside those of its line"), ({"budget_group": "G"}, "parent_flight_id", "cannot stand beside budget_group")])
def test_a_part_that_does_not_fit_its_line_is_refused(change, column, words):
    """A parent that is not there, another currency, other days."""
    got = read(PARENT, *parts("1000", "500", **change))
    assert words in reasons(got)[4, column]
    assert got.targets["flight_id"].tolist() == ["P0"]


def test_a_parent_with_a_campaign_of_its_own_is_refused():
    """Whose spend would it be?"""
    assert "only the parts are campaigns" in reasons(read(PARENT | {"campaign_id": "77"}, *parts("1000", "500")))[2, "campaign_id"]


def test_a_gap_lies_inside_its_flight():
    """A gap is two days, in order, inside the flight and less than it."""
    good = read({"pause_from": "2026-04-10", "pause_to": "2026-04-12"})
    assert [f"{good.targets[name][0]:%m-%d}" for name in ("pause_from", "pause_to")] == ["04-10", "04-12"]
    for pause, words in ((("2026-03-30", "2026-04-02"), "before the flight"), (("2026-04-20", "2026-05-01"), "after the flight"), (("2026-04-12", "2026-04-10"), "before pause_from"),
                         (("2026-04-01", "2026-04-30"), "the whole flight")):
        assert any(words in said for said in reasons(read({"pause_from": pause[0], "pause_to": pause[1]})).values())


def test_what_rolls_over_needs_a_cycle():
    """Each month of the cycle has the cap; a gap beside a cycle cannot be."""
    got = read({"cycle": "monthly:1", "rollover_cap_pct": "20%", "end_date": "2026-05-31"})
    assert got.targets["rollover_cap_pct"].tolist() == [20.0, 20.0]
    assert "needs a cycle" in reasons(read({"rollover_cap_pct": "20"}))[2, "rollover_cap_pct"]
    assert any("beside a cycle" in said for said in reasons(read({"cycle": "monthly:1", "pause_from": "2026-04-10", "pause_to": "2026-04-12"})).values())
