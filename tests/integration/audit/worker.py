"""One process that runs a window: opens it, records SHARDS shards, seals. Killed at will by test_processes.py.

Arguments: database URL, wait seconds, pause seconds between shards. Prints one JSON line per step.
"""

import json
import sys
import time
from datetime import UTC, datetime

from audit import ledger
from audit.database import Database
from audit.ledger import Entry
from audit.runs import Opening, Runs
from audit.seal import Seal
from pacing_brain.errors import WindowBusy

SHARDS, SHARD_ENTRIES = 6, 200
WINDOW = datetime(2026, 5, 21, 8, tzinfo=UTC)


def entries(shard_no: int) -> list[Entry]:
    first = shard_no * SHARD_ENTRIES
    return [Entry("campaign_decided", f"F{number}", {"severity": "healthy", "pad": "x" * 500}) for number in range(first, first + SHARD_ENTRIES)]


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def main(url: str, wait_seconds: float, pause_seconds: float) -> None:
    database = Database(url)
    runs = Runs(database)
    try:
        with runs.open(Opening(WINDOW, WINDOW, True, "p", "1", "campaign_spend", "plan.csv"), wait_seconds=wait_seconds) as run:
            say(state=run.state, run_id=run.run_id, shards=sorted(run.shards))
            for shard_no in range(SHARDS) if run.state != "sealed" else ():
                if shard_no not in run.shards:
                    runs.record_shard(run, shard_no, entries(shard_no))
                    say(recorded=shard_no)
                    time.sleep(pause_seconds)
            if run.state != "sealed":
                runs.seal(run, Seal(summary={"campaigns": SHARDS * SHARD_ENTRIES}))
            with database.transaction() as connection:
                say(done=ledger.head(connection).size)
    except WindowBusy as busy:
        say(busy=str(busy))
    finally:
        database.close()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
