"""What people say about which campaign is meant, over whole runs: certain from the next one on, kept through a rename, undone without a trace."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from flows.answering import Answering
from flows.commands import patterns
from flows.run_pacing import Request, run_window
from flows.settings import Settings
from flows.wiring import open_house
from pacing_brain.digests import frame_digest
from pacing_brain.model import Incident
from pacing_brain.permissions import Caller
from pacing_brain.rulings import Click
from tests.flows.desk import AT, Desk, Ran, loaded, new_database, planned, spent

ANA = "U0ANA00001"
NEXT, LATER = AT + timedelta(hours=4), AT + timedelta(hours=5)
NAMES = {"G2": "Winter jackets and coats", "M2": "Summer sandals retargeting"}  # as the platform spells them; the plan has no id, and one letter less


@pytest.fixture(scope="module")
def asked(postgres: Any, template_database: str, warehouse: Any, short_tmp: Any) -> Iterator[tuple[Desk, Ran]]:
    """A run that asks about two campaigns whether they are the ones that are meant."""
    folder = short_tmp / "renamed"
    folder.mkdir()
    (folder / "policy.toml").write_text(f'[approvals]\napprovers = ["{ANA}"]\ncli = true\n', encoding="utf-8")
    with new_database(postgres, template_database) as urls:
        desk = Desk(urls, warehouse, folder)
        desk.sql(f"CREATE DATABASE IF NOT EXISTS {desk.database}", f"CREATE SCHEMA IF NOT EXISTS {desk.database}.PUBLIC")
        desk.plan([row | {"campaign_id": "", "campaign_name": NAMES[row["flight_id"]].replace("a", "", 1)} if row["flight_id"] in NAMES else row for row in planned()])
        desk.load(named(NAMES), loaded())
        yield desk, desk.run(AT, PACING_POLICY=desk.folder / "policy.toml")


def named(names: dict[str, str], at: Any = AT) -> Any:
    rows = spent(at)
    return rows.assign(campaign_name=rows["campaign_name"].replace({f"Desk {flight} autumn": name for flight, name in names.items()}))


def rehearsed(desk: Desk) -> Ran:
    """The same instant, with what is known now; nobody is told."""
    desk.at(AT + timedelta(minutes=10))
    return desk.left(desk_run(desk, Request(as_of=LATER, rehearsal=True)))


def desk_run(desk: Desk, request: Request) -> dict[str, Any]:
    return run_window(desk.settings(PACING_POLICY=desk.folder / "policy.toml"), request)


def said(ran: Ran) -> list[dict[str, Any]]:
    """What the ledger has of each decision, without when and by which run."""
    return [{name: value for name, value in body.items() if name not in ("seq", "at", "run_id")} for body in ran.said("campaign_decided")]


def answer(desk: Desk, incidents: dict[str, Incident], event: str) -> None:
    """G2 is the campaign that is meant, M2 is not."""
    desk.at(AT + timedelta(minutes=5))
    with open_house(desk.settings(PACING_POLICY=desk.folder / "policy.toml")) as house:
        for flight, action in (("G2", "confirm_match"), ("M2", "deny_match")):
            (one,) = [each for each in incidents.values() if each.finding.flights == (flight,)]
            click = Click("T0", ANA, f"{event}.{flight}", action, one.incident_id, one.version)
            assert Answering(house).answer(click, Caller("T0", ANA)).verdict == "accepted"


def proposed(ran: Ran, flight: str) -> list[str]:
    return [one["campaign_name"] for one in ran.decisions.loc[flight, "candidates"] if one["verdict"] == "proposed"]


def test_a_renamed_campaign_is_matched_and_a_denied_one_is_not_proposed(asked: tuple[Desk, Ran], retire: Callable[[], None]) -> None:
    """Proposed, answered, taken back: the decisions are what they were, to the byte; answered again and renamed: certain, and never proposed."""
    desk, ran = asked
    assert (proposed(ran, "G2"), proposed(ran, "M2")) == ([NAMES["G2"]], [NAMES["M2"]])
    before = rehearsed(desk)
    answer(desk, ran.incidents, "1")
    after = rehearsed(desk)
    assert after.decisions.loc["G2", "match_kind"] == "alias"
    assert said(after) != said(before)
    retire()
    again = rehearsed(desk)
    assert said(again) == said(before)
    place_on_the_ledger = ["standing_seq"]
    assert frame_digest(again.decisions.drop(columns=place_on_the_ledger)) == frame_digest(before.decisions.drop(columns=place_on_the_ledger))

    answer(desk, ran.incidents, "2")
    desk.load(named({"G2": "Something else 2031", "M2": NAMES["M2"]}, NEXT), loaded(NEXT - timedelta(hours=1)))
    renamed = desk.run(NEXT, PACING_POLICY=desk.folder / "policy.toml")
    g2 = renamed.decisions.loc["G2"]
    assert (g2["match_kind"], g2["lane"], g2["gates"]["identity"]["state"]) == ("alias", "healthy", "green")
    assert (proposed(renamed, "M2"), renamed.decisions.loc["M2", "match_kind"]) == ([], "none")


@pytest.fixture
def retire(asked: tuple[Desk, Ran], monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`pacing patterns retire` of everything that is in force, by the user of this machine, who may."""
    desk, _ = asked

    def all_of_them() -> None:
        from audit.identity import system_user

        policy = desk.folder / "policy.toml"
        text = policy.read_text(encoding="utf-8")
        policy.write_text(text.replace(f'"{ANA}"', f'"{ANA}", "os:{system_user()}"'), encoding="utf-8")
        own = desk.settings(PACING_POLICY=policy)
        with open_house(own) as house:
            known = house.patterns.in_force(LATER)["pattern_id"].tolist()
        with monkeypatch.context() as terminal:
            terminal.setattr(Settings, "read", classmethod(lambda _: own))
            for one in known:
                assert patterns.retire(one, who=ANA, reason="two campaigns after all", as_json=True) == 0
        policy.write_text(text, encoding="utf-8")

    return all_of_them
