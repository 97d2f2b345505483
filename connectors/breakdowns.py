"""Optional tables of spend by item, `SPEND_BY_LINE_ITEM`, `_AUDIENCE`, `_CREATIVE`, `_INVENTORY`, `_DEVICE`, `_HOUR`: asked for a few campaigns only.

Each has PLATFORM, ACCOUNT_ID, CAMPAIGN_ID, DAY, ITEM (what the platform calls it) and SPEND. A table that is not there is not asked.
"""

import pandas as pd

from connectors.campaign_spend import find
from connectors.queries import identifier, query
from connectors.snowflake import Warehouse
from connectors.snowflake_settings import SnowflakeSettings
from connectors.spend_read import micros, require
from pacing_brain.frames import BREAKDOWNS
from pacing_brain.specialists import WORDS

PREFIX = "SPEND_BY_"
KINDS = tuple(WORDS)
COLUMNS = ("PLATFORM", "ACCOUNT_ID", "CAMPAIGN_ID", "DAY", "ITEM", "SPEND")
KEYS = ["platform", "account_id", "campaign_id"]
ONE = "(PLATFORM = ? AND ACCOUNT_ID = ? AND CAMPAIGN_ID = ?)"


def read_breakdowns(settings: SnowflakeSettings, query_tag: str, questions: pd.DataFrame) -> pd.DataFrame:
    """BREAKDOWNS: the answers to QUESTIONS, one query per breakdown whose table is there.

    Raises:
        SpendUnavailable, SpendRefused, SpendShapeError: as `Warehouse`; the last when a table lacks a column.
    """
    found = [BREAKDOWNS.empty()]
    with Warehouse(settings, query_tag) as warehouse:
        catalog = warehouse.catalog()
        for breakdown, asked in questions.groupby("breakdown", sort=True):
            table = PREFIX + str(breakdown).upper()
            key = find(catalog, table)
            if key is None:
                continue
            require(catalog[key], COLUMNS, table)
            campaigns = asked[KEYS].drop_duplicates()
            gaps = {"TABLE": identifier(*key), "MICROS": micros("SPEND", catalog[key]["SPEND"], table), "ASKED": " OR ".join([ONE] * len(campaigns))}
            binds = (asked["days_from"].min().date(), asked["days_to"].max().date(), *campaigns.to_numpy().ravel().tolist())
            rows = warehouse.frame(query("breakdown", **gaps), binds, table).assign(breakdown=breakdown)
            found.append(BREAKDOWNS.check(rows.dropna(subset=["item", "spend_micros"])))
    return BREAKDOWNS.check(pd.concat(found, ignore_index=True).sort_values(["breakdown", *KEYS, "day", "item"], kind="stable"))
