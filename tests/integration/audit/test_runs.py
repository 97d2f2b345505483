"""Runs: one live run per window, one process on it, resumed where it stopped."""

from datetime import timedelta

import pandas as pd
import pytest
from sqlalchemy import update

from audit import ledger, tables
from audit.ledger import Entry
from audit.observations import Observations
from audit.seal import Seal
from audit.windows import Windows
from pacing_brain.errors import LedgerError, RunInterrupted, WindowBusy

FIRST = [Entry("campaign_decided", "F1", {"severity": "healthy"}), Entry("campaign_decided", "F2", {"severity": "critical"})]
SECOND = [Entry("campaign_decided", "F3", {"severity": "warning"})]


def kinds(database, **which):
    with database.transaction() as connection:
        return [entry.kind for entry in ledger.read(connection, **which)]


def test_a_run_is_opened_recorded_and_sealed(database, runs, opening):
    """An opened run is on the ledger; its shards and its seal follow, numbered without gaps; then it stands."""
    with runs.open(opening()) as run:
        assert (run.state, run.shards) == ("new", {})
        assert runs.record_shard(run, 0, FIRST) == range(1, 3)
        assert runs.record_shard(run, 1, SECOND) == range(3, 4)
        assert runs.last_sealed() is None
        sealed = runs.seal(run, Seal(summary={"campaigns": 3}, counts={"campaigns": 3}))
    assert sealed.seqs == range(4, 5)
    assert kinds(database) == ["run_opened", "campaign_decided", "campaign_decided", "campaign_decided", "run_sealed"]
    last = runs.last_sealed()
    assert (last.run_id, last.window, last.completeness) == (run.run_id, opening().window, "complete")
    assert last.summary == {"campaigns": 3, "recommendations_opened": 0, "checkpoint": {"size": 5, "root": sealed.head.root}}


def test_the_seal_says_what_it_seals(database, runs, opening):
    """`run_sealed` names the window, the numbers of every shard and the counts."""
    with runs.open(opening()) as run:
        runs.record_shard(run, 0, FIRST)
        runs.record_shard(run, 1, SECOND)
        runs.seal(run, Seal(summary={}, counts={"campaigns": 3}))
    with database.transaction() as connection:
        (entry,) = ledger.read(connection, kinds=["run_sealed"])
    assert entry.content["seqs"] == [[1, 2], [3, 3]]
    assert entry.content["counts"] == {"campaigns": 3}
    assert (entry.content["window"], entry.content["completeness"]) == ("2026-05-21T08:00:00Z", "complete")


def test_a_run_id_is_readable_and_repeatable(runs, opening):
    """A run id names its window and its mode, and the same start gives the same id in any database."""
    with runs.open(opening()) as run:
        assert run.run_id == "20260521T0800Z-live-" + run.run_id[-6:]
    with runs.open(opening(live=False)) as one, runs.open(opening(live=False)) as other:
        assert one.run_id.startswith("20260521T0800Z-rehearsal-")
        assert one.run_id != other.run_id


def test_a_sealed_window_hands_back_its_summary(runs, opening):
    """A second start of a sealed window adds nothing and gets the summary."""
    with runs.open(opening()) as run:
        runs.seal(run, Seal(summary={"campaigns": 3}))
    with runs.open(opening(as_of=opening().as_of + timedelta(minutes=5))) as again:
        assert (again.state, again.run_id, again.summary["campaigns"]) == ("sealed", run.run_id, 3)
        assert again.lock is None


def test_a_window_that_is_worked_on_is_busy(runs, other_runs, opening):
    """While one process holds a window another gets WindowBusy that names the run and its step; other windows are free."""
    with runs.open(opening()) as run:
        runs.heartbeat(run, "gather")
        with pytest.raises(WindowBusy, match=rf"{run.run_id}, in step gather"):
            other_runs.open(opening())
        other_runs.open(opening(window=opening().window + timedelta(hours=4))).close()
        other_runs.open(opening(live=False)).close()
    with other_runs.open(opening()) as again:
        assert again.state == "resumed"


def test_a_stopped_run_is_resumed_where_it_stopped(database, runs, opening):
    """A run that stopped after it kept its inputs keeps its id, its clock and its shards; shards recorded again stay as they are."""
    with runs.open(opening()) as run:
        Observations(database).keep(run.run_id, "targets", pd.DataFrame({"row": [1]}))
        runs.record_shard(run, 0, FIRST)
    with runs.open(opening(as_of=opening().as_of + timedelta(minutes=30), code_version="2")) as again:
        assert (again.run_id, again.state, again.as_of, again.code_version) == (run.run_id, "resumed", opening().as_of, "1")
        assert again.shards == {0: range(1, 3)}
        assert runs.record_shard(again, 0, FIRST) == range(1, 3)
        runs.record_shard(again, 1, SECOND)
        runs.seal(again, Seal(summary={}))
    assert kinds(database) == ["run_opened", "campaign_decided", "campaign_decided", "run_resumed", "campaign_decided", "run_sealed"]


def test_a_run_that_stopped_before_it_read_anything_reads_with_the_present_clock(runs, opening):
    """What it will read is there now: an older clock would take fresh loads for loads of the future."""
    with runs.open(opening()) as run:
        pass
    later = opening().as_of + timedelta(minutes=30)
    with runs.open(opening(as_of=later)) as again:
        assert (again.run_id, again.state, again.as_of) == (run.run_id, "resumed", later)


