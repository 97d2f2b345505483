"""Frames that runs keep: whole, once per content, and found out when they were changed."""

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import func, select, text

from audit import tables
from audit.observations import Observations
from audit.seal import Seal
from pacing_brain.digests import frame_digest
from pacing_brain.errors import LedgerError
from pacing_brain.frames import SPEND


@pytest.fixture
def observations(database):
    return Observations(database)


@pytest.fixture
def run(runs, opening):
    with runs.open(opening()) as run:
        yield run


def spend(days, micros=1_000_000):
    """Odd on purpose: emoji, character 0, nulls, NaN, money beyond 2^53."""
    return SPEND.check(pd.DataFrame({
        "platform": "meta", "account_id": "1", "campaign_id": [None, "7"] * days, "campaign_name": ["\U0001f642\x00", None] * days,
        "currency": "USD", "day": np.repeat(pd.date_range("2026-05-01", periods=days), 2), "spend_micros": [None, 2**53 + micros] * days,
        "n_rows": 1, "conversions": [np.nan, 0.5] * days, "loaded_at": pd.Timestamp("2026-05-20T01:00Z"), "status": "active"}))


def in_order(frame):
    return frame.sort_values(["day", "campaign_id"], ignore_index=True)


def blobs(database):
    with database.transaction() as connection:
        return connection.execute(select(func.count()).select_from(tables.blobs)).scalar_one()


def test_what_is_kept_comes_back(observations, run):
    """A frame with nulls, emoji, NaN and wide money comes back equal, in parts or whole, and its digest is its content's."""
    frame = spend(20)
    assert observations.keep(run.run_id, "targets", frame) == frame_digest(frame)
    observations.keep(run.run_id, "spend", frame, by_week_of="day")
    for name in ("targets", "spend"):
        pd.testing.assert_frame_equal(in_order(observations.load(run.run_id, name)), in_order(frame))
    assert set(observations.kept(run.run_id)) == {"targets", "spend"}


def test_a_frame_without_rows_comes_back(observations, run):
    """No rows are a content too, with their columns and dtypes."""
    observations.keep(run.run_id, "spend", SPEND.empty(), by_week_of="day")
    pd.testing.assert_frame_equal(observations.load(run.run_id, "spend"), SPEND.empty())


def test_decisions_with_lists_and_dicts_come_back(observations, run):
    """Object columns come back as the JSON that they are."""
    frame = pd.DataFrame({"flight_id": pd.Series(["F1", "F2"], dtype="str"), "gates": [{"b": 1, "a": {"state": "red"}}, None],
                          "reasons": [["first", "second"], []]})
    observations.keep(run.run_id, "decisions", frame)
    pd.testing.assert_frame_equal(observations.load(run.run_id, "decisions"), frame)


def test_unchanged_history_is_kept_once(database, observations, runs, opening, run):
    """A second run with one changed day adds one blob: the week of that day."""
    observations.keep(run.run_id, "spend", spend(28), by_week_of="day")
    before = blobs(database)
    changed = spend(28)
    changed.loc[changed.index[-1], "spend_micros"] += 1
    with runs.open(opening(live=False)) as other:
        digest = observations.keep(other.run_id, "spend", changed.sample(frac=1, random_state=1), by_week_of="day")
        assert blobs(database) == before + 1
        assert digest != observations.kept(run.run_id)["spend"]
        pd.testing.assert_frame_equal(in_order(observations.load(other.run_id, "spend")), in_order(changed))


def test_keeping_again_changes_nothing_and_another_content_is_refused(database, observations, run):
    """A resumed run may keep the same frame again; another frame under the same name is refused."""
    first = observations.keep(run.run_id, "targets", spend(2))
    assert observations.keep(run.run_id, "targets", spend(2).iloc[::-1]) == first
    assert blobs(database) == 1
    with pytest.raises(LedgerError, match="kept another frame targets"):
        observations.keep(run.run_id, "targets", spend(3))


@pytest.mark.parametrize("damage", ["overlay(data PLACING decode(repeat('00', 400), 'hex') FROM length(data) / 2)", "substr(data, 1, 40)", "''"])
def test_a_changed_blob_is_found_out(admin, observations, run, damage):
    """Bytes that a superuser changed behind the trigger are found out when the frame is loaded."""
    observations.keep(run.run_id, "spend", spend(5))
    with admin.transaction() as connection:
        connection.execute(text("ALTER TABLE pacing.blobs DISABLE TRIGGER append_only"))
        connection.execute(text(f"UPDATE pacing.blobs SET data = {damage}"))
    with pytest.raises(LedgerError, match=f"frame spend of run {run.run_id}, part all"):
        observations.load(run.run_id, "spend")


def test_another_content_in_its_place_is_found_out(admin, observations, run):
    """A well-formed blob with one other figure, and a part taken away, are found out too."""
    observations.keep(run.run_id, "spend", spend(10), by_week_of="day")
    observations.keep(run.run_id, "other", spend(10, micros=2), by_week_of="day")
    with admin.transaction() as connection:
        connection.execute(text("ALTER TABLE pacing.recorded_parts DISABLE TRIGGER append_only"))
        connection.execute(text("UPDATE pacing.recorded_parts p SET digest = o.digest FROM pacing.recorded_parts o "
                                "WHERE p.name = 'spend' AND o.name = 'other' AND o.part = p.part"))
        connection.execute(text("DELETE FROM pacing.recorded_parts WHERE name = 'other' AND part = '2026-W18'"))
    for name in ("spend", "other"):
        with pytest.raises(LedgerError, match="other parts"):
            observations.load(run.run_id, name)


def test_only_a_sealed_live_run_stands(observations, runs, opening):
    """The standing frame is that of the newest sealed live run: not of an unsealed one, not of a rehearsal."""
    with runs.open(opening(live=False)) as rehearsal, runs.open(opening()) as run:
        observations.keep(rehearsal.run_id, "memory", spend(1))
        runs.seal(rehearsal, Seal(summary={}))
        digest = observations.keep(run.run_id, "memory", spend(2))
        assert observations.standing("memory") is None
        runs.seal(run, Seal(summary={}, frames={"memory": digest}))
    assert len(observations.standing("memory")) == 4
    with pytest.raises(LedgerError, match="kept no frame targets"):
        observations.load(run.run_id, "targets")
