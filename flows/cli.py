"""The command `pacing`. Only Typer, the examples and the standard library are imported here, so that `--help` answers at once."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli_examples import show_examples

app = typer.Typer(name="pacing", help="Watches the pacing of ad campaigns, says how far the data can be trusted, and asks before it acts.",
                  no_args_is_help=True, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]})
audit_app = typer.Typer(help="The ledger: what was seen, decided, asked and done.", no_args_is_help=True)
policy_app = typer.Typer(help="The policy: every threshold, and which scope wins.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")
app.add_typer(policy_app, name="policy")
silence_app = typer.Typer(help="Silences: problems that nobody wants to hear of for a while.", no_args_is_help=True)
app.add_typer(silence_app, name="silence")
asks_app = typer.Typer(help="The questions that await an answer, and answering them without Slack.", no_args_is_help=True)
app.add_typer(asks_app, name="recommendations")
halts_app = typer.Typer(help="The kill switch, and the breaker's release.", no_args_is_help=True)
app.add_typer(halts_app, name="halts")
patterns_app = typer.Typer(help="What has been learned, from loads and from answers.", no_args_is_help=True)
app.add_typer(patterns_app, name="patterns")
db_app = typer.Typer(help="The database: its schema, and from embedded to a server.", no_args_is_help=True)
app.add_typer(db_app, name="db")
warehouse_app = typer.Typer(help="The embedded warehouse: what is in it, and spend of your own into it.", no_args_is_help=True)
app.add_typer(warehouse_app, name="warehouse")

Asked = Annotated[str, typer.Argument(metavar="ID", help="As `pacing recommendations list` shows it.")]
Who = Annotated[str, typer.Option("--as", metavar="WHO", help="For whom you answer: a claim, kept beside your own login, which it counts for.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; logs go to stderr.")]
_debug = False


@app.callback()
def main(debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
         version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    global _debug  # noqa: PLW0603  Typer gives an option of the program no other way to reach its commands' border
    _debug = debug
    # Only the wheel's own lock, which we pass over, wants the variable. Said here, before a thread starts: a filter set in one thread
    # is lost when another leaves `catch_warnings`.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    if version:
        from importlib.metadata import version as installed

        typer.echo(installed("pacing-monitor"))
        raise typer.Exit


@contextmanager
def failing_in_one_line() -> Iterator[None]:
    """An error that the operator can act on is one line on stderr and exit 1 (2 for wrong usage); `--debug` shows its traceback."""
    from flows import logs
    from pacing_brain.errors import PacingError, UsageError

    logs.begin()
    try:
        yield
    except PacingError as error:
        if _debug:
            raise
        logs.error(str(error))
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from None
    except KeyboardInterrupt:
        logs.error("stopped")
        raise typer.Exit(130) from None
    except typer.Exit:
        raise
    except Exception as error:
        if _debug:
            raise
        logs.error(f"this should not have happened: {type(error).__name__}: {error}. Run it again with `pacing --debug ...` and report it.")
        raise typer.Exit(1) from None


def _do(command: Callable[..., Any], *args: object, **options: object) -> None:
    """Run a command behind the border; what it returns is its exit code."""
    with failing_in_one_line():
        code = command(*args, **options)
    if code:
        sys.exit(code)


@app.command()
def demo(html: Annotated[Path | None, typer.Option("--html", help="Also write the cards as an HTML page.")] = None, as_json: Json = False) -> None:
    """One run on the embedded default with the sample world; starts afresh each time."""
    from flows.demo import demo as run_demo

    _do(run_demo, html=html, as_json=as_json)


@app.command()
def run(as_of: Annotated[str | None, typer.Option("--as-of", metavar="ISO8601", help="The instant to decide for; default: now.")] = None,
        policy: Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="Another policy than the one in force: a rehearsal.")] = None,
        full: Annotated[bool, typer.Option("--full", help="Decide everything anew; restate nothing.")] = False,
        rehearsal: Annotated[bool, typer.Option("--rehearsal", help="Decide as of now without telling anybody, also where the window is sealed.")] = False,
        as_json: Json = False) -> None:
    """One run, through the Prefect flow."""
    from flows.commands import run as run_window

    _do(run_window, as_of=as_of, policy=policy, full=full, rehearsal=rehearsal, as_json=as_json)


@app.command()
def up(demo: Annotated[bool, typer.Option("--demo", help="The sample agency in a home of its own, whatever is configured.")] = False) -> None:
    """The local stack until Ctrl-C: Prefect with its page, both flows on their schedules."""
    from flows.up import up as serve

    _do(serve, demo=demo)


@app.command()
def serve() -> None:
    """Slack's buttons and health on the public port, metrics and readiness on the ops port, until Ctrl-C."""
    from flows.serve import serve as serve_ports

    _do(serve_ports)


