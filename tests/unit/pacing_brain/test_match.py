import os
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacing_brain.days import BUCKETS
from pacing_brain.frames import FLIGHT_COLUMNS
from pacing_brain.match import buckets, match, quarantined
from pacing_brain.names import fold
from pacing_brain.policy import Policy
from tests.unit.pacing_brain import builders as world
from tests.unit.pacing_brain.builders import UNIT, inputs, patterns, spend, targets


def kinds(given_inputs):
    flights, _ = match(given_inputs)
    return dict(zip(flights["flight_id"], flights["match_kind"], strict=True))


def only(given_inputs):
    flights, days = match(given_inputs)
    return flights.iloc[0], days


def campaign(name, cid="1", **columns):
    return spend(**({"campaign_id": cid, "campaign_name": name} | columns))


def test_same_id_whatever_the_name():
    """The same id is the same campaign, renamed or not, and its days belong to the flight."""
    flight, days = only(inputs(spend=campaign("Completely other")))
    assert (flight["match_kind"], flight["campaign_key"], flight["platform_campaign_id"]) == ("id", "google/A1/1", "1")
    assert set(days["flight_id"]) == {"F1"}
    assert set(days["bucket"]) == {"matched"}


def test_columns_are_the_declared_ones():
    """Every plan and match column of FLIGHT_COLUMNS is there, in order."""
    flights, _ = match(inputs())
    declared = [name for name, (node, _) in FLIGHT_COLUMNS.items() if node in ("plan", "match")]
    assert [name for name in flights.columns if name in declared] == declared


@pytest.mark.parametrize("planned", ["01", "1.0", "１", "1 "])
def test_ids_are_exact_text(planned):
    """An id that merely looks like the platform's is another id: a proposal at most, never a match."""
    assert kinds(inputs(targets(campaign_id=planned)))["F1"] == "ambiguous"


def test_id_must_be_in_the_planned_account():
    """The id in another account contradicts the plan: it is proposed, not matched."""
    flight, days = only(inputs(targets(account_id="A2")))
    assert flight["match_kind"] == "ambiguous"
    assert flight["candidates"][0]["why"] == "it has the id of the plan, but in account A1; the plan says A2"
    assert set(days["bucket"]) == {"ambiguous"}


def test_id_without_account():
    """Without an account the id must be unique on the platform, else both are shown as a tie."""
    assert kinds(inputs(targets(account_id=None)))["F1"] == "id"
    flight, days = only(inputs(targets(account_id=None), spend(account_id=["A1", "A2"], day="2026-06-02")))
    assert [one["verdict"] for one in flight["candidates"]] == ["tie", "tie"]
    assert set(days["bucket"]) == {"ambiguous"}


@pytest.mark.parametrize("scope", ["flight:F1", "campaign:google/acme de shoes summer"])
def test_alias(scope):
    """A confirmed alias matches, by flight or by campaign, and outranks the name."""
    flight, _ = only(inputs(targets(campaign_id=None), campaign("Other name", "9"), patterns=patterns(scope=scope, value="google/A1/9")))
    assert (flight["match_kind"], flight["platform_campaign_id"]) == ("alias", "9")


def test_alias_holds_for_the_other_flights_of_its_campaign():
    """Identity belongs to the campaign: an alias confirmed for June holds for July."""
    plan = targets(campaign_id=None, start_date=["2026-06-01", "2026-07-01"], end_date=["2026-06-30", "2026-07-31"])
    assert kinds(inputs(plan, campaign("Other", "9"), patterns=patterns(value="google/A1/9"))) == {"F1": "alias", "F2": "alias"}


def test_alias_that_ended_or_points_nowhere():
    """An expired alias, or one to a campaign that nobody reports, matches nothing."""
    for learned in (patterns(value="google/A1/77"), patterns(value="google/A1/1", expires_at="2026-06-01T00:00:00Z")):
        assert kinds(inputs(targets(campaign_id=None), campaign("Other"), patterns=learned))["F1"] == "none"


def test_name_in_the_same_account():
    """The same folded name in the same account, unique on both sides, matches; a halt has no id to act on."""
    flight, _ = only(inputs(targets(campaign_id=None, campaign_name="ACME_de-shoes  Summer")))
    assert (flight["match_kind"], flight["campaign_key"], flight["name_similarity"]) == ("name", "google/A1/1", 1.0)
    assert pd.isna(flight["platform_campaign_id"])


