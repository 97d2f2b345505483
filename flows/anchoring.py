"""Signing what stands, and keeping the checkpoint outside the database. Nobody fails for it, and nobody keeps silent about it."""

import time
from typing import Any

from audit import outbox
from audit.anchors import anchor as sign_and_keep
from flows.alarms import alarm
from flows.wiring import House
from notifiers.cards_blocks import section
from pacing_brain.errors import LedgerError, PacingError

AT_MOST_EVERY_S = 60.0  # an anchor after answers; every seal has its own


def anchor(house: House) -> dict[str, Any]:
    """Sign and anchor the ledger as it is. The `anchor` of a run's summary: where the checkpoint is, or why there is none (`error`).

    What is refused (the database is behind its newest anchor, or is not what was anchored) or cannot be written is an alarm too.
    """
    try:
        made = sign_and_keep(house.database, house.anchors, house.signing_key())
    except PacingError as error:
        alarm(house, "anchor", f"not anchored: {error}")
        return {"error": str(error)}
    if made is None:
        return {"size": 0}
    point = made.checkpoint
    return {"size": point.size, "root": point.root.hex(), "file": str(made.path), "same_machine": house.anchors.same_machine}


def after_answer(house: House) -> dict[str, Any] | None:
    """Call it after every `recommendation_decided` and `action_finished` has been committed, and after the person has been answered.

    At most one a minute: within a minute of the newest anchor nothing is done (None), and the next answer, seal or upkeep signs for it.
    It never raises; the first anchor of a long ledger reads all of it, so it must not stand between a click and its acknowledgement.
    """
    try:
        age_s = house.anchors.age_s(time.time())
    except LedgerError as error:
        alarm(house, "anchor", f"not anchored: {error}")
        return {"error": str(error)}
    return None if age_s is not None and 0 <= age_s < AT_MOST_EVERY_S else anchor(house)


def copy_to_slack(house: House) -> None:
    """The newest checkpoint, as a reply under the newest digest of SLACK_CHANNEL, once for each sealed run: a copy that no database administrator reaches.

    Only where there is Slack; the relay sends it.

    Raises:
        LedgerError: the anchors cannot be read.
    """
    files, run = house.anchors.files(), house.runs.last_sealed()
    if house.settings.slack_bot_token is None or not files or run is None:
        return
    with house.database.transaction() as connection:
        digest = outbox.newest_thread(connection, f"digest:{house.channel}:")
        if digest is None:
            return
        thread_key, channel = digest
        said = f"Checkpoint of the record: {int(files[-1].stem):,} entries. A copy kept here shows later whether they were changed."
        block = section([f"{said}\n```{files[-1].read_text('utf-8')}```"])
        delivery_id = outbox.delivery_id(run.run_id, thread_key, "checkpoint")
        outbox.put(connection, [outbox.OutgoingMessage(delivery_id, channel, thread_key, "reply", said, [block] if block else [])])
