import pandas as pd
import pytest

from pacing_brain.errors import PolicyError
from pacing_brain.policy import Policy


def test_defaults_are_those_of_the_design():
    """The thresholds that people rely on are the documented ones."""
    policy = Policy()
    assert (policy.variance.warning_pct, policy.variance.critical_pct) == (10.0, 25.0)
    assert (policy.confidence.minimum, policy.confidence.weight_metadata, policy.confidence.weight_name, policy.confidence.weight_freshness) == (
        0.70, 0.5, 0.3, 0.2)
    assert (policy.freshness.red_after_hours, policy.freshness.red_after_cycle_hours) == (24.0, 12.0)
    assert (policy.stake.minimum_pct_of_budget, policy.stake.minimum_units) == (0.5, 25.0)
    assert (policy.early.hours, policy.early.closed_days, policy.early.day_factor) == (24.0, 1, 2.0)
    assert (policy.zero.planned_hours, policy.ended.final_after_hours, policy.tracker.red_after_days) == (12.0, 72.0, 14.0)
    assert (policy.identity.proposal_similarity, policy.identity.proposal_margin) == (0.85, 0.08)
    assert (policy.clock.future_minutes, policy.completeness.shrink_pct) == (5.0, 1.0)
    assert (policy.actions.over, policy.actions.under, policy.actions.zero) == ("recommend_halt", "slack_alert", "recommend_halt")


def test_amounts_by_currency_are_set_per_scope():
    """A scope's own amount of a currency wins for its rows; another currency and other rows keep theirs."""
    policy = Policy.parse("[scope.'client=acme']\nstake = { minimum_units_by_currency = { EUR = 900 } }")
    rows = pd.DataFrame({"client": ["Acme", "Acme", "Other"], "currency": ["EUR", "JPY", "EUR"]})
    assert policy.resolve(rows)["stake_units"].tolist() == [900.0, 2500.0, 25.0]


@pytest.mark.parametrize(("text", "said"), [
    ("colour = 'red'", "unknown key colour"),
    ("variance = { warning = 5 }", "unknown key variance.warning"),
    ("variance = { warning_pct = 30.0 }", "warning_pct must be below critical_pct"),
    ("confidence = { weight_name = 0.9 }", "must be 1"),
    ("mode = 'autonomous'", "needs [autonomous] owner"), ("mode = 'autonomous'\n[autonomous]\nowner = 'U0ANA00001'", "needs [autonomous] owner"),
    ("[autonomous]\nowner = 'group:S1'", "no id of a person"),
    ("timezone = 'Mars/Olympus'", "no IANA time zone"),
    ("[scope.acme]\nvariance = { warning_pct = 5.0 }", "is no selector"),
    ("[scope.'client=acme']\nvariance = { warning_pct = -1 }", "greater than 0"),
    ("[scope.'client=acme']\nvarianz = { warning_pct = 1 }", "varianz cannot be set per scope"),
    ("[scope.'client=acme']\nvariance = { warning_pct = 40.0 }", "warning_pct must be below critical_pct"),
    ("mode = ", "is not valid TOML"),
])
def test_a_fault_is_named(text, said):
    """A policy that cannot be used is refused with the file, the key and why."""
    with pytest.raises(PolicyError, match=r"policy\.toml") as refused:
        Policy.parse(text, "policy.toml")
    assert said in str(refused.value)


def test_the_most_specific_scope_wins():
    """platform < client < market < account < campaign < flight, whatever the order in the file."""
    policy = Policy.parse("""
        [scope."flight=F9"]
        variance = { warning_pct = 1.0 }
        [scope."campaign=7"]
        variance = { warning_pct = 2.0 }
        [scope."account=A"]
        variance = { warning_pct = 3.0 }
        [scope."market=UK"]
        variance = { warning_pct = 4.0 }
        [scope."client=acme"]
        variance = { warning_pct = 5.0 }
        [scope."platform=meta"]
        variance = { warning_pct = 6.0 }
    """)
    everything = {"platform": "meta", "client": "acme", "market": "UK", "account_id": "A", "campaign_id": "7", "flight_id": "F9"}
    rows, expected = [], []
    for column, pct in zip(reversed(everything), (1.0, 2.0, 3.0, 4.0, 5.0, 6.0), strict=True):
        rows.append(dict(everything))
        expected.append(pct)
        everything[column] = "other"
    rows.append(dict(everything))
    resolved = policy.resolve(pd.DataFrame(rows))
    assert resolved["variance_warning_pct"].tolist() == [*expected, 10.0]
    assert [policy.winners(row)["variance.warning_pct"][0] for row in rows] == [*expected, 10.0]


def test_platforms_differ_out_of_the_box():
    """Google and Meta load hourly with their own lag, DV360 and others daily; DV360 once a day."""
    resolved = Policy().resolve(pd.DataFrame({"platform": ["google", "meta", "dv360", "tiktok"]}))
    assert resolved["freshness_grain"].tolist() == ["hourly", "hourly", "daily", "daily"]
    assert resolved["freshness_lag_hours"].tolist()[:2] == [2.0, 5.0]
    assert resolved["freshness_refresh_cycle_hours"].tolist() == [4.0, 4.0, 24.0, 4.0]


def test_equal_policies_have_equal_digests_and_others_do_not():
    """A policy is known by the digest of what it says, not of how it is written."""
    assert Policy.parse("# a comment\nmode = 'recommend'\n").digest == Policy().digest
    assert Policy.parse("variance = { warning_pct = 11.0 }").digest != Policy().digest


def test_the_stake_is_a_table_by_currency():
    """A yen is not a pound: the least amount that counts is set per currency."""
    assert Policy().resolve(pd.DataFrame({"currency": ["GBP", "JPY"]}))["stake_units"].tolist() == [25.0, 2500.0]


def test_amounts_of_a_client_stand_over_the_general_ones_by_currency():
    """A client's own limit in euros leaves the general one in pounds as it is."""
    policy = Policy.parse('[approvals]\ntwo_people_above = { GBP = 10, EUR = 20 }\n[scope."client=acme".approvals]\ntwo_people_above = { EUR = 5 }\n')
    assert policy.approvals_for({"client": "Acme"}).two_people_above == {"GBP": 10, "EUR": 5}
    assert policy.approvals_for({"client": "other"}).two_people_above == {"GBP": 10, "EUR": 20}
