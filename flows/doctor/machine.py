"""The doctor on what is on this machine: the settings, the home, the policy file, and the line to Prefect."""

import http.client
import json
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from flows.doctor.checks import Checks, Subject
from flows.narrator import model_of
from flows.prefect_run import refuses
from flows.settings import Fault
from notifiers.other_channels import unreadable
from notifiers.second_route import SecondRoute
from pacing_brain.policy import Policy

LEAST_FREE = 500_000_000  # bytes
PREFECT_S = 5.0


def check_settings(faults: Sequence[Fault], unknown: Sequence[tuple[str, str]], given: Sequence[str], checks: Checks) -> None:
    """Every malformed setting, and every name that looks like a setting and is none."""
    for fault in faults:
        checks.problem(fault.name, f"{fault.line}.", f"Mend {fault.name} in the environment or in .env.")
    for name, near in unknown:
        checks.problem(name, f"{name} is no setting of this version.", f"Write {near}." if near else "Remove it, or compare it with .env.example.")
    if not faults and not unknown:
        checks.ok("values", f"set: {', '.join(given)}" if given else "none set: the embedded default and the sample agency")


def check_home(subject: Subject, checks: Checks) -> None:
    """PACING_HOME can be written, and has room."""
    home = subject.settings.home.expanduser().resolve()
    mend = "Point PACING_HOME at a folder that this user may write."
    there = next((folder for folder in (home, *home.parents) if folder.exists()), Path("/"))
    if not there.is_dir():
        checks.problem("folder", f"PACING_HOME {home} cannot be made: {there} is a file.", mend)
        return
    try:
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as error:
        checks.problem("folder", f"PACING_HOME {home} cannot be written: {error.strerror}.", mend)
        return
    checks.ok("folder", f"{home} can be written" if there == home else f"{home} can be made")
    if free < LEAST_FREE:
        checks.problem("room", f"{there} has {free // 10**6} MB left.", "Make room, or point PACING_HOME at another disk.")
    _signing(subject, checks)


def check_narrator(subject: Subject, checks: Checks) -> None:
    """The language model, where one is configured, can be made. It is not called: that would cost."""
    settings = subject.settings
    if settings.llm is None:
        checks.ok("model", "none: the rules' own words stand alone")
        return
    with checks.telling("model"):
        model_of(settings, settings.llm)
        priced = f"and {settings.llm_usd_per_day:g} US dollars" if settings.llm_price else "of unknown cost: PACING_LLM_PRICE is not set"
        checks.ok("model", f"{settings.llm} is ready; a day may use {settings.llm_tokens_per_day:,} tokens {priced}")


def check_second_route(subject: Subject, checks: Checks) -> None:
    """The addresses of PACING_ALERT_URL and PACING_ALERTS_TO can be read. Nothing is sent to them."""
    others = subject.settings.other_addresses
    if others:
        _addresses(checks, "alerts", "PACING_ALERTS_TO", others, unreadable(others), "what is critical is told there, beside Slack")
    urls = subject.settings.alert_url
    if urls is None:
        checks.ok("addresses", "PACING_ALERT_URL is not set: when Slack is down, nobody hears that the monitor is ill")
        return
    route = SecondRoute(urls.get_secret_value())
    _addresses(checks, "addresses", "PACING_ALERT_URL", route.urls, route.unknown(), "they are used when Slack does not take messages")


def _addresses(checks: Checks, name: str, setting: str, addresses: list[str], unknown: list[str], used: str) -> None:
    if unknown:
        checks.problem(name, f"{setting} has {len(unknown)} of {len(addresses)} addresses that Apprise cannot read ({', '.join(unknown)}://...).",
                       "Write each as Apprise names it: mailto://, msteams://, pagerduty://, json:// ..., divided by blanks.")
    else:
        checks.ok(name, f"{len(addresses)} of {setting} can be read; {used}")


def _signing(subject: Subject, checks: Checks) -> None:
    """The signing key and the folder of anchors, where they are set."""
    key, anchors = subject.settings.signing_key_file, subject.settings.anchor_dir
    if key is not None:
        try:
            key.read_bytes()
            checks.ok("signing key", f"{key} can be read")
        except OSError as error:
            checks.problem("signing key", f"PACING_SIGNING_KEY_FILE {key} cannot be read: {error.strerror}.", "Check the path and its permissions.")
    if anchors is None:
        checks.ok("anchors", "PACING_ANCHOR_DIR is not set: signed checkpoints stay in PACING_HOME, with their key. On the same machine as the database "
                             "they find out a fault or a careless hand, not somebody who owns the machine")
    else:
        try:
            with tempfile.TemporaryFile(dir=anchors):
                checks.ok("anchors", f"{anchors} can be written")
        except OSError as error:
            checks.problem("anchors", f"PACING_ANCHOR_DIR {anchors} cannot be written: {error.strerror}.", "Make the folder, mount it, or let this user write to it.")


def check_policy(subject: Subject, checks: Checks) -> None:
    """The policy file can be read, has no unknown key and no value out of range."""
    path = subject.settings.policy
    if path is None:
        checks.ok("file", "PACING_POLICY is not set: the built-in defaults")
        return
    with checks.telling("file"):
        policy = Policy.load(path)
        checks.ok("file", f"{path} is valid: mode {policy.mode}, {len(policy.scope)} scopes, {len(policy.routes)} routes")


def check_prefect(subject: Subject, checks: Checks) -> None:
    """A server of one's own answers, and is not older than the client."""
    url = subject.settings.prefect_api_url
    if url is None:
        checks.ok("server", "PREFECT_API_URL is not set: the embedded server, started when it is needed")
        return
    parts = urlsplit(url)
    if why := refuses(url, PREFECT_S):
        checks.problem("server", f"PREFECT_API_URL: Prefect at {parts.hostname} does not answer ({why}).",
                       "Check that the server runs and that PREFECT_API_URL ends in /api. Runs go on without it.")
        return
    theirs, ours = _server_version(url), version("prefect")
    if theirs is None:
        checks.problem("server", f"PREFECT_API_URL: what answers at {parts.hostname} does not say its version: no Prefect API, or one behind a login.",
                       "Check that PREFECT_API_URL ends in /api, and the login that Prefect's own settings name.")
    elif _numbers(theirs) < _numbers(ours):
        checks.problem("version", f"the server is Prefect {theirs}, this client {ours}.", "Upgrade the server first: a client may not be newer.")
    else:
        checks.ok("server", f"Prefect {theirs} answers at {parts.hostname}; this client is {ours}")


def _server_version(url: str) -> str | None:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PREFECT_S)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/admin/version")
        answer = connection.getresponse()
        found = json.loads(answer.read(1000)) if answer.status == http.client.OK else None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return found if isinstance(found, str) and _numbers(found) else None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("+", maxsplit=1)[0].split(".")[:2] if part.isdecimal())