def test_name_needs_the_account():
    """An equal name proves something in one account only: without one in the plan it counts where the platform shows a single account."""
    assert kinds(inputs(targets(campaign_id=None, account_id=None)))["F1"] == "name"
    two = spend(account_id=["A1", "A2"], campaign_id=["1", "2"], campaign_name=[world.NAME, "Other"], day="2026-06-02")
    assert kinds(inputs(targets(campaign_id=None, account_id=None), two))["F1"] == "ambiguous"


def test_name_with_a_contradicting_id():
    """A planned id that differs from the platform's is a contradiction: a proposal, never green by name."""
    flight, _ = only(inputs(targets(campaign_id="4711")))
    assert flight["match_kind"] == "ambiguous"
    assert "but the plan says id 4711" in flight["candidates"][0]["why"]


def test_campaign_without_id_is_found_by_name():
    """A platform campaign whose id is null stands by its name, also for a planned id."""
    flight, _ = only(inputs(spend=campaign(world.NAME, None)))
    assert (flight["match_kind"], flight["campaign_key"]) == ("name", f"google/A1/name:{world.NAME}")


def test_two_campaigns_of_one_name_are_a_tie():
    """An equal name that two platform campaigns carry is ambiguous; both are shown with what they spent in the flight."""
    rows = spend(campaign_id=["1", "2", "2"], day=["2026-06-02", "2026-06-02", "2026-05-02"], spend_micros=[5, 7, 9])
    flight, days = only(inputs(targets(campaign_id=None), rows))
    assert [(one["verdict"], one["spend_micros"]) for one in flight["candidates"]] == [("tie", 5), ("tie", 7)]
    assert days["bucket"].tolist() == ["ambiguous", "ambiguous", "outside_flight"]


@pytest.mark.parametrize(("theirs", "why"), [
    ("Acme US Shoes Summer", "market differs"), ("Acme UK Shoes Summer 2", None), ("Acme UK Shoe Summer", None), ("Acme GB Shoes Summer", None),
])
def test_proposals(theirs, why):
    """A look-alike of the same meaning is proposed; UK against US, 95 % alike, never."""
    flight, _ = only(inputs(targets(campaign_id=None, campaign_name="Acme UK Shoes Summer"), campaign(theirs)))
    candidate = flight["candidates"][0]
    assert candidate["verdict"] == ("not proposed" if why else "proposed")
    assert why is None or why in candidate["why"]
    assert flight["match_kind"] == ("none" if why else "ambiguous")


@pytest.mark.parametrize("listed", [[], ["7", "8"]])
def test_two_names_of_one_day_in_any_order(listed):
    """Of two rows of a campaign's newest day the same one describes it in either order, whoever else the campaign list names."""
    rows = spend(campaign_name=["Acme DE Shoes A", "Acme FR Shoes B"], market=["DE", "FR"], day="2026-06-10")
    known = world.campaigns(campaign_id=listed or ["7"], campaign_name=None)[: len(listed)]
    said = [only(inputs(spend=given_rows, campaigns=known))[0][["platform_name", "platform_market"]].tolist() for given_rows in (rows, rows[::-1].reset_index(drop=True))]
    assert said == [["Acme FR Shoes B", "FR"]] * 2


def test_a_campaign_that_is_listed_twice_in_any_order():
    """Of two names that the campaign list has for one id the same one is shown in either order."""
    listed = world.campaigns(campaign_id="1", campaign_name=["Acme DE Shoes A", "Acme DE Shoes B"], status=["paused", "enabled"])
    said = [only(inputs(campaigns=given_rows))[0][["platform_name", "platform_status"]].tolist() for given_rows in (listed, listed[::-1].reset_index(drop=True))]
    assert said == [["Acme DE Shoes B", "enabled"]] * 2


def test_quarters_are_never_matched():
    """Q1 is not Q2, however alike the names are."""
    flight, days = only(inputs(targets(campaign_id=None, campaign_name="Acme Q1 Shoes Summer Sale"), campaign("Acme Q2 Shoes Summer Sale")))
    assert flight["match_kind"] == "none"
    assert set(days["bucket"]) == {"untracked"}


@pytest.mark.parametrize(("length", "kind"), [(20, "ambiguous"), (19, "none")])
def test_least_similarity_of_a_proposal(length, kind):
    """0.85 is enough for a proposal, less is not (3 letters of 20 against 3 of 19)."""
    name = "a" * length
    assert kinds(inputs(targets(campaign_id=None, campaign_name=name), campaign("xyz" + name[3:])))["F1"] == kind


