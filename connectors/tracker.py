"""The tracker: the media plan that people keep, as TARGETS, with every row that cannot be used named and explained."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from connectors.snowflake_settings import SnowflakeSettings
from connectors.tracker_columns import understood
from connectors.tracker_cycles import in_cycles
from connectors.tracker_faults import Faults
from connectors.tracker_files import read_sheet
from connectors.tracker_groups import check_parents
from connectors.tracker_lines import check_lines
from connectors.tracker_plan import read_plan
from connectors.tracker_sheet import Sheet
from connectors.tracker_totals import totals
from pacing_brain.frames import TARGETS
from pacing_brain.model import Quarantined
from pacing_brain.policy import Policy

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True)
class TrackerRead:
    """`targets`: TARGETS, one row per usable row, in the tracker's order. `name`: for people, without secrets."""

    targets: pd.DataFrame
    quarantined: tuple[Quarantined, ...]
    name: str
    read_at: datetime


def read_tracker(location: str, *, as_of: datetime, policy: Policy, http: "httpx.Client | None" = None,
                 snowflake: SnowflakeSettings | None = None, query_tag: str = "pacing-tracker") -> TrackerRead:  # fmt: skip
    """The plan at `location`: a path or `https://` of a .csv or .xlsx (`?sheet=`, `?header_row=`, `?dates=`), `postgresql://...?table=` or
    `?query_file=`, or `snowflake:TABLE` (which needs `snowflake`). `http` is the client that fetches; unset, one of its own.

    Raises:
        TrackerUnreadable: it cannot be read at all, lacks a required column, or has no rows.
    """
    sheet = read_sheet(location, http=http, snowflake=snowflake, query_tag=query_tag)
    return plan_of(sheet, as_of=as_of, policy=policy)


def plan_of(sheet: Sheet, *, as_of: datetime, policy: Policy) -> TrackerRead:
    """What a sheet plans.

    Raises:
        TrackerUnreadable: a required column is missing, or two columns mean the same.
    """
    cells, headers = understood(sheet)
    faults = Faults(cells, headers)
    faults.of_totals(totals(sheet.cells, cells))
    faults.of_cells(sheet.faults)
    faults.of_shared(sheet.shared)
    plan = read_plan(cells, faults, as_of, policy.tracker.target_to_date_max_days, sheet.dates)
    check_lines(plan, cells, faults)
    check_parents(plan, faults)
    usable = plan[~plan.index.isin(faults.rows) & ~plan["is_parent"]]
    return TrackerRead(TARGETS.check(in_cycles(usable)), faults.told(sheet.name, plan["flight_id"].fillna("")), sheet.name, as_of)
