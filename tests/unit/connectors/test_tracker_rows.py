"""Every row of a tracker is paced as it is meant, or quarantined with its place and the next step."""

import pytest

from pacing_brain.errors import TrackerUnreadable
from tests.unit.connectors.trackers import GOOD, csv_bytes, read, read_bytes, rows_of

NASTY = '🚀 <!channel> "quoted"; semi, \u202eعرض\u202c ' + "x" * 500


def refused(column, value, **more):
    """The one quarantined row of a tracker whose one row has this value."""
    got = read(**{column: value}, **more)
    assert len(got.targets) == 0
    (fault,) = got.quarantined
    assert (fault.source, fault.place, fault.row, fault.column, fault.value) == ("tracker", "plan.csv", 2, column, value[:200] or None)
    return fault.reason


def test_a_good_row_is_a_target():
    """A complete row arrives with exact micros, days and text ids, and nothing is quarantined."""
    got = read(account_id="007", updated_at="2026-04-09T08:00:00+02:00", timezone="europe/berlin", owner="U1", curve="front:60")
    assert got.quarantined == ()
    row = got.targets.iloc[0]
    assert (row.budget_micros, str(row.start_date.date()), str(row.end_date.date())) == (1_000_000_000, "2026-04-01", "2026-04-30")
    assert (row.account_id, row.timezone, row.curve, row.curve_pct) == ("007", "Europe/Berlin", "front", 60.0)
    assert str(row.updated_at) == "2026-04-09 06:00:00+00:00"
    assert (row.row, row.flight_id, got.name) == (2, "F1", "plan.csv")


@pytest.mark.parametrize(("column", "value", "words"), [
    ("platform", "myspace", "no platform that is known"), ("platform", "", "is empty: fill it in"),
    ("currency", "DOLLAR", "no ISO 4217 currency"), ("currency", "XYZ", "no ISO 4217 currency"), ("currency", "", "is empty"),
    ("timezone", "Mars/Olympus", "no IANA time zone"),
    ("budget", "0", "is not above zero"), ("budget", "-500", "is not above zero"), ("budget", "$-1,200.00", "is not above zero"),
    ("budget", "(1,200)", "is not above zero"), ("budget", "", "is empty"), ("budget", "tbd", "is not an amount"),
    ("budget", "1.234", "may mean 1234 or 1.234"), ("budget", "NaN", "is not an amount"), ("budget", "1.2.3", "separators"),
    ("start_date", "03/04/2026", "can mean 2026-04-03 or 2026-03-04"), ("start_date", "03.04.2026", "can mean"),
    ("start_date", "2026-02-30", "no day of the calendar"), ("start_date", "soon", "is not a date"), ("start_date", "", "is empty"),
    ("start_date", "46113", "day number"), ("start_date", "01/04/26", "several ways"), ("start_date", "1026-04-01", "has the year 1026"),
    ("end_date", "2026-03-31", "lies before start_date"),
    ("campaign_id", "1.2E+17", "rounded by a spreadsheet"), ("campaign_id", "120000000000000000", "rounded by a spreadsheet"),
    ("campaign_id", "123456789012346000", "rounded by a spreadsheet"), ("account_id", "1,2E+17", "rounded by a spreadsheet"),
    ("campaign_id", "1234567890123450", "rounded by a spreadsheet"),
    ("curve", "sideways", "is no curve"), ("curve", "front:120", "is no curve"), ("curve", "front", "is no curve"),
    ("parent_flight_id", "F0", "is no line of this plan"), ("cycle", "monthly:32", "is no cycle"), ("cycle", "weekly", "is no cycle"),
    ("rollover_cap_pct", "10", "needs a cycle"), ("pause_from", "2026-04-05", "stands alone"), ("pause_to", "2026-04-05", "stands alone"),
    ("budget_type", "hourly", "no type of budget"),
    ("cost_basis", "grossish", "neither net nor gross"), ("updated_at", "03/04/2026", "can mean"),
    ("target_to_date", "2000", "more than the budget"), ("target_to_date", "-1", "is negative"),
])
def test_a_row_that_cannot_be_used_is_quarantined(column, value, words):
    """The row is named with file, row, column, value and a reason that carries the next step; it is never paced."""
    assert words in refused(column, value)


