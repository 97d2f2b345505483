"""The exact bytes of an entry."""

from datetime import UTC, datetime, timedelta, timezone

import orjson
import pandas as pd
import pytest

from audit.ledger import KINDS, Entry, render
from pacing_brain.errors import LedgerError

AT = datetime(2026, 5, 21, 8, 0, 1, 250000, tzinfo=UTC)


def test_an_entry_is_utf8_json_with_sorted_keys():
    """The bytes are JSON with sorted keys, the instant RFC 3339 in UTC, text as it is."""
    body = render(Entry("campaign_decided", "F\U0001f642", {"target_micros": 10**18, "a": None}), 7, AT, "r1")
    assert body == ('{"a":null,"at":"2026-05-21T08:00:01.250000Z","kind":"campaign_decided","run_id":"r1","seq":7,'
                    '"subject":"F\U0001f642","target_micros":1000000000000000000}').encode()


def test_instants_of_other_zones_are_said_in_utc_terms():
    """An instant in a body keeps its offset, so that it is read as the same instant."""
    local = AT.astimezone(timezone(timedelta(hours=2)))
    said = orjson.loads(render(Entry("run_opened", "r", {"window": local}), 0, AT, None))["window"]
    assert datetime.fromisoformat(said) == AT


def test_instants_of_pandas_are_instants():
    """A pandas instant reads like any other, its missing value is null."""
    body = orjson.loads(render(Entry("run_opened", "r", {"at_last": pd.Timestamp(AT), "never": pd.NaT}), 0, AT, None))
    assert (body["at_last"], body["never"]) == ("2026-05-21T08:00:01.250000Z", None)


def test_the_kinds_are_the_contracts():
    """Every kind that CONTRACT.md names is known, and no other word is taken."""
    assert {"run_opened", "campaign_decided", "decisions_restated", "run_sealed", "run_missed", "body_withheld"} <= KINDS
    with pytest.raises(LedgerError, match="'campaign_guessed' is no kind"):
        render(Entry("campaign_guessed", "F1"), 0, AT, "r1")


@pytest.mark.parametrize("key", ["seq", "at", "run_id", "kind", "subject"])
def test_a_body_cannot_overrule_its_entry(key):
    """The keys that every entry has are not taken from its body."""
    with pytest.raises(LedgerError, match=f"must not name {key}"):
        render(Entry("run_opened", "r", {key: 1}), 0, AT, "r1")


@pytest.mark.parametrize("value", [object(), 2**64, "\ud800", {1, 2}])
def test_what_json_cannot_say_is_refused_by_name(value):
    """A value that has no JSON is refused with the entry's kind and subject."""
    with pytest.raises(LedgerError, match="run_opened of r is no JSON"):
        render(Entry("run_opened", "r", {"value": value}), 0, AT, "r1")