@app.command()
def status(as_json: Json = False) -> None:
    """Where everything stands after the last sealed run."""
    from flows.commands import status as show_status

    _do(show_status, as_json=as_json)


@app.command()
def explain(campaign: Annotated[str, typer.Argument(help="A campaign id, a flight id or a name.")],
            run_id: Annotated[str | None, typer.Option("--run", metavar="ID", help="Another run than the last one.")] = None,
            chart: Annotated[Path | None, typer.Option("--chart", metavar="FILE", help="Also write planned against spent as .png or .svg.")] = None,
            as_json: Json = False) -> None:
    """Why a campaign got its decision."""
    from flows.commands_explain import explain as explain_campaign

    _do(explain_campaign, campaign, run_id=run_id, chart=chart, as_json=as_json)


@app.command()
def report(run_id: Annotated[str | None, typer.Option("--run", metavar="ID", help="Another run than the last one.")] = None,
           client: Annotated[str | None, typer.Option(help="One client only: no figure of another is in it.")] = None,
           to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Where to write; default: reports/ in PACING_HOME.")] = None,
           as_json: Json = False) -> None:
    """Write the report of a run again: a page, a CSV and a workbook."""
    from flows.commands_report import report as write_report

    _do(write_report, run_id=run_id, client=client, to=to, as_json=as_json)


@app.command()
def backtest(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A recorded history: windows, tracker, spend and loads as parquet.")],
             out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the decisions go, as parquet.")],
             policy: Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="Another policy than the built-in one.")] = None,
             learning: Annotated[bool, typer.Option(" /--no-learning", help="Learn nothing on the way.")] = True) -> None:
    """Decide every window of a recorded history, knowing at each only what was known then."""
    from flows.backtest import backtest as replay

    _do(replay, folder, out=out, policy=policy, learn=learning)