@pytest.mark.parametrize(("column", "value"), [
    ("cycle", "none"), ("budget_type", "total"), ("cost_basis", "net"), ("curve", ""), ("timezone", ""), ("campaign_id", "00123"),
    ("campaign_id", "23851234567890123"), ("campaign_id", "'120000000000000000"), ("start_date", "4 Apr 2026"), ("end_date", "13/05/2026"),
    ("start_date", "04/04/2026"), ("start_date", "2026-04-01T00:00:00"), ("end_date", "30. April 2026"), ("end_date", "May 3rd, 2026"),
])
def test_what_is_plain_enough_is_used(column, value):
    """Harmless values and unambiguous spellings are no fault."""
    assert read(**{column: value}).quarantined == ()


def test_an_id_is_always_text():
    """Leading zeros and long ids stay as they are; the apostrophe of a spreadsheet is not part of the id."""
    got = read(campaign_id="00123", account_id="'120000000000000000")
    assert got.targets.loc[0, ["campaign_id", "account_id"]].tolist() == ["00123", "120000000000000000"]


def test_one_sixteen_digit_id_in_ten_ends_in_zero_by_nature():
    """A 16-digit id that ends in zero is used when another one of the column does not."""
    got = read({"flight_id": "A", "campaign_id": "1234567890123450"}, {"flight_id": "B", "campaign_id": "1234567890123457"})
    assert got.quarantined == ()


@pytest.mark.parametrize(("written", "platform"), [("Google Ads", "google"), ("AdWords", "google"), ("Facebook", "meta"), ("META", "meta"),
                                                   ("DV360", "dv360"), ("Display & Video 360", "dv360"), ("TikTok", "tiktok")])
def test_platforms_have_synonyms(written, platform):
    """The names that people use mean the names that the feeds use."""
    assert read(platform=written).targets["platform"].tolist() == [platform]


def test_a_name_stands_in_for_an_id():
    """Without an id the name is enough; without both the row is quarantined."""
    got = read(campaign_id="", flight_id="")
    assert got.targets["campaign_id"].isna().all()
    assert got.targets["flight_id"].tolist() == ["google:Spring:2026-04-01"]
    assert "both empty" in read(campaign_id="", campaign_name="").quarantined[0].reason


def test_a_derived_line_is_named_by_platform_campaign_and_start():
    """A row without flight_id is its own line."""
    assert read(flight_id="").targets["flight_id"].tolist() == ["google:4711:2026-04-01"]


def test_the_same_campaign_twice_is_refused_in_both_rows():
    """Two rows that derive one line are both quarantined, and each names both rows."""
    got = read({"flight_id": ""}, {"flight_id": ""}, {"flight_id": "", "campaign_id": "2"})
    assert [q.row for q in got.quarantined] == [2, 3]
    assert all("rows 2 and 3 plan the same campaign" in q.reason for q in got.quarantined)
    assert got.targets["campaign_id"].tolist() == ["2"]


def test_rows_of_one_line_share_a_budget_that_is_written_once():
    """Later rows of a line may leave the budget empty: they take the line's."""
    got = read({}, {"campaign_id": "2", "budget": "", "start_date": "", "end_date": "", "currency": ""}, {"campaign_id": "3", "budget": ""})
    assert got.quarantined == ()
    assert got.targets["budget_micros"].tolist() == [1_000_000_000] * 3


@pytest.mark.parametrize(("column", "value"), [("budget", "999"), ("currency", "EUR"), ("end_date", "2026-04-29"), ("curve", "asap")])
def test_rows_of_one_line_that_differ_are_all_refused(column, value):
    """A line whose rows disagree on budget, currency, dates or curve is quarantined whole."""
    got = read({"curve": "even"}, {"campaign_id": "2", column: value}, {"flight_id": "F2"})
    assert got.targets["flight_id"].tolist() == ["F2"]
    assert all(f"differ in {column}" in q.reason and "rows 2 and 3" in q.reason for q in got.quarantined)


