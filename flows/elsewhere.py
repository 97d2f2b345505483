"""The relay to other channels than Slack: after Slack's, with a time of its own, so that neither is held up by the other."""

from audit.outbox import Outbox
from flows import logs
from flows.wiring import House
from notifiers.delivery import relay

BUDGET_S = 20.0  # what is not out by then goes with upkeep


def send(house: House) -> None:
    """Send what waits for the addresses of PACING_ALERTS_TO, where there are any."""
    if not house.elsewhere:
        return
    done = relay(Outbox(house.database, elsewhere=True), house.other_channels, budget_s=BUDGET_S)
    logs.info("outbox_relayed_elsewhere", delivered=done.delivered, retried=done.retried, dead=done.dead, errors=done.errors)
