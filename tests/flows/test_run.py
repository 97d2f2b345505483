"""Whole runs of the sample agency, window after window: what the summary says, what the ledger holds, what becomes of problems."""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from audit import ledger
from audit.observations import Observations
from audit.outbox import Outbox
from flows.run_pacing import Request, run_window
from flows.world import World
from tests.flows.desk import AT, Desk, Ran, new_database
from tests.unit.audit.merkle_reference import reference_root
from tests.worlds import sample_world

SECOND, THIRD = AT + timedelta(hours=4), AT + timedelta(hours=8)
MENDED = "critical_over"  # the case whose budget is corrected before the third window
SUMMARY = ["run_id", "window", "as_of", "policy_digest", "campaigns", "by_severity", "by_action", "quarantined", "unmatched_targets", "untracked", "mode", "already_sealed", "days", "spend_micros", "alerts_queued", "recommendations_opened", "checkpoint", "seconds"]
MONEY = ["matched", "after_watermark", "untracked", "ambiguous", "outside_flight", "quarantined", "total"]
DECIDED = ["campaign_id", "platform", "account_id", "flight_id", "currency", "target_micros", "actual_micros", "watermark", "variance_pct", "direction", "unexplained_pct", "bridge", "pacing_pct", "band_severity", "severity", "zero_delivery", "confidence", "gates", "lane", "action", "recommendation", "requires_human", "match_kind", "watermark_basis", "incident", "reasons", "root_cause", "mitigation", "forecast", "inputs_digest", "seq", "at", "run_id", "kind", "subject"]


@dataclass
class Lived:
    """Three windows, a second start of the first, and rehearsals after them, in one record."""

    desk: Desk
    first: Ran
    size: int  # of the ledger after the first
    again: dict[str, object]
    size_again: int
    second: Ran
    told_by_second: list[tuple[str, str]]
    third: Ran
    exported: Path


def show(desk: Desk, world: World, at) -> World:
    visible = world.at(at)
    desk.load(visible.spend, visible.loads)
    desk.tracker.write_text(world.targets_csv(), encoding="utf-8")
    return world


def mended(world: World) -> World:
    """The plan with a budget for what the campaign spends."""
    (flight,) = world.labels.loc[world.labels["case"].eq(MENDED), "flight_id"]
    budget = next(name for name in world.targets.columns if "udget" in name)
    mine = world.targets["Flight ID"].eq(flight)
    raised = world.targets[budget].mask(mine, (world.targets.loc[mine, budget].astype(float) * 1.38).round(2).astype(str).iloc[0])
    return dataclasses.replace(world, targets=world.targets.assign(**{budget: raised}))


@pytest.fixture(scope="module")
def lived(postgres, template_database, warehouse, short_tmp) -> Iterator[Lived]:
    folder = short_tmp / "run"
    folder.mkdir()
    with new_database(postgres, template_database) as urls:
        desk, world = Desk(urls, warehouse, folder), sample_world()
        show(desk, world, AT)
        first = desk.run()
        size = len(desk.entries())
        again = run_window(desk.settings(), Request(as_of=AT))
        size_again = len(desk.entries())
        show(desk, world, SECOND)
        second = desk.run(SECOND)
        with desk.record() as database:
            told = [(message.kind, message.thread_key) for message in Outbox(database).of_run(second.summary["run_id"])]
        show(desk, mended(world), THIRD)
        third = desk.run(THIRD)
        with desk.record() as database:
            ledger.export(database, folder / "export")
        yield Lived(desk, first, size, again, size_again, second, told, third, folder / "export")


def test_the_summary_has_every_key_with_the_worlds_own_figures(lived):
    """Every key of the contract is there, and the buckets are the integers that the world itself adds up to."""
    summary = lived.first.summary
    assert set(SUMMARY) <= set(summary)
    assert (summary["window"], summary["as_of"], summary["mode"], summary["already_sealed"]) == ("2026-11-05T08:00:00Z",) * 2 + ("live", False)
    assert summary["campaigns"] == sum(summary["by_severity"].values()) == sum(summary["by_action"].values()) == len(lived.first.decisions)
    assert set(summary["seconds"]) >= {"gather", "decide", "record", "deliver", "learn", "report"}
    spend = sample_world().at(AT).spend
    asked = spend[spend["day"].between(summary["days"]["from"], summary["days"]["to"])]
    assert {currency: money["total"] for currency, money in summary["spend_micros"].items()} == asked.groupby("currency")["spend_micros"].sum().to_dict()
    for money in summary["spend_micros"].values():
        assert list(money) == MONEY
        assert all(type(value) is int for value in money.values())
    lived.first.adds_up()
    labels = sample_world().labels["case"]
    assert summary["quarantined"] == sum(row["kind"] == "row_quarantined" for row in lived.first.quarantined()) >= labels.eq("broken_tracker_row").sum()
    assert summary["untracked"] >= labels.eq("spend_without_plan_line").sum()
    assert summary["unmatched_targets"] == lived.first.decisions["match_kind"].isin(["none", "ambiguous"]).sum()