@app.command()
def replay(since: Annotated[str, typer.Option("--from", metavar="ISO8601", help="Windows from this instant on ...")],
           until: Annotated[str, typer.Option("--to", metavar="ISO8601", help="... and before this one.")],
           policy: Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="What would it have decided? Default: each run's own.")] = None,
           as_json: Json = False) -> None:
    """Decide past windows again, from what they recorded: equal bytes, or what another policy would have changed."""
    from flows.commands_replay import replay as replay_windows

    _do(replay_windows, since=since, until=until, policy=policy, as_json=as_json)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check every connection, permission, table, column, clock and Slack scope; each problem with how to mend it."""
    from flows.doctor import doctor as examine

    _do(examine, as_json=as_json)


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; default: here.")] = Path()) -> None:
    """Write policy.toml, .env.example, a tracker template, a Slack app manifest and a Snowflake grant script, all commented."""
    from flows.init import init as write

    _do(write, folder)


@db_app.command("upgrade")
def db_upgrade(as_json: Json = False) -> None:
    """Bring the database to the schema that this version needs (PACING_DATABASE_ADMIN_URL, or the embedded one)."""
    from flows.db import upgrade

    _do(upgrade, as_json=as_json)


@db_app.command("move")
def db_move(as_json: Json = False) -> None:
    """Take the embedded record to the server of PACING_DATABASE_URL and PACING_DATABASE_ADMIN_URL; the old one is kept."""
    from flows.db_move import move

    _do(move, as_json=as_json)


@app.command()
def missed(campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="A flight id, campaign id or name.")],
           since: Annotated[str, typer.Option("--from", metavar="ISO8601", help="Since when there was a problem.")], reason: Reason,
           who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who reports it: a claim.")] = "", as_json: Json = False) -> None:
    """Report a problem that the monitor did not raise."""
    from flows.commands_missed import missed as command

    _do(command, campaign, since=since, reason=reason, who=who, as_json=as_json)


@audit_app.command("show")
def audit_show(kind: Annotated[str | None, typer.Option(help="Only entries of this kind.")] = None,
               subject: Annotated[str | None, typer.Option(help="Only entries about this subject.")] = None,
               run_id: Annotated[str | None, typer.Option("--run", metavar="ID", help="Only entries of this run.")] = None,
               campaign: Annotated[str | None, typer.Option(help="Only entries about a campaign id, flight id or name.")] = None,
               since: Annotated[str | None, typer.Option("--from", metavar="ISO8601", help="Entries from this instant on.")] = None,
               until: Annotated[str | None, typer.Option("--to", metavar="ISO8601", help="Entries before this instant.")] = None,
               last: Annotated[int, typer.Option(min=1, help="How many, counted from the newest.")] = 20, as_json: Json = False) -> None:
    """The newest entries of the ledger."""
    from flows.commands_audit import audit_show as show

    _do(show, kind=kind, subject=subject, run_id=run_id, campaign=campaign, since=since, until=until, last=last, as_json=as_json)


@audit_app.command("export")
def audit_export(to: Annotated[Path, typer.Option("--to", metavar="DIR", help="An empty or new folder.")], as_json: Json = False) -> None:
    """Every entry, with the exact bytes that were hashed."""
    from flows.commands_audit import audit_export as export

    _do(export, to=to, as_json=as_json)


@audit_app.command("verify")
def audit_verify(anchor: Annotated[list[Path] | None, typer.Option("--anchor", metavar="FILE", help="A checkpoint kept elsewhere; may be repeated.")] = None,
                 key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The public key (verifier.txt); default: this home's.")] = None,
                 max_age_hours: Annotated[float, typer.Option(min=0, help="How old what the newest anchor covers may be.")] = 24.0,
                 inputs: Annotated[bool, typer.Option("--inputs/--no-inputs", help="Also read every recorded input.")] = True,
                 incremental: Annotated[bool, typer.Option("--incremental", help="Only what came since the last verified checkpoint, within a week.")] = False,
                 as_json: Json = False) -> None:
    """Is the ledger what was anchored? Fails when no anchor is young enough to say so."""
    from flows.commands_verify import audit_verify as verify

    _do(verify, anchors=anchor or [], key=key, max_age_hours=max_age_hours, inputs=inputs, incremental=incremental, as_json=as_json)


@audit_app.command("checkpoint")
def audit_checkpoint(as_json: Json = False) -> None:
    """Sign the ledger as it is now, anchor it outside the database, and print the note."""
    from flows.commands_verify import audit_checkpoint as checkpoint

    _do(checkpoint, as_json=as_json)


@audit_app.command("prove")
def audit_prove(seq: Annotated[int, typer.Argument(min=0, help="Number of an entry.")],
                to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where to write it; default: stdout.")] = None) -> None:
    """A proof that one entry is on the ledger, for somebody who sees nothing else of it."""
    from flows.commands_verify import audit_prove as prove

    _do(prove, seq, to=to)


@audit_app.command("verify-proof")
def audit_verify_proof(file: Annotated[Path, typer.Argument(help="What `pacing audit prove` wrote.")],
                       key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The public key (verifier.txt); default: this home's.")] = None,
                       as_json: Json = False) -> None:
    """Does a proof hold? Needs no database."""
    from flows.commands_verify import audit_verify_proof as verify_proof

    _do(verify_proof, file, key=key, as_json=as_json)


@audit_app.command("withhold")
def audit_withhold(seq: Annotated[int, typer.Argument(min=0, help="Number of an entry.")],
                   reason: Annotated[str, typer.Option(help="Why: it stands on the ledger, so without the data itself.")],
                   who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who you are: a claim, kept beside what the machine knows.")] = "",
                   as_json: Json = False) -> None:
    """Drop the body of an entry (personal data): its leaf stays, everything verifies, an entry says why. Needs PACING_DATABASE_ADMIN_URL."""
    from flows.commands_retention import audit_withhold as withhold

    _do(withhold, seq, reason=reason, who=who, as_json=as_json)


@audit_app.command("detach")
def audit_detach(month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="A month that is over for a day.")],
                 to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where its Parquet file goes.")],
                 who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who you are: a claim, kept beside what the machine knows.")] = "",
                 as_json: Json = False) -> None:
    """Move the bodies of a month to a file: their leaves stay, everything verifies. Needs PACING_DATABASE_ADMIN_URL."""
    from flows.commands_retention import audit_detach as detach

    _do(detach, month, to=to, who=who, as_json=as_json)


@audit_app.command("stats")
def audit_stats(campaign: Annotated[str | None, typer.Option(help="A campaign id, flight id or name.")] = None,
                run_id: Annotated[str | None, typer.Option("--run", metavar="ID", help="Only this run.")] = None,
                since: Annotated[str | None, typer.Option("--from", metavar="ISO8601", help="Entries from this instant on.")] = None,
                until: Annotated[str | None, typer.Option("--to", metavar="ISO8601", help="Entries before this instant.")] = None,
                kind: Annotated[str | None, typer.Option(help="Only entries of this kind.")] = None, as_json: Json = False) -> None:
    """Decisions, answers and their delays, and the share that needed a person, in figures."""
    from flows.commands_verify import audit_stats as stats

    _do(stats, campaign=campaign, run_id=run_id, since=since, until=until, kind=kind, as_json=as_json)


@audit_app.command("recover")
def audit_recover(who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who you are: kept as a claim.")],
                  reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why the database was restored.")], as_json: Json = False) -> None:
    """After a restore: close the ledger and open a new one that cites its last anchor and what was lost. The database's owner alone may."""
    from flows.commands_recover import audit_recover as recover

    _do(recover, who=who, reason=reason, as_json=as_json)


