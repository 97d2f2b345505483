"""`pacing doctor`: every connection, permission, table, column, clock and scope; each line ok, or a problem and how to mend it."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from flows import views
from flows.doctor.checks import LIMIT_S, Check, Checks, Part, Subject, examine, utc_now
from flows.doctor.database import check_database
from flows.doctor.expiry import check_expiry
from flows.doctor.machine import check_home, check_narrator, check_policy, check_prefect, check_second_route, check_settings
from flows.doctor.slack import check_slack
from flows.doctor.tracker import check_tracker
from flows.doctor.warehouse import check_snowflake, check_spend
from flows.settings import Settings
from pacing_brain.errors import PacingError
from pacing_brain.policy import Policy

PARTS: Mapping[str, Part] = {"Home": check_home, "Policy": check_policy, "Tracker": check_tracker, "Snowflake": check_snowflake, "Spend": check_spend,
                             "Postgres": check_database, "Slack": check_slack, "Second route": check_second_route,
                             "Prefect": check_prefect, "Narrator": check_narrator, "Expiry": check_expiry}
# A part whose own settings are malformed is not looked at: its default would be.
NEEDS = {"Home": r"PACING_HOME", "Policy": r"PACING_POLICY|PACING_HOME", "Tracker": r"PACING_TRACKER|PACING_HOME|SNOWFLAKE_",
         "Snowflake": r"SNOWFLAKE_|PACING_HOME|PACING_SPEND_SOURCE", "Spend": r"SNOWFLAKE_|PACING_HOME|PACING_SPEND_SOURCE",
         "Postgres": r"PACING_DATABASE_|PACING_HOME", "Slack": r"SLACK_", "Second route": r"PACING_ALERT_URL|PACING_ALERTS_TO", "Prefect": r"PREFECT_", "Narrator": r"PACING_LLM",
         "Expiry": r"SNOWFLAKE_|SLACK_|PACING_DATABASE_URL|PACING_SIGNING_KEY_FILE|PACING_HOME"}
MARKS = {"ok": ("ok", "green"), "problem": ("problem", "bold red"), "skipped": ("skipped", "dim")}
_URL_LOGIN = re.compile(r"(?<=://)(?!user:password@)[^/@\s]+@")  # user:password is the example of our own messages


def doctor(*, as_json: bool) -> int:
    """0: no problem; 1: at least one."""
    checks = diagnose()
    problems = sum(check.state == "problem" for check in checks)
    if as_json:
        views.emit(as_object(checks))
    else:
        views.show(report(checks))
    return 1 if problems else 0


def diagnose(now: Callable[[], datetime] = utc_now, limit_s: float = LIMIT_S) -> list[Check]:
    """Every line, in the order of the parts. Raises nothing; shows no secret."""
    own = Checks("Settings")
    try:
        settings, faults = Settings.examined()
    except PacingError as error:
        own.told("file", error)
        return own.found
    given = sorted(Settings.model_fields[name].alias or name for name in settings.model_fields_set)
    check_settings(faults, Settings.unknown(), given, own)
    bad = [fault.name for fault in faults]
    parts = {name: _not_looked_at if any(re.match(NEEDS[name], fault) for fault in bad) else part for name, part in PARTS.items()}
    lines = own.found + examine(parts, Subject(settings, _policy(settings), now), limit_s)
    return [_harmless(check, settings.secrets) for check in lines]


def _policy(settings: Settings) -> Policy:
    """The policy in force; where its file is at fault (which has a line of its own), the default."""
    try:
        return Policy.load(settings.policy) if settings.policy else Policy()
    except PacingError:
        return Policy()


def _not_looked_at(subject: Subject, checks: Checks) -> None:  # noqa: ARG001  a part like the others
    checks.skipped("check", "not looked at: mend its settings first")


def _harmless(check: Check, secrets: tuple[str, ...]) -> Check:
    """Without secrets, whoever quoted them."""
    def cleaned(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return _URL_LOGIN.sub("***@", text)

    return Check(check.part, cleaned(check.what), check.state, cleaned(check.says), cleaned(check.mend))


def as_object(checks: list[Check]) -> dict[str, Any]:
    """What `--json` prints."""
    problems = sum(check.state == "problem" for check in checks)
    return {"ok": problems == 0, "problems": problems, "checks": [{"part": check.part, "what": check.what, "state": check.state, "says": check.says,
                                                                   "mend": check.mend or None} for check in checks]}


def report(checks: list[Check]) -> RenderableType:
    """The lines by part, and how many problems there are."""
    parts: list[RenderableType] = []
    for part in dict.fromkeys(check.part for check in checks):
        parts += [views.heading(part), views.pairs(*((_mark(check), _line(check)) for check in checks if check.part == part))]
    problems = sum(check.state == "problem" for check in checks)
    said = "No problem." if not problems else f"{problems} problem{'s' if problems > 1 else ''}. Mend the first, then run pacing doctor again."
    return Group(*parts, Text(f"\n{said}", "bold"))


def _mark(check: Check) -> Any:
    word, style = MARKS[check.state]
    return Text(f"{word:<8}", style)


def _line(check: Check) -> Text:
    line = Text.assemble(views.say(check.what, "bold"), "  ", views.say(check.says))
    return line if not check.mend else Text.assemble(line, "\n→ ", views.say(check.mend))