def test_a_line_is_paced_whole_or_not_at_all():
    """A line that loses a row to a fault waits as a whole: half of its spend against all of its budget would be wrong."""
    got = read({}, {"campaign_id": "1.2E+17"}, {"flight_id": "F2"})
    assert got.targets["flight_id"].tolist() == ["F2"]
    assert "row 3 of the same line (F1) cannot be used" in got.quarantined[0].reason


def test_a_gross_budget_is_compared_after_its_fee():
    """Gross 1,000 with a fee of 15 % leaves 850 to spend on media; a fee beside a net budget changes nothing."""
    row = read(cost_basis="gross", fee_pct="15", target_to_date="100", updated_at="2026-04-09").targets.iloc[0]
    assert (row.budget_micros, row.gross_micros, row.fee_pct, row.target_to_date_micros) == (850_000_000, 1_000_000_000, 15.0, 85_000_000)
    assert read(cost_basis="net", fee_pct="15").targets["budget_micros"].tolist() == [1_000_000_000]
    assert read(cost_basis="gross", fee_pct="7.5%").targets["budget_micros"].tolist() == [925_000_000]


@pytest.mark.parametrize(("fee", "words"), [("", "is empty for a gross budget"), ("0.15", "share or a percentage"), ("100", "not between 0 and 100"),
                                            ("lots", "is not an amount")])
def test_a_gross_budget_without_a_plain_fee_is_refused(fee, words):
    """A gross budget needs its fee, and a fee that can be read in two ways is an error."""
    assert words in refused("fee_pct", fee, cost_basis="gross")


def test_an_old_target_to_date_is_refused():
    """A stated target counts as of the end of updated_at's day: after seven more days it paces nothing."""
    assert read(target_to_date="100", updated_at="2026-04-03T01:00:00Z").quarantined == ()
    assert "older than 7 days" in read(
        target_to_date="100", updated_at="2026-04-02T23:00:00Z").quarantined[0].reason
    assert read(target_to_date="100").quarantined == ()


def test_a_custom_curve_needs_its_target():
    """curve = custom without target_to_date is refused."""
    assert "is empty for curve custom" in read(curve="custom").quarantined[0].reason


def test_outside_text_survives_as_data():
    """A 500-character name with emoji, right-to-left text, quotes, semicolons and a Slack mention arrives unchanged."""
    got = read(campaign_name=NASTY, client="<!channel>")
    assert got.targets.loc[0, ["campaign_name", "client"]].tolist() == [NASTY, "<!channel>"]
    assert len(read(budget=NASTY).quarantined[0].value) == 200


def test_one_bad_row_harms_no_other():
    """Of three rows one is quarantined and two are paced; each keeps its row number."""
    got = read({"flight_id": "A"}, {"flight_id": "B", "budget": "x"}, {"flight_id": "C"})
    assert got.targets[["row", "flight_id"]].to_numpy().tolist() == [[2, "A"], [4, "C"]]
    assert [(q.row, q.subject) for q in got.quarantined] == [(3, "B")]


def test_a_row_with_several_faults_is_told_once():
    """One row is one quarantined row: the first fault leads, the others follow in its reason."""
    (fault,) = read(budget="x", currency="y").quarantined
    assert fault.column == "currency"
    assert "Also: budget 'x' is not an amount" in fault.reason


def test_row_order_decides_nothing():
    """The same rows in another order give the same lines."""
    rows = [{"flight_id": f"F{n}", "campaign_id": str(n), "budget": f"{n},000"} for n in range(1, 9)]
    ahead, behind = (read(*each).targets.drop(columns="row").sort_values("flight_id", ignore_index=True) for each in (rows, rows[::-1]))
    assert ahead.equals(behind)


def test_a_tracker_of_no_rows_is_unreadable():
    """A header alone is a clear error, not a plan without campaigns."""
    with pytest.raises(TrackerUnreadable, match=r"plan\.csv has a header but no rows\. Put the plan back"):
        read_bytes(csv_bytes(rows_of())[: len(",".join(GOOD)) + 2])