@pytest.mark.parametrize(("changed", "verdicts"), [(3, ["proposed", "not proposed"]), (2, ["tie", "tie"])])
def test_margin_of_a_proposal(changed, verdicts):
    """A proposal is 0.08 above the next: 1 letter of 25 against 3 is proposed (0.08), against 2 it is a tie (0.04)."""
    name = "a" * 25
    rows = spend(campaign_id=["1", "2"], campaign_name=["x" + name[1:], "y" * changed + name[changed:]], day="2026-06-02")
    flight, _ = only(inputs(targets(campaign_id=None, campaign_name=name), rows))
    assert [one["verdict"] for one in flight["candidates"]] == verdicts


def test_thresholds_are_policy():
    """The least similarity and the margin come from the policy's scope of the campaign."""
    strict = Policy.parse('[scope."client=Acme".identity]\nproposal_similarity = 0.99')
    plan = targets(campaign_id=None, campaign_name="Acme DE Shoe Summer")
    assert kinds(inputs(plan))["F1"] == "ambiguous"
    assert kinds(inputs(plan, policy=strict))["F1"] == "none"


def test_only_campaigns_no_other_line_wants():
    """A campaign that another line has by id is not proposed, and two lines that want the same one are both asked."""
    plan = targets(campaign_id=["1", None], campaign_name=[world.NAME, "Acme DE Shoe Summer"])
    flights, _ = match(inputs(plan))
    assert flights["match_kind"].tolist() == ["id", "none"]
    assert flights["candidates"][1][0]["why"] == "row 2 of the plan has it"
    plan = targets(campaign_id=None, campaign_name=["Acme DE Shoe Summer", "Acme DE Shoes Sommer"])
    flights, _ = match(inputs(plan))
    assert [one[0]["verdict"] for one in flights["candidates"]] == ["tie", "tie"]


def test_forgotten_id_of_the_next_flight():
    """A line without an id whose very name another line has by id may be its next flight: a person is asked, its days are ambiguous."""
    plan = targets(campaign_id=["1", None], start_date=["2026-05-01", "2026-06-01"], end_date=["2026-05-31", "2026-06-30"])
    flights, days = match(inputs(plan))
    assert flights["match_kind"].tolist() == ["id", "ambiguous"]
    assert set(days["bucket"]) == {"ambiguous"}


def test_denied_is_never_proposed():
    """What a person denied is neither proposed nor matched by name, and the list says so."""
    no = patterns(kind="not_alias", value="google/A1/1")
    flight, _ = only(inputs(targets(campaign_id=None), patterns=no))
    assert flight["match_kind"] == "none"
    assert flight["candidates"][0]["why"] == "a person answered that it is a different campaign"


def test_monthly_flights_of_one_campaign():
    """Consecutive flights are normal: a day's spend belongs to the flight that covers it, days outside all of them to none."""
    plan = targets(campaign_id="1", start_date=["2026-05-30", "2026-06-01"], end_date=["2026-05-31", "2026-06-02"])
    flights, days = match(inputs(plan, spend(day=["2026-05-29", "2026-05-31", "2026-06-01", "2026-06-03"])))
    assert days["flight_id"].fillna("-").tolist() == ["-", "F1", "F2", "-"]
    assert days["bucket"].tolist() == ["outside_flight", "matched", "matched", "outside_flight"]
    assert set(flights["overlaps"]) == {""}


def test_overlapping_flights():
    """Days that two lines of one campaign claim are ambiguous, both name the other, and other days stay matched."""
    plan = targets(campaign_id="1", start_date=["2026-06-01", "2026-06-03"], end_date=["2026-06-03", "2026-06-04"])
    flights, days = match(inputs(plan, spend(day=["2026-06-02", "2026-06-03", "2026-06-04"])))
    assert days["bucket"].tolist() == ["matched", "ambiguous", "matched"]
    assert flights["overlaps"].tolist() == ["F2", "F1"]
    assert flights["overlap_evidence"].tolist() == ["row 3 (F2), Wed 3 Jun", "row 2 (F1), Wed 3 Jun"]


