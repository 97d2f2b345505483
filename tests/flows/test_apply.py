"""Approved pauses, carried out on a platform that fails in every way that matters: each ends verified, called off, or unknown and told."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from audit import ledger
from audit.identity import system_user
from audit.tables import incidents
from audit.tables import outbox as sent
from flows.answering import Answering
from flows.apply_approved import Applied, alarm_slow, carry_out_all
from flows.commands.missed import missed
from flows.settings import Settings
from flows.wiring import House, open_house
from pacing_brain.errors import Refused, UsageError
from pacing_brain.permissions import Caller
from pacing_brain.rulings import Click
from tests.fakes.platform_server import TOKEN, Campaign, PlatformServer, platform_server
from tests.flows.desk import AT, Desk, campaign_id, loaded, new_database, planned, spent

DEEP = os.environ.get("PACING_TEST_DEEP") == "1"
ANA = "U0ANA00001"
POLICY = f'[approvals]\napprovers = ["{ANA}"]\n'
M1 = campaign_id("M1")
_clicks = itertools.count(1)


@dataclass
class Office:
    """A desk whose Meta campaign M1 is far over plan, and the platform it runs on."""

    desk: Desk
    platform: PlatformServer

    def settings(self, **changes: object):
        own = {"PACING_POLICY": self.desk.folder / "policy.toml", "META_ACCESS_TOKEN": TOKEN, "META_API_URL": self.platform.url}
        return self.desk.settings(**own | changes)

    @contextmanager
    def house(self, **changes: object) -> Iterator[House]:
        with open_house(self.settings(**changes)) as house:
            yield house

    def approve(self, house: House):
        """Approve the pause of M1 as it is asked now; its recommendation."""
        (one,) = [ask for ask in house.recommendations.pending() if ask.campaign_id == M1]
        click = Click("T0", ANA, f"{next(_clicks)}.1", "approve_halt", one.recommendation_id, one.version)
        assert Answering(house).answer(click, Caller("T0", ANA)).verdict == "accepted"
        return one

    def outcome(self, house: House) -> str:
        (one,) = [ask for ask in house.recommendations.newest(10) if ask.campaign_id == M1][:1]
        return one.status

    def apply(self, house: House) -> Applied:
        (applied,) = carry_out_all(house)
        return applied

    def said(self, house: House, *kinds: str):
        with house.database.transaction() as connection:
            return [entry.content for entry in ledger.read(connection, kinds=kinds)]

    def replies(self, house: House) -> list[str]:
        with house.database.transaction() as connection:
            return [row.text for row in connection.execute(sent.select().where(sent.c.kind == "reply").order_by(sent.c.position))]

    def later(self, house: House, by: timedelta) -> None:
        """The database clock goes on."""
        self.desk.at(house.now() + by)


@pytest.fixture(scope="module")
def running() -> Iterator[PlatformServer]:
    with platform_server() as server:
        yield server


@pytest.fixture(scope="module")
def opened(postgres, template_database, warehouse, short_tmp, running) -> Iterator[Office]:
    """One run that asks for a pause of M1, in a database that each test takes a copy of."""
    folder = short_tmp / "office"
    folder.mkdir()
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    with new_database(postgres, template_database) as urls:
        office = Office(Desk(urls, warehouse, folder), running)
        office.desk.sql(f"CREATE DATABASE IF NOT EXISTS {office.desk.database}", f"CREATE SCHEMA IF NOT EXISTS {office.desk.database}.PUBLIC")
        office.desk.plan(planned())
        office.desk.load(over(1.5), loaded())
        ran = office.desk.run(AT, PACING_POLICY=folder / "policy.toml")
        assert "M1" in ran.asks
        yield office


def over(factor: float):
    rows = spent()
    mine = rows["campaign_id"].eq(M1)
    return rows.assign(spend_micros=rows["spend_micros"].mask(mine, (rows["spend_micros"] * factor).round().astype("int64")))


@pytest.fixture
def office(opened, postgres) -> Iterator[Office]:
    with new_database(postgres, opened.desk.urls.name) as urls:
        platform = opened.platform
        platform.campaigns = {M1: Campaign("4402", "Desk M1 autumn", changed_at=AT - timedelta(days=3))}
        platform.changes.clear()
        platform.calls.clear()
        platform.stale.clear()
        platform.now = AT + timedelta(minutes=10)
        for waiting in platform.faults.values():
            waiting.clear()
        desk = Desk(urls, opened.desk.server, opened.desk.folder, opened.desk.database)
        desk.at(AT + timedelta(minutes=5))
        yield Office(desk, platform)


def test_an_approved_pause_is_checked_done_and_read_back(office: Office) -> None:
    """Attempting stands on the ledger before the platform is asked; then it is paused once, read back, told, and never asked again."""
    with office.house() as house:
        office.approve(house)
        assert office.apply(house).outcome == "done"
        assert office.platform.changes == [(M1, "paused")]
        assert [entry["try"] for entry in office.said(house, "action_attempted")] == [1]
        (finished,) = office.said(house, "action_finished")
        assert (finished["outcome"], finished["live"], finished["live_after"]) == ("done", "ACTIVE", "PAUSED")
        assert office.replies(house)[-1].startswith("✅ Paused:")
        assert carry_out_all(house) == []


FAULTS = [  # of reads, of writes; how it ends, how often the status really changes
    ([], ["429"], "aborted", 0),
    ([], ["refused"], "aborted", 0),
    ([], ["expired_token"], "aborted", 0),
    ([], ["gone"], "aborted", 0),
    ([], ["500_before"], "unknown", 0),
    ([], ["500_after"], "done", 1),
    ([], ["reset_before"], "unknown", 0),
    ([], ["reset_after"], "done", 1),
    ([], ["garbage_after"], "done", 1),
    ([], ["accepted_without_effect"], "unknown", 0),
    ([None, "500_before"], [], "unknown", 1),  # the read back gets no answer
    (["500_before"], [], "returned", 0),
    (["reset_before"], [], "returned", 0),
    (["expired_token"], [], "aborted", 0),
]
HARMS = [("paused", "done", "paused already"), ("changed", "aborted", "Somebody changed"), ("ended", "aborted", "nothing left"),
         ("on_plan", "aborted", "no longer recommended"), ("warehouse", "returned", "Nothing was tried"), ("late", "aborted", "within 1 h"),
         ("struck_off", "aborted", "may not decide"), ("stopped", "aborted", "Pauses are stopped"), ("observe", "aborted", "only observes")]


@pytest.mark.parametrize(("reads", "writes", "outcome", "changes"), FAULTS if DEEP else FAULTS[4:14:3])
def test_every_fault_of_a_platform_ends_well(office: Office, reads, writes, outcome, changes) -> None:
    """Verified, called off, back to people, or unknown and told; the status really changes once at most, and later looks settle what was unknown."""
    office.platform.faults["read"].extend(reads)
    office.platform.faults["write"].extend(writes)
    with office.house() as house:
        office.approve(house)
        applied = office.apply(house)
        assert (applied.outcome, len(office.platform.changes)) == (outcome, changes)
        assert len(office.said(house, "action_finished")) == 1
        assert len(office.replies(house)) == 1
        assert TOKEN not in applied.why
        if outcome == "unknown":
            office.later(house, timedelta(minutes=6))
            assert office.apply(house).outcome == "done"
        assert len(office.platform.changes) <= 1
        assert office.outcome(house) == {"unknown": "done", "returned": "pending"}.get(outcome, outcome)


def test_a_stale_read_back_is_unknown_until_it_shows(office: Office) -> None:
    """The platform goes on showing it as serving for a while: nothing is claimed, and it is not paused twice."""
    office.platform.stale[M1] = "serving"
    with office.house() as house:
        office.approve(house)
        assert office.apply(house).outcome == "unknown"
        office.platform.stale.clear()
        office.later(house, timedelta(minutes=6))
        assert office.apply(house).outcome == "done"
        assert office.platform.changes == [(M1, "paused")]


def test_an_outage_in_which_a_person_resumes_it_ends_without_a_pause(office: Office) -> None:
    """Five hours later somebody has turned it on again: that stands."""
    office.platform.faults["write"].append("reset_after")
    office.platform.faults["read"].extend([None, "reset_before"])
    with office.house() as house:
        office.approve(house)
        assert office.apply(house).outcome == "unknown"
        office.platform.now += timedelta(hours=2)
        office.platform.change(M1, "serving")
        office.later(house, timedelta(hours=5))
        assert office.apply(house).outcome == "aborted"
        assert office.platform.changes == [(M1, "paused"), (M1, "serving")]


@pytest.mark.parametrize(("harm", "outcome", "word"), HARMS if DEEP else HARMS[1::2])
def test_what_changed_since_the_approval_is_seen_before_anything_is_done(office: Office, harm, outcome, word) -> None:
    """Status, spend, time, policy and the switch are read at the moment of acting; nothing is tried against them."""
    policy = office.desk.folder / "policy.toml"
    changes = {}
    with office.house() as house:
        office.approve(house)
    if harm in ("paused", "ended"):
        office.platform.campaigns[M1].state = harm
    elif harm == "changed":
        office.platform.campaigns[M1].changed_at = AT + timedelta(minutes=4)
    elif harm == "on_plan":
        office.desk.load(over(1.0), loaded())
    elif harm == "warehouse":
        changes = {"SNOWFLAKE_PORT": 1}
    try:
        policy.write_text({"struck_off": '[approvals]\napprovers = ["U0BEN00001"]\n', "observe": 'mode = "observe"\n' + POLICY}.get(harm, POLICY))
        with office.house(**changes) as house:
            if harm == "late":
                office.later(house, timedelta(minutes=61))
            if harm == "stopped":
                house.halts.set(stopped=True, who="os:ann", reason="a bad feed", by={})
            applied = office.apply(house)
            assert (applied.outcome, word in applied.why) == (outcome, True), applied
            assert office.said(house, "action_attempted") == []
            assert office.platform.changes == []
    finally:
        policy.write_text(POLICY)
        if harm == "on_plan":
            office.desk.load(over(1.5), loaded())


def test_without_credentials_a_person_is_handed_the_steps(office: Office) -> None:
    """The approval ends as handed over, never as done, with the exact steps and a link."""
    with office.house(META_ACCESS_TOKEN=None) as house:
        office.approve(house)
        assert office.apply(house).outcome == "handed_over"
        (finished,) = office.said(house, "action_finished")
        assert f"Find campaign {M1}" in finished["steps"][1]
        assert finished["link"].endswith(f"selected_campaign_ids={M1}")
        assert office.replies(house)[-1].startswith("🤝 Please pause it by hand:")
        assert office.platform.calls == []


def test_the_next_runs_prove_that_spend_stopped_or_say_that_it_did_not(office: Office) -> None:
    """Two days later: no spend since is proof, spend since is an incident of its own and the question may be asked again."""
    with office.house() as house:
        office.approve(house)
        assert office.apply(house).outcome == "done"
    at = AT + timedelta(days=2)
    rows = spent(at)
    mine, after = rows["campaign_id"].eq(M1), rows["day"].dt.date.gt(AT.date())
    boosted = rows["spend_micros"].mask(mine, (rows["spend_micros"] * 1.5).round().astype("int64"))
    office.desk.load(rows.assign(spend_micros=boosted), loaded(at - timedelta(hours=1)))
    try:
        ran = office.desk.run(at, PACING_POLICY=office.desk.folder / "policy.toml")
        (checked,) = ran.said("effect_checked")
        assert (checked["effect"], checked["campaign_id"]) == ("failed", M1)
        assert "campaign:M1:still_spending" in ran.incidents
        assert "M1" in ran.asks
        with office.house() as house:
            assert [text for text in office.replies(house) if text.startswith("🔴 It still spends after the pause: Desk M1 autumn")]
    finally:
        office.desk.load(over(1.5), loaded())
    assert not rows[mine & after].empty


def test_spend_that_stopped_is_said_below_the_card(office: Office) -> None:
    """Once, by the first run that sees a whole day without spend."""
    with office.house() as house:
        office.approve(house)
        assert office.apply(house).outcome == "done"
    at = AT + timedelta(days=2)
    rows = over(1.5)  # nothing later than the day of the pause
    office.desk.load(rows, loaded(at - timedelta(hours=1)))
    try:
        for later in (timedelta(), timedelta(hours=4)):
            ran = office.desk.run(at + later, PACING_POLICY=office.desk.folder / "policy.toml")
            assert len(ran.said("effect_checked")) == (later == timedelta())
        with office.house() as house:
            assert len([text for text in office.replies(house) if text.startswith("✅ Spend has stopped: Desk M1 autumn. Nothing was spent from Fri 06 Nov")]) == 1
            digests = [str(one.blocks) for one in house.outbox.of_run(ran.summary["run_id"]) if one.thread_key.startswith("digest:")]
            assert len([said for said in digests if "M1 autumn* · over plan · over after 2 days · spend has stopped" in said and said.count("stopped") == 1]) == 1
    finally:
        office.desk.load(over(1.5), loaded())


def test_a_problem_that_is_back_as_another_incident_has_its_card_edited(office: Office) -> None:
    """The problem resolved and returned while the pause was on its way: its open card, in the older thread, says what was done."""
    with office.house() as house:
        one = office.approve(house)
        with house.database.transaction() as connection:
            mine = incidents.c.incident_id == one.incident_id
            row = connection.execute(incidents.select().where(mine)).one()
            connection.execute(incidents.update().where(mine).values(state="resolved"))
            connection.execute(incidents.insert().values(row._asdict() | {"incident_id": "I-again", "state": "open"}))
        assert office.apply(house).outcome == "done"
        with house.database.transaction() as connection:
            newest = connection.execute(sent.select().where(sent.c.thread_key == one.incident_id).order_by(sent.c.position.desc()).limit(2)).all()
        assert [row.kind for row in newest] == ["reply", "update"]
        assert "*Paused*" in str(newest[1].blocks)


def paused(office: Office, house: House):
    """A pause of M1 that was done; its recommendation."""
    office.platform.now = house.now()
    one = office.approve(house)
    assert office.apply(house).outcome == "done"
    return house.recommendations.get(one.recommendation_id)


def say(house: House, action: str, one, user: str = ANA):
    given = Answering(house).answer(Click("T0", user, f"{next(_clicks)}.1", action, one.recommendation_id, one.version), Caller("T0", user))
    return given.verdict, given.said


def test_a_pause_is_taken_back_by_the_steps_of_a_pause(office: Office) -> None:
    """Approved, leased, read, on the ledger, resumed once, read back; nobody is asked again at once, and spend is its proof."""
    with office.house() as house:
        one = paused(office, house)
        assert say(house, "undo", one, "U0STRANGER")[0] == "refused"
        assert carry_out_all(house) == []  # never by itself
        assert say(house, "undo", one) == ("accepted", "")
        assert say(house, "undo", one)[0] == "refused"
        assert office.apply(house).outcome == "done"
        assert office.platform.changes == [(M1, "paused"), (M1, "serving")]
        assert office.outcome(house) == "resumed"
        assert [entry["act"] for entry in office.said(house, "action_attempted")] == ["pause", "resume"]
        assert office.replies(house)[-1].startswith("▶️ Resumed:")
        assert house.acts.awaiting_effect(house.now())["kind"].tolist() == ["resume"]
        assert [said.answer for said in house.standing_answers.holding().values()] == ["keep_running"]


TAKEN_BACK = [
    ("changed", "aborted", "Somebody changed", "done"), ("serving", "done", "serving already", "resumed"), ("ended", "aborted", "nothing left", "done"),
    ("struck_off", "aborted", "may not decide", "done"), ("late", "aborted", "within 1 h", "done"), ("away", "returned", "Nothing was tried", "done"),
    ("lost", "unknown", "Read back", "resume_unknown")]


@pytest.mark.parametrize(("harm", "outcome", "word", "status"), TAKEN_BACK if DEEP else TAKEN_BACK[::6])
def test_what_is_taken_back_is_looked_at_first(office: Office, harm, outcome, word, status) -> None:
    """What a person has done to it since stands, and an outcome that is not known is read again before anything else."""
    policy = office.desk.folder / "policy.toml"
    with office.house() as house:
        say(house, "undo", paused(office, house))
        office.platform.changes.clear()
        if harm in ("serving", "ended"):
            office.platform.campaigns[M1].state = harm
        if harm == "changed":
            office.platform.campaigns[M1].changed_at = house.now() + timedelta(minutes=3)
        if harm == "late":
            office.later(house, timedelta(minutes=61))
        office.platform.faults["read"].extend({"away": ["500_before"], "lost": [None, "reset_before"]}.get(harm, []))
        try:
            policy.write_text('[approvals]\napprovers = ["U0BEN00001"]\n' if harm == "struck_off" else POLICY)
            applied = office.apply(house)
        finally:
            policy.write_text(POLICY)
        assert (applied.outcome, word in applied.why, office.outcome(house)) == (outcome, True, status), applied
        assert len(office.platform.changes) == (harm == "lost")
        if harm == "lost":
            office.later(house, timedelta(minutes=6))
            assert office.apply(house).outcome == "done"
            assert office.platform.changes == [(M1, "serving")]


def test_only_what_we_paused_is_taken_back(office: Office) -> None:
    """What was paused already when we looked is somebody else's pause."""
    with office.house() as house:
        office.platform.campaigns[M1].state = "paused"
        one = office.approve(house)
        assert office.apply(house).outcome == "done"
        verdict, said = say(house, "undo", one)
        assert (verdict, "did not pause it" in said) == ("refused", True)


