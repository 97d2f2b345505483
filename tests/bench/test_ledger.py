"""What an append costs, how long a click waits beside a run, and how much room entries take. Off by default: `PACING_TEST_BENCH=1 pytest -s tests/bench`.

Bodies are those of the sample agency's decisions; the server is durable (fsync on), as in production.
"""

import itertools
import multiprocessing
import os
import statistics
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from audit import clock, ledger, migrate
from audit.database import Database, raw
from audit.ledger import Entry
from audit.runs import Opening, Runs
from flows.local_postgres import EmbeddedPostgres
from flows.recording import SHARD_ENTRIES
from pacing_brain.brain import PacingBrain
from pacing_brain.decision import bodies
from tests.conftest import APP_LOGIN
from tests.worlds import inputs_of, sample_world

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800), pytest.mark.skipif(os.environ.get("PACING_TEST_BENCH") != "1", reason="PACING_TEST_BENCH=1 turns it on")]

CAMPAIGNS = 100_000
ROUNDS = 4
RUNS_A_YEAR = 6 * 365
WINDOW = datetime(2026, 5, 21, 8, tzinfo=UTC)
_COPY = "COPY pacing.ledger_entries (seq, at, run_id, kind, subject, leaf, body) FROM STDIN (FORMAT BINARY)"
_COPY_TYPES = ("int8", "timestamptz", "text", "text", "text", "bytea", "bytea")


@pytest.fixture(scope="module")
def server(short_tmp):
    with EmbeddedPostgres(short_tmp / "durable") as found:
        migrate.upgrade(found.admin_url(), app_login=APP_LOGIN)
        yield found


@pytest.fixture(scope="module")
def admin(server):
    database = Database(server.admin_url())
    yield database
    database.close()


@pytest.fixture(scope="module")
def app(server):
    database = Database(server.url(APP_LOGIN, "postgres"))
    yield database
    database.close()


@pytest.fixture(scope="module")
def decided():
    return bodies(PacingBrain().decide(inputs_of(sample_world())).decisions)


def entries(decided, count):
    return [Entry("campaign_decided", f"{said['flight_id']}-{number}", said) for number, said in enumerate(itertools.islice(itertools.cycle(decided), count))]


def seconds(act):
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def test_an_append_costs_little_more_than_a_copy(app, admin, decided):
    """Numbering, hashing and checking in the server costs less than twice a bare COPY of the same rows into the same table."""
    shard = entries(decided, SHARD_ENTRIES)
    numbers = itertools.count(10**12, SHARD_ENTRIES)

    def append():
        with app.transaction() as connection:
            ledger.append(connection, "20260521T0800Z-live-3f9a1c", shard, WINDOW)

    def copy():
        with admin.transaction() as connection, raw(connection).cursor().copy(_COPY) as sent:
            sent.set_types(_COPY_TYPES)
            for seq, entry in enumerate(shard, next(numbers)):
                body = ledger.render(entry, seq, WINDOW, "20260521T0800Z-live-3f9a1c")
                sent.write_row((seq, WINDOW, "20260521T0800Z-live-3f9a1c", entry.kind, entry.subject, bytes(32), body))

    append()
    appended, copied = zip(*[(seconds(append), seconds(copy)) for _ in range(ROUNDS)], strict=True)
    with admin.transaction() as connection:  # the copied rows are no entries
        raw(connection).execute("ALTER TABLE pacing.ledger_entries_2026_05 DISABLE TRIGGER ALL; DELETE FROM pacing.ledger_entries_2026_05 WHERE seq >= 10^12; "
                                "ALTER TABLE pacing.ledger_entries_2026_05 ENABLE TRIGGER ALL")
    each = [statistics.median(times) / SHARD_ENTRIES * 1e6 for times in (appended, copied)]
    print(f"\nappend {each[0]:.1f} us an entry (best {min(appended) / SHARD_ENTRIES * 1e6:.1f}), bare COPY {each[1]:.1f} us, ratio {each[0] / each[1]:.2f}")
    assert each[0] < 2.5 * each[1]


def test_room_that_entries_take(app, admin, decided):
    """Bytes of an entry on disk, indexes included; a year of 1,000 campaigns when every decision is new, and when all are restated."""
    with app.transaction() as connection:
        ledger.append(connection, "20260522T0800Z-live-3f9a1c", entries(decided, 4 * SHARD_ENTRIES), datetime(2026, 7, 1, tzinfo=UTC))
        restated = Entry("decisions_restated", "20260522T0800Z-live-3f9a1c", {"seqs": list(range(10**6, 10**6 + 1000))})
        (seq,) = ledger.append(connection, None, [restated], WINDOW)
    with admin.transaction() as connection:
        size = connection.execute(text("SELECT pg_total_relation_size('pacing.ledger_entries_2026_07') / (4.0 * :n)"), {"n": SHARD_ENTRIES}).scalar_one()
        short = connection.execute(text("SELECT octet_length(body) FROM pacing.ledger_entries WHERE seq = :seq"), {"seq": seq}).scalar_one()
    body = statistics.mean(len(ledger.render(entry, 10**6, WINDOW, "20260521T0800Z-live-3f9a1c")) for entry in entries(decided, len(decided)))
    print(f"\nbody {body:.0f} bytes, entry on disk {size:.0f} bytes; 1,000 campaigns a year: every decision new {1000 * RUNS_A_YEAR * float(size) / 1e9:.2f} GB, "
          f"all restated {short * RUNS_A_YEAR / 1e6:.0f} MB")
    assert size < 2.5 * body


def record_a_run(url, decided):
    """Another process: a run of CAMPAIGNS campaigns, shard after shard."""
    database = Database(url)
    runs, made = Runs(database), entries(decided, CAMPAIGNS)
    with runs.open(Opening(WINDOW, WINDOW, False, "p", "1", "s", "t")) as run:
        for number, start in enumerate(range(0, CAMPAIGNS, SHARD_ENTRIES)):
            runs.record_shard(run, number, made[start:start + SHARD_ENTRIES])
    database.close()


def test_a_click_waits_little_beside_a_run(app, decided):
    """While a run of 100,000 campaigns is recorded, a click's append and commit takes less than 300 ms in 99 of 100 cases."""
    with app.transaction() as connection:  # the month's partition is there
        ledger.append(connection, None, [Entry("silence_set", "warm")], clock.now(connection))
    process = multiprocessing.get_context("spawn").Process(target=record_a_run, args=(app.url.render_as_string(hide_password=False), decided))
    process.start()
    waits = []
    while process.is_alive():
        begun = time.perf_counter()
        with app.transaction() as connection:
            (seq,) = ledger.append(connection, None, [Entry("recommendation_decided", "R1", {"decision": "approved"})], clock.now(connection))
        waits.append((time.perf_counter() - begun, seq))
        time.sleep(0.005)
    assert process.exitcode == 0
    during = sorted(wait for (wait, seq), (_, before) in zip(waits[1:], waits[:-1], strict=True) if seq - before > 1)  # the run wrote meanwhile
    beside = [wait for wait, seq in waits if waits[0][1] + 1 < seq]
    p99 = sorted(beside)[int(len(beside) * 0.99)]
    print(f"\n{len(beside)} clicks beside the run: p50 {statistics.median(beside) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, worst {max(beside) * 1000:.0f} ms; "
          f"{len(during)} of them waited for a shard: median {statistics.median(during) * 1000:.0f} ms, worst {during[-1] * 1000:.0f} ms")
    assert p99 < 0.3