@audit_app.command("acknowledge")
def audit_acknowledge(who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who you are: kept as a claim.")],
                      reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What you know of it.")], as_json: Json = False) -> None:
    """Say as an approver that you know of a recovery: verify stays red until two have."""
    from flows.commands_recover import audit_acknowledge as acknowledge

    _do(acknowledge, who=who, reason=reason, as_json=as_json)


@audit_app.command("statement")
def audit_statement(month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Which month.")],
                    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to write.")] = Path(), as_json: Json = False) -> None:
    """A month for a controller: planned, spent as known then and now, answers, actions with their proof, what was missed. CSV and a workbook."""
    from flows.commands_statement import audit_statement as statement

    _do(statement, month=month, to=to, as_json=as_json)


@policy_app.command("check")
def policy_check(file: Annotated[Path | None, typer.Argument(help="A policy file; default: the one in force.")] = None,
                 campaign: Annotated[str | None, typer.Option(help="Show which scope won for this campaign.")] = None, as_json: Json = False) -> None:
    """Is it valid, what differs from the one in force, which scope won."""
    from flows.commands_policy import policy_check as check

    _do(check, file=file, campaign=campaign, as_json=as_json)


@warehouse_app.command("load")
def warehouse_load(csv: Annotated[Path, typer.Argument(metavar="CSV", help="Spend: the columns of CAMPAIGN_SPEND.")],
                   loads: Annotated[Path | None, typer.Option("--loads", metavar="CSV", help="When each account was loaded: ACCOUNT_ID, LOADED_AT.")] = None,
                   as_json: Json = False) -> None:
    """Put spend from a CSV into the embedded warehouse, in place of what is there."""
    from flows.commands_warehouse import warehouse_load as load

    _do(load, csv=csv, loads=loads, as_json=as_json)


@warehouse_app.command("info")
def warehouse_info(as_json: Json = False) -> None:
    """What the embedded warehouse holds."""
    from flows.commands_warehouse import warehouse_info as info

    _do(info, as_json=as_json)


@patterns_app.command("list")
def patterns_list(every: Annotated[bool, typer.Option("--all", help="What is no longer in force too.")] = False, as_json: Json = False) -> None:
    """What has been learned and is in force."""
    from flows.commands_patterns import list_them

    _do(list_them, every=every, as_json=as_json)


@patterns_app.command("show")
def patterns_show(pattern_id: Annotated[str, typer.Argument(metavar="ID", help="As `pacing patterns list` shows it.")], as_json: Json = False) -> None:
    """One pattern, with the ledger entries behind it."""
    from flows.commands_patterns import show as command

    _do(command, pattern_id, as_json=as_json)


@patterns_app.command("retire")
def patterns_retire(pattern_id: Annotated[str, typer.Argument(metavar="ID", help="As `pacing patterns list` shows it.")], who: Who, reason: Reason,
                    as_json: Json = False) -> None:
    """End a pattern: the next run decides without it."""
    from flows.commands_patterns import retire as command

    _do(command, pattern_id, who=who, reason=reason, as_json=as_json)


@halts_app.command("stop")
def halts_stop(who: Who, reason: Reason, as_json: Json = False) -> None:
    """Stop every pause at once, whoever approved it."""
    from flows.commands_halts import stop as command

    _do(command, who=who, reason=reason, as_json=as_json)


@halts_app.command("allow")
def halts_allow(who: Who, reason: Reason, as_json: Json = False) -> None:
    """Allow approved pauses again."""
    from flows.commands_halts import allow as command

    _do(command, who=who, reason=reason, as_json=as_json)


@halts_app.command("release")
def halts_release(scope: Annotated[str, typer.Argument(metavar="SCOPE", help="As the card names it: account:meta/4402, source:meta or source:all.")],
                  kind: Annotated[str, typer.Option(help="over, under or zero.")], who: Who, reason: Reason,
                  hours: Annotated[int, typer.Option(help="For how long.")] = 24, as_json: Json = False) -> None:
    """Release pauses that are held because a data fault was likely."""
    from flows.commands_halts import release as command

    _do(command, scope, kind=kind, hours=hours, who=who, reason=reason, as_json=as_json)


@silence_app.command("set")
def silence_set(matcher: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="What to mute: client=, platform=, account=, campaign=, flight=, "
                                                             "market=, owner=, problem=, severity=, scope=; all must match.")],
                who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who wants it.")],
                reason: Annotated[str, typer.Option(help="Why.")],
                until: Annotated[str, typer.Option(metavar="ISO8601", help="When it ends, at most 30 days from now; UTC unless it says otherwise.")],
                as_json: Json = False) -> None:
    """Mute the messages about a problem for a while."""
    from flows.commands_silence import silence_set as command

    _do(command, matcher, who=who, reason=reason, until=until, as_json=as_json)