def test_who_was_to_pause_it_says_that_it_is_paused(office: Office) -> None:
    """Once, and by somebody else than the approver where the policy asks for that; the proof counts from there."""
    policy = office.desk.folder / "policy.toml"
    try:
        policy.write_text(f'[approvals]\napprovers = ["{ANA}", "U0BEN00001"]\nreported_by_another = true\n[people]\nana = ["{ANA}"]\nben = ["U0BEN00001"]\n')
        with office.house(META_ACCESS_TOKEN=None) as house:
            one = office.approve(house)
            assert say(house, "report_paused", one, "U0BEN00001")[0] == "refused"  # not handed over yet
            assert office.apply(house).outcome == "handed_over"
            assert house.acts.awaiting_effect(house.now())["kind"].tolist() == ["hand_over"]
            assert "You approved it" in say(house, "report_paused", one)[1]
            office.later(house, timedelta(hours=1))
            assert say(house, "report_paused", one, "U0BEN00001") == ("accepted", "")
            assert "already" in say(house, "report_paused", one, "U0BEN00001")[1]
            (row,) = house.acts.awaiting_effect(house.now() + timedelta(minutes=1)).to_dict("records")
            (said,) = office.said(house, "pause_reported")
            assert (row["kind"], said["human"]) == ("pause", "ben")
            assert row["paused_at"] - AT > timedelta(hours=1)
    finally:
        policy.write_text(POLICY)