def test_a_shard_cannot_say_something_else_later(runs, opening):
    """A resumed run that decides otherwise than what is on the ledger is stopped."""
    with runs.open(opening()) as run:
        runs.record_shard(run, 0, FIRST)
        with pytest.raises(LedgerError, match="other content"):
            runs.record_shard(run, 0, SECOND)


def test_a_process_that_lost_its_window_is_fenced_off(runs, opening):
    """Whoever resumed a run is the only one who may record and seal it, even if the first process lives on."""
    first = runs.open(opening())
    first.close()  # as when its connection broke
    with runs.open(opening()) as second:
        for act in (lambda: runs.record_shard(first, 0, FIRST), lambda: runs.seal(first, Seal(summary={})), lambda: runs.fail(first, "x")):
            with pytest.raises(RunInterrupted, match="taken over"):
                act()
        runs.seal(second, Seal(summary={}))


def test_a_failed_run_says_so_and_is_resumed(database, runs, opening):
    """`run_failed` holds one line; nothing of the run stands, and the next start goes on with it."""
    with runs.open(opening()) as run:
        runs.fail(run, "Snowflake\n did not answer")
    with database.transaction() as connection:
        (entry,) = ledger.read(connection, kinds=["run_failed"])
    assert entry.content["error"] == "Snowflake did not answer"
    assert runs.last_sealed() is None
    with runs.open(opening()) as again:
        assert again.state == "resumed"


def test_a_partial_window_may_be_run_again(database, runs, opening):
    """A partial run stands until its window is sealed again; then the newer one does, and says what it supersedes."""
    with runs.open(opening()) as partial:
        runs.seal(partial, Seal(summary={"n": 1}, completeness="partial"))
    with runs.open(opening()) as whole:
        assert (whole.state, whole.run_id == partial.run_id) == ("new", False)
        assert runs.last_sealed().run_id == partial.run_id
        runs.seal(whole, Seal(summary={"n": 2}))
    assert runs.last_sealed().run_id == whole.run_id
    with database.transaction() as connection:
        assert [entry.content["supersedes"] for entry in ledger.read(connection, kinds=["run_sealed"])] == [None, partial.run_id]
    assert runs.open(opening()).state == "sealed"


def test_sealing_twice_seals_once(database, runs, opening):
    """A seal whose answer was lost can be asked for again: nothing is added."""
    with runs.open(opening()) as run:
        first = runs.seal(run, Seal(summary={"n": 1}))
        again = runs.seal(run, Seal(summary={"n": 1}))
    assert (again.seqs, again.summary) == (range(0), first.summary)
    assert kinds(database).count("run_sealed") == 1


def test_a_seal_with_a_hole_is_refused(runs, opening):
    """A run with a missing shard, or with a frame that was not kept, cannot be sealed."""
    with runs.open(opening()) as run:
        with pytest.raises(LedgerError, match="frame memory was not kept"):
            runs.seal(run, Seal(summary={}, frames={"memory": "00"}))
        runs.record_shard(run, 1, SECOND)
        with pytest.raises(LedgerError, match="shard 0 was not recorded"):
            runs.seal(run, Seal(summary={}))


def test_a_rehearsal_is_neither_current_nor_exclusive(runs, opening):
    """Rehearsals of one window run side by side, and never stand as the last live run."""
    with runs.open(opening(live=False)) as one, runs.open(opening(live=False)) as other:
        runs.seal(one, Seal(summary={}))
        runs.seal(other, Seal(summary={}))
    assert runs.last_sealed() is None
    assert runs.last_sealed(live=False).run_id == other.run_id
    assert runs.get(one.run_id).live is False


def test_the_summary_can_be_completed(runs, opening):
    """What is known only after the seal joins the summary; an unsealed run has none."""
    with runs.open(opening()) as run:
        with pytest.raises(LedgerError, match="not sealed"):
            runs.add_to_summary(run.run_id, {"x": 1})
        runs.seal(run, Seal(summary={"n": 1}))
    runs.add_to_summary(run.run_id, {"seconds": {"deliver": 1.5}})
    assert runs.get(run.run_id).summary["seconds"] == {"deliver": 1.5}
    assert runs.get(run.run_id).summary["n"] == 1


def test_missed_windows_are_said_once(database, runs, opening):
    """Windows without a sealed run since the first live one are missed, the present one is not, and each is said once."""
    windows = Windows(database)
    start = opening().window
    now = start + timedelta(hours=17)  # 01:00 of the next day: the present window is start + 16 h
    assert windows.missed(4, now) == []
    for hours in (0, 8):
        with runs.open(opening(window=start + timedelta(hours=hours))) as run:
            runs.seal(run, Seal(summary={}))
    expected = [start + timedelta(hours=4), start + timedelta(hours=12)]
    assert windows.missed(4, now) == expected
    assert windows.record_missed(windows.missed(4, now)) == expected
    assert windows.record_missed(expected) == []
    assert windows.missed(4, now) == []
    with database.transaction() as connection:
        assert [entry.subject for entry in ledger.read(connection, kinds=["run_missed"])] == ["2026-05-21T12:00Z", "2026-05-21T20:00Z"]


def test_a_run_at_work_is_not_missed(database, admin, runs, opening):
    """An old window whose run still beats is not missed; once it is silent it is."""
    windows = Windows(database)
    later = opening().window + timedelta(hours=5)
    with runs.open(opening()) as run:
        with admin.transaction() as connection:
            connection.execute(update(tables.run_heartbeats).values(at=later - timedelta(minutes=5)))
        assert windows.missed(4, later) == []
        assert windows.missed(4, later + timedelta(minutes=30)) == [run.window]
