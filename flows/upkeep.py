"""What is done between runs: send what is undelivered, expire what nobody answered, notice windows that nobody ran."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit import clock, ledger
from audit.windows import SilentRun
from flows import apply_approved, elsewhere, illness, logs
from flows.alarms import alarm
from flows.anchoring import anchor, copy_to_slack
from flows.expiries import expiries, warnings
from flows.reminding import end_late, remind
from flows.run_pacing import Request, Steps, run_window
from flows.settings import Settings
from flows.verifying import keep_verified
from flows.wiring import House, open_house
from notifiers.delivery import DeliveryReport, relay

RELAY_BUDGET_S = 240.0  # half the time between two upkeeps
GRACE = timedelta(minutes=10)  # the schedule's own run comes first
AGAIN_AFTER = timedelta(hours=1)  # a window that failed is tried again so often, not with every upkeep

UNDELIVERED = "undelivered"

CatchUp = Callable[[Settings, Request], dict[str, Any]]


@dataclass(frozen=True)
class Kept:
    """What an upkeep did. caught_up: the run of the present window; silent: runs whose heartbeat is old."""

    delivered: DeliveryReport
    expired: tuple[str, ...]
    missed: tuple[str, ...]
    silent: tuple[str, ...]
    caught_up: str | None
    applied: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """One line for people."""
        parts = [f"{self.delivered.delivered} delivered", f"{self.delivered.retried} to be tried again", f"{self.delivered.dead} given up",
                 f"{len(self.expired)} expired", f"{len(self.missed)} windows missed"]
        parts += [f"{len(self.applied)} approvals looked at"] if self.applied else []
        late = [f"silent: {', '.join(self.silent)}"] if self.silent else []
        return ", ".join(parts + late + ([f"caught up with {self.caught_up}"] if self.caught_up else []))


def keep_up(settings: Settings, steps: Steps | None = None, catch_up: CatchUp = run_window) -> Kept:
    """One upkeep.

    0. sign      what was written since the newest anchor is signed and anchored; a copy of the checkpoint is to go to Slack
    1. relay     what is undelivered goes out
    2. apply     approved pauses that wait, should nothing else have carried them out
    3. expire    recommendations that nobody answered in time, silences whose time is up; people are reminded at half time
    4. watch     windows that nobody ran are said once each, runs without a heartbeat are named, keys that end soon are an alarm
    5. catch up  one run, of the present window, if it lacks one: what it finds holds for the missed ones too
    6. verify    the ledger since it was verified last, once a week all of it; failing is an alarm

    Raises:
        PacingError: as `open_house` and `run_window`.
    """
    steps = steps or Steps()
    with open_house(settings) as house:
        steps.do(sign, house)  # 0
        delivered = steps.do(send, house)  # 1
        applied = steps.do(apply, house)  # 2
        expired = steps.do(expire, house)  # 3
        missed, silent = steps.do(watch, house)  # 4
        lacking = house.windows.present_lacks_run(house.policy.schedule_hours, house.now(), grace=GRACE, again_after=AGAIN_AFTER)
        caught_up = catch_up(settings, Request())["run_id"] if lacking else None  # 5
        steps.do(check, house)  # 6
    return Kept(delivered, expired, missed, silent, caught_up, applied)


def sign(house: House) -> None:
    if "error" not in anchor(house):
        copy_to_slack(house)


def check(house: House) -> str:
    """Whether the ledger verifies, in a word that a task may keep."""
    found = keep_verified(house)
    return "not verified" if found is None else "verified" if found.ok else "does not verify"


def send(house: House) -> DeliveryReport:
    done = relay(house.outbox, house.poster, budget_s=RELAY_BUDGET_S)
    logs.info("outbox_relayed", delivered=done.delivered, retried=done.retried, dead=done.dead, errors=done.errors)
    illness.otherwise(house, done)
    elsewhere.send(house)
    tell_given_up(house)
    return done


def tell_given_up(house: House) -> None:
    """Messages that were given up within a day are an alarm, once a day; those that said so are not counted."""
    with house.database.transaction() as connection:
        since = clock.now(connection) - timedelta(days=1)
        lost = [entry.content for entry in ledger.read(connection, kinds=("message_failed",), since=since) if entry.body is not None]
    lost = [one for one in lost if not str(one["thread"]).startswith(f"monitor:{UNDELIVERED}:")]
    if lost:
        last = lost[-1]
        alarm(house, UNDELIVERED, f"{len(lost)} messages were given up within a day, the last one for {last['channel']} after {last['tries']} tries: {last['error']}")


def apply(house: House) -> tuple[str, ...]:
    """Approvals that nothing carried out yet; one that waits too long is an alarm."""
    done = tuple(f"{one.recommendation_id}: {one.outcome}" for one in apply_approved.carry_out_all(house))
    apply_approved.alarm_slow(house)
    return done


def expire(house: House) -> tuple[str, ...]:
    remind(house)
    return (*end_late(house), *(over.silence_id for over in house.silences.expire()))


def watch(house: House) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Windows said to be missed now, and runs that show no sign of life."""
    now = house.now()
    for what, line in warnings(expiries(house.settings, house.database), now):
        alarm(house, what, line)
    missed = house.windows.record_missed(house.windows.missed(house.policy.schedule_hours, now))
    silent = house.windows.silent(now)
    if missed or silent:
        logs.info("runs_missing", missed=[f"{window:%Y-%m-%dT%H:%MZ}" for window in missed], silent=[run.run_id for run in silent])
        _tell_unwatched(house, missed, silent)
    return (tuple(f"{window:%Y-%m-%dT%H:%MZ}" for window in missed),
            tuple(f"{run.run_id} in {run.step} for {int(run.age.total_seconds() // 60)} min" for run in silent))


def _tell_unwatched(house: House, missed: list[datetime], silent: list[SilentRun]) -> None:
    """One card for windows that nobody ran since the last sealed one, or for a run that hangs."""
    last = house.runs.last_sealed()
    unwatched = [window for window in missed if last is None or window > last.window]
    if unwatched:
        many = "1 window was" if len(unwatched) == 1 else f"{len(unwatched)} windows were"
        span = f"{unwatched[0]:%Y-%m-%d %H:%M} UTC" + (f" to {unwatched[-1]:%Y-%m-%d %H:%M} UTC" if len(unwatched) > 1 else "")
        illness.say(house, "missed", f"{many} not run: {span}. Look at the schedule and its worker.", f"{unwatched[0]:%Y%m%dT%H%M}")
    elif silent:
        minutes = int(silent[0].age.total_seconds() // 60)
        said = f"Run {silent[0].run_id} has been in step {silent[0].step} for {minutes} minutes without a sign of life. The next start of its window resumes it."
        illness.say(house, "silent", said, silent[0].run_id)