AUTONOMOUS = 'mode = "autonomous"\n' + POLICY + '[autonomous]\nowner = "U0OWNER001"\nmax_halts_per_run = 2\nmax_share_of_spend_pct = 60.0\n'


FORBIDS = [("", 1), ("stopped", 0), ("answered", 0), ("another policy", 0), ("two people", 0)]


@pytest.mark.parametrize(("harm", "acts"), FORBIDS if DEEP else FORBIDS[:1])
def test_the_policy_approves_by_itself_only_where_nothing_forbids_it(office: Office, harm, acts) -> None:
    """Both switches, the very policy of the run, one approval enough, nobody's answer; then the path of every pause, announced with its owner."""
    policy = office.desk.folder / "policy.toml"
    two = AUTONOMOUS.replace("[autonomous]", "two_people_above = { EUR = 1 }\n[autonomous]")
    try:
        policy.write_text(two if harm == "two people" else AUTONOMOUS)
        ran = office.desk.run(AT + timedelta(hours=4), PACING_POLICY=policy)
        assert {flight: row["action"] for flight, row in ran.decisions.iterrows() if "halt" in row["action"]} == {"G3": "autonomous_halt", "M1": "autonomous_halt"}
        assert set(ran.asks) == {"G3", "M1"}
        office.platform.campaigns[M1].changed_at = AT
        with office.house() as house:
            assert carry_out_all(house) == []  # the process may not act by itself
        with office.house(PACING_ALLOW_AUTONOMOUS="1") as house:
            if harm == "stopped":
                house.halts.set(stopped=True, who="os:ann", reason="a bad feed", by={})
            if harm == "answered":
                one = ran.asks["M1"]
                version = house.incidents.get(one.incident_id).version
                click = Click("T0", ANA, "1.9", "acknowledge", one.incident_id, version, choice="fixing")
                assert Answering(house).answer(click, Caller("T0", ANA)).verdict == "accepted"
            if harm == "another policy":
                policy.write_text(AUTONOMOUS.replace("60.0", "70.0"))
            assert [(one.outcome, office.platform.changes) for one in carry_out_all(house)] == [("done", [(M1, "paused")])] * acts
            approved = [one for one in office.said(house, "recommendation_decided") if one["decision"] == "approved"]
            assert [one["by"]["owner"] for one in approved] == ["U0OWNER001"] * acts
            if acts:
                assert "U0OWNER001 answers for it" in str(replies_of(house))
                assert carry_out_all(house) == []
    finally:
        policy.write_text(POLICY)