def test_the_ledger_holds_what_happened_in_order(lived):
    """A window is opened, its inputs and buckets are said, each campaign is decided once, problems and questions are opened, and it is sealed."""
    kinds = [entry.kind for entry in lived.first.entries]
    counted = Counter(kinds)
    assert kinds[0] in ("policy_adopted", "run_opened")
    assert kinds[-1] == "run_sealed"
    assert kinds.index("inputs_recorded") < kinds.index("run_reconciled") < kinds.index("campaign_decided") < kinds.index("incident_opened")
    assert counted["campaign_decided"] == lived.first.summary["campaigns"]
    assert counted["incident_opened"] == len(lived.first.incidents)
    assert counted["recommendation_opened"] == len(lived.first.asks) == lived.first.summary["by_action"]["recommend_halt"]
    assert set(counted) <= ledger.KINDS


def test_every_decision_has_every_key(lived):
    """Each `campaign_decided` carries all keys of the contract, null where something is not known; money is whole."""
    for body in lived.first.said("campaign_decided"):
        assert set(DECIDED) <= set(body), set(DECIDED) - set(body)
        assert body["subject"] == body["flight_id"]
        assert all(value is None or type(value) is int for name, value in body.items() if name.endswith("_micros"))
        assert set(body["confidence"]) == {"score", "metadata", "name", "freshness"}
        assert body["reasons"]
    several = [body for body in lived.first.said("campaign_decided") if body.get("campaigns")]
    assert len(several) == 1
    assert several[0]["campaign_id"] is None
    assert sum(one["actual_micros"] for one in several[0]["campaigns"]) == several[0]["actual_micros"]


def test_frames_are_kept_with_the_digests_that_the_ledger_says(lived):
    """Inputs, decisions and memory of the run are in the record, under the digests of its entries."""
    with lived.desk.record() as database:
        kept = Observations(database).kept(lived.first.summary["run_id"])
        memory = Observations(database).load(lived.first.summary["run_id"], "memory")
    (said,) = lived.first.said("inputs_recorded")
    assert said["digests"] == {name: digest for name, digest in kept.items() if name not in ("decisions", "memory")}
    assert {"targets", "spend", "loads", "totals", "decisions", "memory"} <= set(kept)
    assert sorted(memory["flight_id"]) == sorted(lived.first.decisions.index)
    seqs = {entry.subject: entry.seq for entry in lived.first.entries if entry.kind == "campaign_decided"}
    assert dict(zip(memory["flight_id"], memory["decided_seq"], strict=True)) == seqs


def test_the_export_is_the_ledger(lived):
    """`entries.jsonl` holds every entry in order; each leaf and the root can be recomputed from its bytes alone (RFC 6962)."""
    lines = [json.loads(line) for line in (lived.exported / "entries.jsonl").read_text(encoding="utf-8").splitlines()]
    entries = lived.desk.entries()[:len(lines)]
    assert [line["seq"] for line in lines] == list(range(len(lines)))
    assert [line["body"].encode() for line in lines] == [entry.body for entry in entries]
    assert all(line["leaf"] == hashlib.sha256(b"\x00" + line["body"].encode()).hexdigest() for line in lines)
    assert all(json.loads(line["body"])["seq"] == line["seq"] for line in lines)
    size = lived.third.summary["checkpoint"]["size"]  # at the seal; what was delivered after it stands after it
    assert {json.loads(line["body"])["kind"] for line in lines[size:]} == {"message_delivered"}
    root = reference_root([line["body"].encode() for line in lines[:size]]).hex()
    assert lived.third.summary["checkpoint"]["root"] == root


def test_a_second_start_shows_what_was_sealed_and_writes_nothing(lived):
    """The window is `already_sealed`: the same summary, and not one entry more; what was delivered after the seal is signed now."""
    assert lived.again | {"anchor": None} == lived.first.summary | {"already_sealed": True, "anchor": None}
    assert lived.again["anchor"]["size"] == lived.size
    assert lived.size_again == lived.size


