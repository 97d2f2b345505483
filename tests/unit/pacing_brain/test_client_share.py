"""The same share under plan over all of a client's flights."""

import pytest

from pacing_brain import client_share
from tests.unit.pacing_brain import cohort


def codes(pacing, **columns):
    defaults = {"lane": "warning", "phase": "live", "root_cause_code": "steadily_off_plan", "root_cause": "Its own days.", "zero_delivery": False, "mitigation": ["Raise it."]}
    table = client_share.name(cohort.flights(pacing_pct=pacing, **defaults | columns))
    assert all((steps == [client_share.REMEDY]) == (code == client_share.CODE) for steps, code in zip(table["mitigation"], table["root_cause_code"], strict=True))
    return table["root_cause_code"].tolist(), table["root_cause"].tolist()


def test_one_share_is_a_fee():
    """Three flights at 85 % of plan: gross against net, or a fee, and not three campaigns at fault."""
    found, said = codes([85.0, 84.6, 85.4])
    assert found == [client_share.CODE] * 3
    assert said[0] == ("All 3 flights of Acme are under plan by the same share, about 15 %, as they are when the plan is gross and the spend is net, "
                       "or when a fee is taken off.")


@pytest.mark.parametrize(("pacing", "changes"), [
    ([85.0, 85.0], {}), ([85.0, 85.0, 90.0], {}), ([98.5, 98.5, 98.5], {}), ([115.0, 115.0, 115.0], {}),
    ([85.0, 85.0, 85.0], {"client": ["Acme", "Acme", "Zeta"]}), ([85.0, 85.0, 85.0], {"root_cause_code": "late_start"}),
    ([85.0, 85.0, 85.0], {"phase": ["live", "live", "early"]})])
def test_what_is_none(pacing, changes):
    """Too few flights, different shares, nearly on plan, over plan, different clients, a cause that is known, too early."""
    assert client_share.CODE not in codes(pacing, **changes)[0]


def test_a_healthy_flight_counts_and_keeps_its_peace():
    """One of them is inside its band: it is evidence, and is told nothing."""
    found, _ = codes([85.0, 85.0, 85.0], lane=["warning", "warning", "healthy"])
    assert found == [client_share.CODE, client_share.CODE, "steadily_off_plan"]
