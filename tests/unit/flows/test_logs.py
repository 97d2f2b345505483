"""What is logged, and what is not."""

import json
import logging

import pytest

from flows import logs
from flows.settings import Settings


@pytest.fixture
def begun(monkeypatch):
    """Makes a process' log begin; afterwards the loggers are as before."""
    root, ours, prefect = logging.getLogger(), logging.getLogger("pacing"), logging.getLogger("prefect")
    ours.handlers[:] = [handler for handler in ours.handlers if not isinstance(handler, logs._Handler)]
    before = [(logger, list(logger.handlers), logger.level, logger.propagate) for logger in (root, ours, prefect)]

    def begin(fmt, **settings):
        monkeypatch.setenv("PACING_LOG_FORMAT", fmt)
        logs.begin(Settings.read(_env_file=None, **settings))

    yield begin
    logging.captureWarnings(False)
    for logger, handlers, level, propagate in before:
        logger.handlers[:], logger.propagate = [handler for handler in handlers if not isinstance(handler, logs._Handler)], propagate
        logger.setLevel(level)


def test_a_line_of_json_says_when_what_and_in_which_run(begun, capsys):
    """Each line is one object with its instant, level, logger and event; inside a run with its id, and with the event's facts."""
    begun("json")
    with logs.of_a_run() as named:
        logs.info("before")
        named("20260521T0800Z-live-3f9a1c")
        logs.info("step_ended", step="gather", seconds=1.5)
    logs.warn("two\nlines\x1b[31m \u202eabc")
    first, second, third = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert "run_id" not in first
    assert second.pop("at").endswith("Z")
    assert second == {"level": "info", "logger": "pacing", "event": "step_ended", "run_id": "20260521T0800Z-live-3f9a1c", "step": "gather", "seconds": 1.5}
    assert third["event"] == "two lines [31m abc"
    assert "run_id" not in third


def test_text_is_for_people(begun, capsys):
    """A warning is one line of ours, harmless whatever it quotes; the course of a run is not shown."""
    begun("text")
    logs.info("step_ended", step="gather")
    logs.warn("not anchored: \x1b[31mno\nroom")
    assert capsys.readouterr().err == "pacing: not anchored: [31mno room\n"


@pytest.mark.parametrize("fmt", ["text", "json"])
def test_libraries_go_the_same_way(begun, capsys, fmt):
    """A library's warning is one line of the same format; below a warning it says nothing, and Prefect is no exception in JSON."""
    begun(fmt)
    logging.getLogger("snowflake.connector").warning("slow")
    logging.getLogger("snowflake.connector").info("chatter")
    logging.getLogger("prefect.flow_runs").warning("late")
    lines = capsys.readouterr().err.splitlines()
    if fmt == "text":
        assert "snowflake.connector: slow" in lines
    else:
        assert [(json.loads(line)["logger"], json.loads(line)["event"]) for line in lines] == [("snowflake.connector", "slow"), ("prefect.flow_runs", "late")]


@pytest.mark.parametrize("fmt", ["text", "json"])
def test_no_line_shows_a_secret(begun, capsys, fmt):
    """Tokens, passwords and logins in addresses are stars, in messages, in facts and in tracebacks; also where JSON writes them otherwise."""
    begun(fmt, SLACK_BOT_TOKEN="xoxb-1-secret", SLACK_CHANNEL="C1", SNOWFLAKE_PASSWORD='se"same\\x', PACING_DATABASE_URL="postgresql://u:hush@h/d")
    logs.warn('xoxb-1-secret se"same\\x hush https://me:other@example.com/')
    logs.info("x", fact='se"same\\x', url="https://me:other@example.com/")
    try:
        int("xoxb-1-secret")
    except ValueError:
        logging.getLogger("library").exception("failed")
    said = capsys.readouterr().err
    assert not [secret for secret in ("xoxb", "same", "hush", "other") if secret in said]
    assert "example.com" in said


def test_a_log_that_nobody_began_is_text(begun, capsys):
    """A part of the house that is used alone says its warnings as lines."""
    logs.warn("alone")
    assert capsys.readouterr().err == "pacing: alone\n"
