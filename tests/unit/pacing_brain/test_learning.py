"""From the loads that runs saw to the rhythm of a feed."""

import pandas as pd
import pytest

from pacing_brain import frames, learning

AS_OF = pd.Timestamp("2026-11-05T00:00Z")


def loads(hours, account="A1", platform="dv360"):
    """Loads of an account so many hours before the run; each seen by two runs."""
    frame = pd.DataFrame({"platform": platform, "account_id": account, "loaded_at": [AS_OF - pd.Timedelta(hours=h) for h in hours], "from_rows": False})
    return frames.LOADS.check(pd.concat([frame, frame]))


def learned(seen, known=None):
    return learning.load_rhythms(seen, frames.PATTERNS.empty() if known is None else known, AS_OF)


def test_a_steady_feed_has_a_rhythm():
    """Five loads a day apart: 24 h, with its support, its end date and full confidence; a load that two runs saw counts once."""
    (row,) = learned(loads([100, 76, 52, 28, 4])).to_dict("records")
    assert (row["kind"], row["scope"], row["value"], row["support"], row["confidence"]) == ("load_rhythm", "account:dv360/A1", "24.0 h", 5, 1.0)
    assert row["expires_at"] == AS_OF + pd.Timedelta(days=30)


def test_the_rhythm_is_the_median():
    """One late load does not move it; it lowers the confidence."""
    (row,) = learned(loads([100, 76, 52, 24, 4, 0])).to_dict("records")
    assert row["value"] == "24.0 h"
    assert 0.5 < row["confidence"] < 1.0


@pytest.mark.parametrize("hours", [[76, 52, 28, 4], [4], [], [100, 99, 98, 30, 29, 28]])
def test_too_few_loads_or_no_rhythm_teach_nothing(hours):
    """Fewer than five loads, or gaps that differ by more than half their median."""
    assert len(learned(loads(hours))) == 0


def test_what_is_in_force_is_not_learned_again():
    """Per account, until it expires."""
    seen = pd.concat([loads([100, 76, 52, 28, 4]), loads([16, 12, 8, 4, 0], "A2")])
    first = learned(seen)
    assert first["value"].tolist() == ["24.0 h", "4.0 h"]
    assert learned(seen, first.iloc[:1])["scope"].tolist() == ["account:dv360/A2"]
    assert len(learned(seen, first)) == 0


def test_the_same_is_learned_in_any_order():
    """Row order changes nothing, ids included; another day gives another id."""
    seen = loads([100, 76, 52, 28, 4])
    assert learned(seen).equals(learned(seen.iloc[::-1]))
    later = learning.load_rhythms(seen, frames.PATTERNS.empty(), AS_OF + pd.Timedelta(days=1))
    assert later["pattern_id"].tolist() != learned(seen)["pattern_id"].tolist()


def test_nothing_seen_is_nothing_learned():
    """No run has seen a load, or none has kept any: an empty frame of patterns."""
    for seen in (frames.LOADS.empty(), pd.DataFrame()):
        assert learned(seen).columns.tolist() == frames.PATTERNS.columns