def replies_of(house: House):
    with house.database.transaction() as connection:
        return connection.execute(sent.select().where(sent.c.kind == "reply")).all()


def test_an_approval_that_nobody_carries_out_is_an_alarm_after_five_minutes(office: Office) -> None:
    """Once a day for each."""
    with office.house() as house:
        one = office.approve(house)
        assert alarm_slow(house) == []
        office.later(house, timedelta(minutes=6))
        assert alarm_slow(house) == [one.recommendation_id]
        assert len(office.said(house, "error_recorded")) == 1
        alarm_slow(house)
        assert len(office.said(house, "error_recorded")) == 1


def test_two_processes_carry_out_one_approval_once(office: Office) -> None:
    """Each lease excludes the other; the platform is asked once."""
    from concurrent.futures import ThreadPoolExecutor

    with office.house() as house, office.house() as other:
        office.approve(house)
        with ThreadPoolExecutor(2) as pool:
            done = [applied for found in pool.map(carry_out_all, [house, other]) for applied in found]
        assert [applied.outcome for applied in done] == ["done"]
        assert office.platform.changes == [(M1, "paused")]


def test_a_problem_that_was_missed_is_on_the_record(office: Office, monkeypatch) -> None:
    """Beside what the last run had decided; from whoever may answer, about one campaign, in the past."""
    own, policy = office.settings(), office.desk.folder / "policy.toml"
    with monkeypatch.context() as terminal:
        terminal.setattr(Settings, "read", classmethod(lambda _: own))
        with pytest.raises(Refused, match="may not report"):
            missed("G1", since="2026-11-04T00:00Z", reason="x", who="a", as_json=True)
        try:
            policy.write_text(f'[approvals]\nresponders = ["os:{system_user()}"]\n')
            assert missed("G1", since="2026-11-04T00:00Z", reason="spent nothing", who="a", as_json=True) == 0
            for campaign, since, said in (("G1", "2027-01-01T00:00Z", "future"), ("Desk", "2026-11-04T00:00Z", "names 6"), ("Nothing", "2026-11-04T00:00Z", "names no")):
                with pytest.raises(UsageError, match=said):
                    missed(campaign, since=since, reason="x", who="a", as_json=True)
        finally:
            policy.write_text(POLICY)
    with office.house() as house:
        (said,) = office.said(house, "problem_missed")
        assert (said["subject"], said["reason"], said["lane"]) == ("G1", "spent nothing", "healthy")
