"""The process that serves the flows on their schedules: `python -m flows.serving`, a child of `pacing up`."""

from typing import Any, cast

from prefect import Flow, serve
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType
from prefect.schedules import Cron

from flows import logs
from flows.prefect_flows import apply_approved, pacing_run, quiet, upkeep
from flows.settings import Settings
from pacing_brain.policy import Policy

RUN_EVERY, KEEP_EVERY, APPLY_EVERY = "0 */{hours} * * *", "*/10 * * * *", "* * * * *"


def main() -> None:
    """Serve until it is told to end. The schedules stay: what is due while nothing serves is caught up with by upkeep, once."""
    logs.begin(settings := Settings.read())
    quiet()
    policy = Policy.load(settings.policy) if settings.policy else Policy()
    served = (deployed(pacing_run, RUN_EVERY.format(hours=policy.schedule_hours)), deployed(upkeep, KEEP_EVERY),
              deployed(apply_approved, APPLY_EVERY))
    serve(*served, pause_on_shutdown=False, print_starting_message=False)


def deployed(flow: Flow[..., Any], cron: str) -> RunnerDeployment:
    made = flow.to_deployment("up", schedule=Cron(cron, timezone="UTC"), entrypoint_type=EntrypointType.MODULE_PATH)
    return cast("RunnerDeployment", made)  # Prefect gives a coroutine to asynchronous callers only


if __name__ == "__main__":
    main()