def test_the_next_window_restates_what_stands(lived):
    """Decisions whose facts did not move cite the entry that stands; every flight is decided or restated, once."""
    stands = {entry.seq: entry.subject for entry in lived.first.entries if entry.kind == "campaign_decided"}
    restated = [stands[seq] for body in lived.second.said("decisions_restated") for seq in body["seqs"]]
    decided = [body["flight_id"] for body in lived.second.said("campaign_decided")]
    assert restated
    assert sorted([*restated, *decided]) == sorted(lived.second.decisions.index)


def test_the_next_window_renews_incidents(lived):
    """What was open and is still found keeps its incident; the day's digest is updated, not posted again."""
    both = lived.first.incidents.keys() & lived.second.incidents.keys()
    assert len(both) > 10
    assert all(lived.first.incidents[name].incident_id == lived.second.incidents[name].incident_id for name in both)
    opened = {body["fingerprint"] for body in lived.second.said("incident_opened")}
    assert not opened & lived.first.incidents.keys()
    assert ("update", "digest:console:2026-11-05") in lived.told_by_second
    still = lived.first.asks.keys() & lived.second.asks.keys()
    assert still
    assert {body["flight_id"] for body in lived.second.said("recommendation_renewed")} == still


def test_a_mended_fault_is_resolved_and_its_question_withdrawn(lived):
    """The budget is corrected: the change of the plan is said, the incident resolved, the recommendation withdrawn."""
    (flight,) = sample_world().labels.loc[sample_world().labels["case"].eq(MENDED), "flight_id"]
    assert flight in lived.second.asks
    assert flight not in lived.third.asks
    assert [body["subject"] for body in lived.third.said("target_changed")] == [flight]
    assert lived.second.said("target_changed") == []
    assert f"campaign:{flight}:over" in {body["fingerprint"] for body in lived.third.said("incident_resolved")}
    (answer,) = (body for body in lived.third.said("recommendation_decided") if body["flight_id"] == flight)
    assert answer["decision"] == "withdrawn"
    assert lived.third.lanes[flight] == ("healthy", "log_only")


def test_a_rehearsal_tells_nobody_and_leaves_nothing(lived, tmp_path):
    """A past instant, or another policy, is recorded as a rehearsal: no message, no incident, no question, no memory; and it may be run again."""
    policy = tmp_path / "other.toml"
    policy.write_text("[variance]\ncritical_pct = 20.0\n", encoding="utf-8")
    desk = lived.desk

    def remembered() -> object:
        with desk.record() as database:
            return Observations(database).standing("memory").astype("str").to_dict("records"), Outbox(database).counts()

    before = remembered()
    past = desk.left(run_window(desk.settings(), Request(as_of=AT - timedelta(days=2))))
    other = desk.left(run_window(desk.settings(), Request(as_of=THIRD, policy=policy)))
    same = desk.left(run_window(desk.settings(), Request(as_of=THIRD, rehearsal=True)))
    for ran in (past, other, same):
        assert (ran.summary["mode"], ran.summary["alerts_queued"], ran.summary["recommendations_opened"]) == ("rehearsal", 0, 0)
        assert not ran.said("incident_opened", "incident_changed", "incident_resolved", "recommendation_opened", "recommendation_renewed")
        assert ran.incidents == lived.third.incidents
        assert ran.asks == lived.third.asks
        assert ran.said("campaign_decided", "decisions_restated")
    assert remembered() == before
    assert same.summary["policy_digest"] == lived.third.summary["policy_digest"]
    assert other.summary["policy_digest"] != lived.third.summary["policy_digest"]
    assert other.summary["by_severity"]["critical"] >= lived.third.summary["by_severity"]["critical"]


def test_the_query_tag_is_the_run_id(lived):
    """The session that a run reads with asks for the run's id as its query tag (what Snowflake is told at login: test_snowflake_login)."""
    arguments = lived.desk.snowflake.connect_arguments(lived.first.summary["run_id"])
    assert arguments["session_parameters"]["QUERY_TAG"] == lived.first.summary["run_id"]


def test_frames_of_the_record_are_the_worlds(lived):
    """The spend that was kept is what the warehouse showed at that instant, to the micro."""
    with lived.desk.record() as database:
        kept = Observations(database).load(lived.first.summary["run_id"], "spend")
    shown = sample_world().at(AT).spend
    asked = shown[shown["day"].between(pd.Timestamp(lived.first.summary["days"]["from"]), pd.Timestamp(lived.first.summary["days"]["to"]))]
    assert kept["spend_micros"].sum() == asked["spend_micros"].sum()
    assert kept["n_rows"].sum() == len(asked)
