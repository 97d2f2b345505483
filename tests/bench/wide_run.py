"""A process that runs one window over a wide world through the Prefect flow, and says what it cost. argv: home, campaigns, days."""

import gc
import json
import resource
import sys
import time
from pathlib import Path

from flows.local_postgres import EmbeddedPostgres
from flows.local_warehouse import EmbeddedWarehouse
from flows.prefect_run import run
from flows.run_pacing import Request
from flows.settings import Settings
from flows.world import World


def main(home: Path, campaigns: int, days: int) -> None:
    world = World.scale(campaigns=campaigns, days=days)
    rows, as_of = len(world.now.spend), world.as_of.to_pydatetime()
    plan = home / "plan.csv"
    plan.write_text(world.targets_csv(), encoding="utf-8")
    with EmbeddedWarehouse(home) as warehouse, EmbeddedPostgres(home):
        warehouse.load(world.now.spend, world.now.loads)
        wanted = world.labels["action"].value_counts().to_dict()
        del world
        gc.collect()
        before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        found = run(Settings.read(PACING_HOME=home, PACING_TRACKER=str(plan), PACING_CONSOLE="none", _env_file=None), Request(as_of=as_of))
        print(json.dumps({"campaigns": found["campaigns"], "rows": rows, "wall_s": round(time.perf_counter() - started, 1), "steps_s": found["seconds"],
                          "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "before_mb": before // 1024,
                          "by_action": found["by_action"], "wanted": wanted}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