def test_one_line_over_several_campaigns():
    """Rows of one flight_id are one line: all its campaigns' days are its own, and it has no single campaign."""
    flights, days = match(inputs(targets(flight_id=["L", "L"], market=["DE", "FR"]), spend(campaign_id=["1", "2"], day="2026-06-02")))
    line = flights.iloc[0]
    assert (len(flights), line["rows"], line["n_campaigns"], line["n_matched"], line["match_kind"]) == (1, "2, 3", 2, 2, "id")
    assert pd.isna(line["campaign_key"])
    assert line["market"] == "DE, FR"
    assert [one["campaign_key"] for one in line["campaigns"]] == ["google/A1/1", "google/A1/2"]
    assert set(days["flight_id"]) == {"L"}


def test_a_line_found_in_part_is_ambiguous():
    """A line of which one campaign is not found is not paced as if it were whole."""
    flight, _ = only(inputs(targets(flight_id=["L", "L"])))
    assert (flight["match_kind"], flight["n_matched"]) == ("ambiguous", 1)


def test_known_by_the_campaign_list():
    """A campaign without spend rows is known when the list has it, with its status."""
    flight, _ = only(inputs(spend=spend()[:0], campaigns=world.campaigns(status="paused")))
    assert (flight["match_kind"], flight["known_on_platform"], flight["platform_status"]) == ("id", True, "paused")


@pytest.mark.parametrize("rows", [
    spend(day="2026-06-02", n_rows=[1, 2], campaign_id=["1", "1"]), spend(day="2026-06-02", campaign_name=["a", "b"]), spend(day="2026-06-02", n_rows=[2]),
    spend(day="2026-06-02", spend_micros=[None]),
])
def test_quarantined_rows(rows):
    """Several rows for a campaign and day, or spend that is not a number: all are quarantined, with the reason, and belong to the flight."""
    _, days = match(inputs(spend=rows))
    assert set(days["bucket"]) == {"quarantined"}
    assert set(days["flight_id"]) == {"F1"}
    refused = quarantined(days)
    assert len(refused) == len(rows)
    assert all(one.subject == "google/A1/1" and "2026-06-02" in one.reason for one in refused)


def test_nothing_planned_and_nothing_spent():
    """An empty plan leaves all spend untracked; an empty warehouse leaves the plan unmatched."""
    flights, days = match(inputs(targets()[:0]))
    assert (len(flights), set(days["bucket"])) == (0, {"untracked"})
    flights, days = match(inputs(spend=spend()[:0]))
    assert (flights["match_kind"].tolist(), len(days)) == (["none"], 0)
    assert buckets(days).columns.tolist() == ["currency", *BUCKETS, "total"]


EXAMPLES = 500 if os.environ.get("PACING_TEST_DEEP") else 15
NAMES = ["Acme UK Shoes", "Acme US Shoes", "acme_uk-shoes", "Beta DE Hats", "Beta DE Hat"]
PLAN_ROW = st.fixed_dictionaries({
    "flight_id": st.sampled_from(["F1", "F2", "F3", "F4"]), "campaign_id": st.sampled_from(["1", "2", "3", None]), "campaign_name": st.sampled_from(NAMES),
    "account_id": st.sampled_from(["A1", "A2", None]), "from": st.integers(0, 6), "length": st.integers(0, 4)})
SPEND_ROW = st.fixed_dictionaries({
    "campaign_id": st.sampled_from(["1", "2", "3", None]), "campaign_name": st.sampled_from(NAMES), "account_id": st.sampled_from(["A1", "A2"]),
    "day": st.integers(0, 10), "currency": st.sampled_from(["EUR", "USD"]), "n_rows": st.sampled_from([1, 1, 1, 2]),
    "spend_micros": st.one_of(st.none(), st.integers(-5, 10 * UNIT))})


def _world(plan_rows, spend_rows):
    first = pd.Timestamp("2026-06-01")
    seen = {}
    for row in plan_rows:  # rows of one line have equal dates, as the connectors guarantee
        seen.setdefault(row["flight_id"], (row["from"], row["length"]))
    spans = [seen[row["flight_id"]] for row in plan_rows]
    plan = targets(**{k: [row[k] for row in plan_rows] for k in ("flight_id", "campaign_id", "campaign_name", "account_id")},
                   start_date=[first + timedelta(days=a) for a, _ in spans], end_date=[first + timedelta(days=a + n) for a, n in spans])
    keys = ("campaign_id", "campaign_name", "account_id", "currency", "n_rows", "spend_micros")
    rows = spend(**{k: [row[k] for row in spend_rows] for k in keys}, day=[first + timedelta(days=row["day"]) for row in spend_rows])
    return inputs(plan, rows)


