"""What `pacing warehouse load` and `pacing warehouse info` do: spend of one's own in the embedded warehouse."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows import logs, views
from flows.local_warehouse import EmbeddedWarehouse
from flows.settings import Settings
from flows.views.warehouse import warehouse_report
from flows.warehouse_csv import loads_of, remarks, spend_of
from pacing_brain.errors import SettingError, UsageError

SPEND = """SELECT CURRENCY, COUNT(*), COUNT(DISTINCT ACCOUNT_ID), COUNT(DISTINCT COALESCE(CAMPAIGN_ID, CAMPAIGN_NAME)), MIN(DAY), MAX(DAY),
           SUM(CAST(ROUND(SPEND * 1000000) AS NUMBER(38,0))), MAX(LOADED_AT) FROM CAMPAIGN_SPEND GROUP BY CURRENCY ORDER BY CURRENCY"""
LOADS = "SELECT COUNT(*), MIN(LOADED_AT), MAX(LOADED_AT) FROM ACCOUNT_LOADS"
TABLES = "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'PUBLIC'"


def warehouse_load(*, csv: Path, loads: Path | None, as_json: bool) -> int:
    """Replace what the embedded warehouse holds by the rows of a CSV."""
    settings = _embedded(Settings.read())
    spend = spend_of(_bytes(csv), csv.name)
    of_accounts = None if loads is None else loads_of(_bytes(loads), loads.name)
    with EmbeddedWarehouse(settings.home) as warehouse:
        warehouse.load(spend, of_accounts)
        known = _known(warehouse, settings) | {"remarks": remarks(spend)}
    for remark in known["remarks"]:
        logs.warn(f"{csv.name}: {remark}")
    views.emit(known) if as_json else views.show(warehouse_report(known))
    return 0


def warehouse_info(*, as_json: bool) -> int:
    """What the embedded warehouse holds."""
    settings = _embedded(Settings.read())
    with EmbeddedWarehouse(settings.home) as warehouse:
        known = _known(warehouse, settings)
    views.emit(known) if as_json else views.show(warehouse_report(known))
    return 0


def _known(warehouse: EmbeddedWarehouse, settings: Settings) -> dict[str, Any]:
    with warehouse.connect() as connection:
        cursor = connection.cursor()
        tables = {row[0] for row in cursor.execute(TABLES).fetchall()}
        spend = cursor.execute(SPEND).fetchall() if "CAMPAIGN_SPEND" in tables else []
        loads = cursor.execute(LOADS).fetchone() if "ACCOUNT_LOADS" in tables else None
    names = ("currency", "rows", "accounts", "campaigns", "first_day", "last_day", "spend_micros", "last_load")
    return {"home": str(settings.home), "tracker": settings.tracker,
            "campaign_spend": [{name: _native(value) for name, value in zip(names, row, strict=True)} for row in spend],
            "account_loads": None if loads is None else {"accounts": loads[0], "oldest": _native(loads[1]), "newest": _native(loads[2])}}


def _native(value: Any) -> Any:
    if isinstance(value, datetime):  # the warehouse's own instants are UTC and do not say so
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return int(value) if value is not None and not isinstance(value, str) else value


def _embedded(settings: Settings) -> Settings:
    if not settings.embedded_warehouse:
        raise SettingError("SNOWFLAKE_ACCOUNT (or _HOST, _CONNECTION_NAME) is set: this command is about the embedded warehouse. Unset it here.")
    return settings


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Name a CSV file.") from error
