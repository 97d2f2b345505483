"""The doctor on Snowflake: login, role and warehouse, tables and columns, then a real read, which shows what privileges lack."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from connectors import breakdowns
from connectors.campaign_spend import REQUIRED, CampaignSpend, find
from connectors.fivetran import REPORT
from connectors.fivetran import REQUIRED as REPORT_REQUIRED
from connectors.fivetran_history import PLATFORMS, history
from connectors.queries import query
from connectors.snowflake import Catalog, Warehouse
from connectors.snowflake_settings import SnowflakeSettings
from connectors.spend import shape
from connectors.spend_read import OPTIONAL, SpendRead
from flows.doctor.checks import Checks, Subject
from flows.doctor.database import INSTALL_LOCAL
from flows.local_warehouse import EmbeddedWarehouse
from flows.settings import Settings
from flows.wiring import snowflake_settings
from pacing_brain.errors import PacingError, SpendUnavailable

LOGIN_S, NETWORK_S, CONNECT_S = 10, 15, 5
READ_DAYS = 7
TAG = "pacing-doctor"


@contextmanager
def bounded(settings: Settings) -> Iterator[SnowflakeSettings]:
    """The login of these settings, impatient: one attempt, short waits. The embedded warehouse is started for it."""
    if settings.embedded_warehouse:
        with EmbeddedWarehouse(settings.home) as warehouse:
            yield replace(snowflake_settings(settings, warehouse), attempts=1)
    else:
        yield replace(snowflake_settings(settings, None), attempts=1, login_timeout_s=LOGIN_S, network_timeout_s=NETWORK_S,
                      statement_timeout_s=NETWORK_S)


def is_sample(settings: Settings) -> bool:
    """Neither a warehouse nor a tracker: the sample agency plans and spends, and loads its tables when a run begins."""
    return settings.embedded_warehouse and settings.tracker is None


def check_snowflake(subject: Subject, checks: Checks) -> None:
    """Reachable, logged in, with a warehouse; its clock; and for each table of the source every column that a run needs."""
    settings = subject.settings
    if settings.embedded_warehouse and not _embedded(settings, checks):
        return
    if not settings.embedded_warehouse and not _has_login(settings, checks):
        return
    with bounded(settings) as login:
        try:
            with Warehouse(login, TAG) as warehouse:
                checks.ok("login", f"{login.where} takes the login" if not settings.embedded_warehouse else "the embedded warehouse answers")
                _session(warehouse, settings, checks)
                _clock(warehouse, subject, checks)
                with checks.telling("tables"):
                    _tables(warehouse, settings, checks)
        except SpendUnavailable as error:
            _unreachable(login, error, checks)
        except PacingError as error:
            checks.told("login", error)


def check_spend(subject: Subject, checks: Checks) -> None:
    """The last days of the spend source, read as a run reads them."""
    settings = subject.settings
    if is_sample(settings):
        checks.ok("read", "the sample agency: its spend is loaded when a run begins")
        return
    if settings.embedded_warehouse and find_spec("fakesnow") is None:
        checks.skipped("read", "there is no warehouse to read from")
        return
    today = subject.now().date()
    with bounded(settings) as login, ExitStack() as stack:
        try:
            warehouse = stack.enter_context(Warehouse(login, TAG))
        except PacingError:
            checks.skipped("read", "not logged in (Snowflake says why)")
            return
        with checks.telling("read"):
            read = shape(settings.spend_source).read(warehouse, today - timedelta(days=READ_DAYS), today + timedelta(days=1))
            _what_was_read(read, subject, checks)


def _embedded(settings: Settings, checks: Checks) -> bool:
    """Whether the embedded warehouse is to be looked into."""
    if find_spec("fakesnow") is None:
        checks.problem("server", "no Snowflake is configured, and the embedded warehouse is not installed.", INSTALL_LOCAL.format(setting="SNOWFLAKE_ACCOUNT"))
        return False
    if is_sample(settings):
        checks.ok("server", "no Snowflake is configured: the embedded warehouse with the sample agency")
        return False
    return True


def _has_login(settings: Settings, checks: Checks) -> bool:
    """Whether there is something to log in with; each thing that is missing is a line."""
    if settings.snowflake_connection_name is not None or settings.snowflake_authenticator is not None:
        return True
    missing = []
    if settings.snowflake_account is None:
        missing.append(("SNOWFLAKE_ACCOUNT", "Set it to the account identifier, organisation-account."))
    if settings.snowflake_user is None and settings.snowflake_token is None:
        missing.append(("SNOWFLAKE_USER", "Set it to the monitor's own user (snowflake-grants.sql of pacing init makes one)."))
    if not (settings.snowflake_private_key_file or settings.snowflake_token or settings.snowflake_password):
        missing.append(("SNOWFLAKE_PRIVATE_KEY_FILE", "Set it to the private key's file; or set SNOWFLAKE_TOKEN or SNOWFLAKE_PASSWORD."))
    for name, mend in missing:
        checks.problem(name, f"{name} is missing: Snowflake is configured, and there is no login without it.", mend)
    return not missing


def _unreachable(login: SnowflakeSettings, error: SpendUnavailable, checks: Checks) -> None:
    """No login: is it the host, or what answers there?"""
    host = login.host or (f"{login.account.removesuffix('.snowflakecomputing.com')}.snowflakecomputing.com" if login.account else None)
    port = login.port or (80 if login.protocol == "http" else 443)
    if host is not None:
        try:
            socket.create_connection((host, port), CONNECT_S).close()
        except OSError as why:
            reason = "its name is not known" if isinstance(why, socket.gaierror) else "no connection"
            checks.problem("host", f"{host}:{port} cannot be reached: {reason}.",
                           "Check SNOWFLAKE_ACCOUNT (organisation-account) or SNOWFLAKE_HOST, the network, and a proxy or firewall in between.")
            return
    checks.told("login", error)


def _session(warehouse: Warehouse, settings: Settings, checks: Checks) -> None:
    """Role, database and warehouse in effect."""
    for what, setting, grant in (("role", "SNOWFLAKE_ROLE", "grant it to the user"), ("database", "SNOWFLAKE_DATABASE", "GRANT USAGE on it"),
                                 ("schema", "SNOWFLAKE_SCHEMA", "GRANT USAGE on it"), ("warehouse", "SNOWFLAKE_WAREHOUSE", "GRANT USAGE on it")):
        if what == "warehouse" and settings.embedded_warehouse:
            continue
        try:
            value = warehouse.frame(query("doctor_session", WHAT=what.upper()), (), f"the session's {what}")["found"].iloc[0]
        except PacingError:
            checks.skipped(what, f"the server does not say which {what} is in use")
            continue
        if pd.isna(value) or not str(value):
            checks.problem(what, f"no {what} is in use.", f"Set {setting}, and {grant}.")
        else:
            checks.ok(what, str(value))


def _clock(warehouse: Warehouse, subject: Subject, checks: Checks) -> None:
    with checks.telling("clock"):
        before = subject.now()
        theirs = warehouse.frame(query("doctor_clock"), (), "the clock")["found"].iloc[0]
        checks.clock("clock", theirs.to_pydatetime(), before, subject.now())


def _tables(warehouse: Warehouse, settings: Settings, checks: Checks) -> None:
    """What the source reads, each with the columns that are missing."""
    source = settings.spend_source
    catalog = warehouse.catalog()
    if source == "dv360":
        checks.ok("tables", f"{len(catalog)} tables are seen; the two of DV360 are known by their columns (Spend)")
    elif source == "fivetran":
        _report(catalog, checks)
    elif source == "campaign_spend":
        _campaign_spend(catalog, settings, checks)
    else:
        own = CampaignSpend(Path(source))
        _columns(own.name, own.relation(warehouse, catalog)[1], checks)
    if source != "fivetran":
        _loads(catalog, checks)
    _breakdowns(catalog, checks)


def _campaign_spend(catalog: Catalog, settings: Settings, checks: Checks) -> None:
    key = find(catalog, "CAMPAIGN_SPEND")
    if key is not None:
        _columns("CAMPAIGN_SPEND", catalog[key], checks)
    elif settings.embedded_warehouse:
        checks.problem("table CAMPAIGN_SPEND", "PACING_TRACKER is set, but no Snowflake is: the embedded warehouse has no table CAMPAIGN_SPEND.",
                       "Set SNOWFLAKE_ACCOUNT and its login, or load spend with pacing warehouse load.")
    else:
        near = sorted({schema for schema, table in catalog})
        seen = f"schemas {', '.join(near[:5])}" if near else "no table at all"
        checks.problem("table CAMPAIGN_SPEND", f"Table CAMPAIGN_SPEND is not there, or the role may not see it (it sees {seen}).",
                       "Check SNOWFLAKE_DATABASE and SNOWFLAKE_SCHEMA, GRANT SELECT on it, or set PACING_SPEND_SOURCE.")


def _columns(table: str, have: dict[str, str], checks: Checks) -> None:
    """Each missing column by name; the optional ones that are absent are said."""
    wanted = [*REQUIRED, *(() if "SPEND_MICROS" in have else ("SPEND",))]
    missing = [name for name in wanted if name not in have]
    for name in missing:
        checks.problem(f"column {table}.{name}", f"{table} has no column {name}.", "Add it, or give the role a view that has it (docs/snowflake.md).")
    if not missing:
        absent = [name for name in OPTIONAL if name not in have]
        checks.ok(f"table {table}", "every required column" + (f"; without {', '.join(absent)}: what needs them is not claimed" if absent else ""))


def _report(catalog: Catalog, checks: Checks) -> None:
    key = find(catalog, REPORT)
    if key is None:
        checks.problem(f"table {REPORT}", f"Table {REPORT} is not there, or the role may not see it.",
                       "Run Fivetran's ad_reporting package, GRANT SELECT on its table, or set PACING_SPEND_SOURCE.")
        return
    missing = [name for name in REPORT_REQUIRED if name not in catalog[key]]
    for name in missing:
        checks.problem(f"column {REPORT}.{name}", f"{REPORT} has no column {name}.", "Upgrade the ad_reporting package to version 2.")
    if not missing:
        checks.ok(f"table {REPORT}", "every required column")
    found = history(catalog)
    for platform in PLATFORMS:
        if keys := found[platform, "ACCOUNT_HISTORY"]:
            checks.ok(f"table {platform.prefix}.ACCOUNT_HISTORY", ", ".join(".".join(each) for each in keys))
        else:
            checks.skipped(f"table {platform.prefix}.ACCOUNT_HISTORY", f"not there: {platform.name} is not read (Spend says whether it should be)")


def _loads(catalog: Catalog, checks: Checks) -> None:
    key = find(catalog, "ACCOUNT_LOADS")
    if key is None:
        checks.ok("table ACCOUNT_LOADS", "not there: the newest LOADED_AT of an account's rows stands in, and the evidence says \"from rows\"")
        return
    missing = [name for name in ("ACCOUNT_ID", "LOADED_AT") if name not in catalog[key]]
    for name in missing:
        checks.problem(f"column ACCOUNT_LOADS.{name}", f"ACCOUNT_LOADS has no column {name}.", "Add it, or take the table out of the role's sight.")
    if not missing:
        checks.ok("table ACCOUNT_LOADS", "every required column")


def _breakdowns(catalog: Catalog, checks: Checks) -> None:
    """Which of the optional tables by item a run may ask, and what those that are there lack."""
    names = [breakdowns.PREFIX + one.upper() for one in breakdowns.KINDS]
    found = {name: catalog[key] for name in names if (key := find(catalog, name)) is not None}
    lacking = {name: [column for column in breakdowns.COLUMNS if column not in have] for name, have in found.items()}
    for name, columns in lacking.items():
        for column in columns:
            checks.problem(f"column {name}.{column}", f"{name} has no column {column}.", "Add it, or take the table out of the role's sight (docs/snowflake.md).")
    whole = [name for name, columns in lacking.items() if not columns]
    if not found:
        checks.ok("breakdowns", "none: causes are told without line items, audiences, creatives, placements, devices and hours")
    elif whole:
        checks.ok("breakdowns", ", ".join(whole))


def _what_was_read(read: SpendRead, subject: Subject, checks: Checks) -> None:
    for state in read.sources:
        if not state.available:
            says, _, mend = (state.why or "").partition(": ")
            checks.problem(f"platform {state.platform}", f"{says}.", f"{mend or 'See docs/snowflake.md.'} The other platforms are read.")
    for row in read.quarantined:
        says, _, mend = row.reason.partition(". ")
        checks.problem(f"rows {row.column or ''}".strip(), f"{row.place}: {says.rstrip('.')}.", mend or "Mend the feed that writes them.")
    loads = read.loads["loaded_at"]
    if loads.empty:
        checks.problem("read", "it can be read, and holds no row and no load of any account.", "Check the feed that fills it, SNOWFLAKE_DATABASE and SNOWFLAKE_SCHEMA.")
        return
    checks.ok("read", f"{len(read.spend)} campaign-days of the last {READ_DAYS} days, {read.loads['account_id'].nunique()} accounts, "
                      f"{', '.join(sorted(read.totals['currency'])) or 'no spend'}")
    newest = loads.max().to_pydatetime()
    ahead = (newest - subject.now()).total_seconds() / 60
    if ahead > subject.policy.clock.future_minutes:
        checks.problem("loads", f"the newest load is {ahead:.0f} min in the future.", "LOADED_AT must be UTC: mend the feed's time zone or clock.")
    elif -ahead / 60 > subject.policy.freshness.red_after_hours + subject.policy.freshness.red_after_cycle_hours:
        checks.problem("loads", f"the newest load of any account is {-ahead / 60:.0f} h old.", "Start the feed again: every campaign would be escalated as stale.")
    else:
        checks.ok("loads", f"newest {newest:%Y-%m-%d %H:%M} UTC, oldest {loads.min():%Y-%m-%d %H:%M} UTC")
