"""How fast the ledger is verified, against hashing alone on the same machine at the same moment. `PACING_TEST_BENCH=1 pytest -s tests/bench`."""

import hashlib
import os
import resource
import time
from datetime import UTC, datetime, timedelta

import pytest

from audit import ledger
from audit.anchors import AnchorStore, anchor
from audit.checkpoint import ORIGIN, Signer
from audit.database import Database
from audit.verify import Note, verify
from tests.integration.audit.tampering import KEY

pytestmark = [pytest.mark.bench, pytest.mark.skipif(os.environ.get("PACING_TEST_BENCH") != "1", reason="measures; PACING_TEST_BENCH=1")]
ENTRIES = 200_000
GATES = {name: {"state": "green", "evidence": f"The {name} is as it should be, and nothing else is known."} for name in ("identity", "freshness", "currency")}


def decisions(first, count):
    for number in range(first, first + count):
        yield ledger.Entry("campaign_decided", f"google:{number}:2026-11-01", {
            "flight_id": f"google:{number}:2026-11-01", "campaign_name": f"Campaign {number}", "actual_micros": number * 1_000_003, "gates": GATES,
            "target_micros": number * 1_000_033, "severity": "healthy", "lane": "healthy", "action": "log_only", "reasons": ["On plan."],
            "confidence": {"score": 0.98, "metadata": 1.0, "name": 1.0, "freshness": 0.9}, "inputs_digest": "a" * 64, "mitigation": [], "forecast": None})


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@pytest.mark.timeout(1200)
def test_verify(fresh_database, tmp_path):
    """Verifying costs at most twelve times what hashing the same bodies does, and memory does not grow with the number of entries."""
    database, store = Database(fresh_database.app), AnchorStore(tmp_path)
    for first in range(0, ENTRIES, 5000):
        with database.transaction() as connection:
            ledger.append(connection, "run", decisions(first, 5000), datetime.now(UTC))
        if first == ENTRIES // 2:
            anchor(database, store, KEY)
    anchor(database, store, KEY)
    with database.transaction() as connection:
        signer = Signer(ORIGIN.format(ledger_id=ledger.head(connection).ledger_id), KEY)
        bodies = [entry.body for entry in ledger.read(connection, limit=20_000)]
    before = cpu_s()
    for body in bodies:
        hashlib.sha256(b"\x00" + body).digest()
    hashing = (cpu_s() - before) / len(bodies)
    notes = [Note(path.name, path.read_text()) for path in store.files()]
    peak, before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, cpu_s(), time.perf_counter()
    found = verify(database, notes, [signer.verifier], now=datetime.now(UTC), max_age=timedelta(hours=1), inputs=False)
    cost, wall = (cpu_s() - before) / ENTRIES, (time.perf_counter() - started) / ENTRIES
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    print(f"\nverify: {1 / cost:,.0f} entries/s of one core, {1 / wall:,.0f}/s by the clock, {cost / hashing:.1f} x hashing alone; "
          f"{sum(map(len, bodies)) / len(bodies):,.0f} bytes a body; memory grew by {grown / 1024:.1f} MB")
    assert found.ok
    assert cost < 12 * hashing
    assert grown < 64 * 1024
    database.close()