@given(st.lists(PLAN_ROW, min_size=1, max_size=6), st.lists(SPEND_ROW, min_size=1, max_size=12), st.randoms())
@settings(max_examples=EXAMPLES, deadline=None)
def test_every_micro_once_in_any_order(plan_rows, spend_rows, chance):
    """The buckets add up to the reported spend per currency, and row order changes no flight and no row's bucket."""
    given_inputs = _world(plan_rows, spend_rows)
    flights, days = match(given_inputs)
    spent = given_inputs.spend.assign(spend_micros=given_inputs.spend["spend_micros"].fillna(0)).groupby("currency")["spend_micros"].sum()
    table = buckets(days).set_index("currency")
    assert table["total"].to_dict() == spent.to_dict()
    assert table[BUCKETS].sum(axis=1).equals(table["total"])
    order = chance.sample(range(len(spend_rows)), len(spend_rows))
    shuffled = world.inputs(given_inputs.targets.sample(frac=1, random_state=chance.randint(0, 99)), given_inputs.spend.iloc[order].reset_index(drop=True))
    again, days_again = match(shuffled)
    pd.testing.assert_frame_equal(flights, again)
    pd.testing.assert_frame_equal(days[["bucket", "flight_id"]].iloc[order].reset_index(drop=True), days_again[["bucket", "flight_id"]])


def _slow_matches(plan, rows):
    """Matching by the book, one tracker campaign after the other: {plan row -> campaign key} for id and name."""
    known = {(r.account_id, r.campaign_id if pd.notna(r.campaign_id) else f"name:{r.campaign_name}"): r for r in rows.sort_values("day").itertuples()}
    found = {}
    for row in plan.itertuples():
        same = [key for key in known if key[1] == row.campaign_id and (pd.isna(row.account_id) or key[0] == row.account_id)]
        if len(same) == 1:
            found[row.row] = same[0]
    matched = dict(found)
    accounts = {account for account, _ in known}
    single = next(iter(accounts)) if len(accounts) == 1 else None

    def place(row):
        account = matched[row.row][0] if row.row in matched else row.account_id if pd.notna(row.account_id) else single
        return account, fold(row.campaign_name)

    def identity(row):
        return (None if pd.isna(row.account_id) else row.account_id, row.campaign_id if pd.notna(row.campaign_id) else fold(row.campaign_name))

    for row in plan.itertuples():
        account, name = place(row)
        there = [key for key in known if key[0] == account and fold(_newest_name(rows, key)) == name]
        rivals = {identity(other) for other in plan.itertuples() if place(other) == (account, name)}
        if row.row in matched or account is None or len(there) != 1 or len(rivals) != 1 or there[0] in matched.values():
            continue
        if pd.isna(row.campaign_id) or there[0][1].startswith("name:"):
            found[row.row] = there[0]
    return found


def _newest_name(rows, key):
    own = rows[(rows["account_id"] == key[0]) & (rows["campaign_id"].fillna("name:" + rows["campaign_name"]) == key[1])]
    return own.sort_values(["day", "loaded_at", "campaign_name"])["campaign_name"].iloc[-1]


@given(st.lists(PLAN_ROW, min_size=1, max_size=5), st.lists(SPEND_ROW, min_size=1, max_size=8))
@settings(max_examples=EXAMPLES, deadline=None)
def test_agrees_with_matching_by_the_book(plan_rows, spend_rows):
    """On small random worlds the fast matching finds what a slow, obvious one finds, and each day goes where it says."""
    given_inputs = _world([row | {"flight_id": f"F{n}"} for n, row in enumerate(plan_rows)], spend_rows)
    plan, rows = given_inputs.targets, given_inputs.spend
    expected = _slow_matches(plan, rows)
    flights, days = match(given_inputs)
    found = {row.row: tuple(row.campaign_key.split("/")[1:]) for row in flights.itertuples() if row.match_kind in ("id", "name")}
    assert found == expected
    for row in days[days["bucket"] == "matched"].itertuples():
        mine = [p for p in plan.itertuples() if expected.get(p.row) == tuple(row.campaign_key.split("/")[1:]) and p.start_date <= row.day <= p.end_date]
        assert [p.flight_id for p in mine] == [row.flight_id]
