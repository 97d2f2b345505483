"""The process that serves both flows on their schedules: `python -m flows.serving`, a child of `pacing up`."""

from prefect import serve
from prefect.deployments.runner import EntrypointType
from prefect.schedules import Cron

from flows.prefect_flows import pacing_run, quiet, upkeep
from flows.settings import Settings
from pacing_brain.policy import Policy

RUN_EVERY, KEEP_EVERY = "0 */{hours} * * *", "*/10 * * * *"


def main() -> None:
    """Serve until it is told to end. The schedules stay: what is due while nothing serves is caught up with by upkeep, once."""
    quiet()
    settings = Settings.read()
    policy = Policy.load(settings.policy) if settings.policy else Policy()
    serve(
        pacing_run.to_deployment("up", schedule=Cron(RUN_EVERY.format(hours=policy.schedule_hours), timezone="UTC"),
                                 entrypoint_type=EntrypointType.MODULE_PATH),
        upkeep.to_deployment("up", schedule=Cron(KEEP_EVERY, timezone="UTC"), entrypoint_type=EntrypointType.MODULE_PATH),
        pause_on_shutdown=False, print_starting_message=False)


if __name__ == "__main__":
    main()