@silence_app.command("list")
def silence_list(as_json: Json = False) -> None:
    """What is muted now, until when, by whom and why."""
    from flows.commands_silence import silence_list as command

    _do(command, as_json=as_json)


@silence_app.command("end")
def silence_end(silence_id: Annotated[str, typer.Argument(metavar="ID", help="As `pacing silence list` shows it.")],
                who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who ends it.")],
                reason: Annotated[str, typer.Option(help="Why.")], as_json: Json = False) -> None:
    """End a silence before its time."""
    from flows.commands_silence import silence_end as command

    _do(command, silence_id, who=who, reason=reason, as_json=as_json)


@asks_app.command("list")
def recommendations_list(every: Annotated[bool, typer.Option("--all", help="The newest 50, answered ones too.")] = False, as_json: Json = False) -> None:
    """What awaits an answer, oldest first."""
    from flows.commands_recommendations import list_them as command

    _do(command, every=every, as_json=as_json)


@asks_app.command("show")
def recommendations_show(recommendation_id: Asked, as_json: Json = False) -> None:
    """One question: what is asked, why, who approved it so far."""
    from flows.commands_recommendations import show as command

    _do(command, recommendation_id, as_json=as_json)


@asks_app.command("approve")
def recommendations_approve(recommendation_id: Asked, who: Who, reason: Reason) -> None:
    """Pause the campaign: the same rules as for the button."""
    from flows.commands_recommendations import decide as command

    _do(command, "approve", recommendation_id, claim=who, reason=reason)


@asks_app.command("reject")
def recommendations_reject(recommendation_id: Asked, who: Who, reason: Reason) -> None:
    """Keep it running; silent for 24 hours or until it gets worse."""
    from flows.commands_recommendations import decide as command

    _do(command, "reject", recommendation_id, claim=who, reason=reason)


@asks_app.command("undo")
def recommendations_undo(recommendation_id: Asked, who: Who, reason: Reason) -> None:
    """Resume a campaign that the monitor paused: approved as the pause was."""
    from flows.commands_recommendations import decide as command

    _do(command, "undo", recommendation_id, claim=who, reason=reason)


@asks_app.command("paused")
def recommendations_paused(recommendation_id: Asked, who: Who, reason: Reason) -> None:
    """Say that a campaign that was handed over to people is paused."""
    from flows.commands_recommendations import decide as command

    _do(command, "paused", recommendation_id, claim=who, reason=reason)


@asks_app.command("snooze")
def recommendations_snooze(recommendation_id: Asked, who: Who, reason: Reason,
                           until: Annotated[str | None, typer.Option(metavar="ISO8601", help="When you want to be reminded; default: in 4 hours.")] = None) -> None:
    """Be reminded later."""
    from flows.commands_recommendations import decide as command

    _do(command, "snooze", recommendation_id, claim=who, reason=reason, until=until)


show_examples(app)
