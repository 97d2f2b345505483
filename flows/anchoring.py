"""Signing what was sealed, and keeping the checkpoint outside the database. A run never fails for it, and never keeps silent about it."""

import sys
from typing import Any

from audit.anchors import anchor as sign_and_keep
from flows.wiring import House
from pacing_brain.errors import PacingError


def anchor(house: House) -> dict[str, Any]:
    """The `anchor` of a run's summary: where the checkpoint is, or why there is none (`error`), which is also a line on stderr."""
    try:
        made = sign_and_keep(house.database, house.anchors, house.signing_key())
    except PacingError as error:
        print(f"pacing: not anchored: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return {"error": str(error)}
    if made is None:
        return {"size": 0}
    point = made.checkpoint
    return {"size": point.size, "root": point.root.hex(), "file": str(made.path), "same_machine": house.anchors.same_machine}
