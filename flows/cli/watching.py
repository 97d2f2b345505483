"""Running the monitor and looking at what it found: the commands without a group."""

import warnings
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.border import Json, Reason, do, show_tracebacks

app = typer.Typer(name="pacing", help="Watches the pacing of ad campaigns, says how far the data can be trusted, and asks before it acts.",
                  no_args_is_help=True, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.callback()
def main(debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
         version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    show_tracebacks(debug)
    # Only the wheel's own lock, which we pass over, wants the variable. Said here, before a thread starts: a filter set in one thread
    # is lost when another leaves `catch_warnings`.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    if version:
        from importlib.metadata import version as installed

        typer.echo(installed("pacing-monitor"))
        raise typer.Exit


@app.command()
def demo(html: Annotated[Path | None, typer.Option("--html", help="Also write the cards as an HTML page.")] = None, as_json: Json = False) -> None:
    """One run on the embedded default with the sample world; starts afresh each time."""
    from flows.demo import demo as run_demo

    do(run_demo, html=html, as_json=as_json)


@app.command()
def run(as_of: Annotated[str | None, typer.Option("--as-of", metavar="ISO8601", help="The instant to decide for; default: now.")] = None,
        policy: Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="Another policy than the one in force: a rehearsal.")] = None,
        full: Annotated[bool, typer.Option("--full", help="Decide everything anew; restate nothing.")] = False,
        rehearsal: Annotated[bool, typer.Option("--rehearsal", help="Decide as of now without telling anybody, also where the window is sealed.")] = False,
        as_json: Json = False) -> None:
    """One run, through the Prefect flow."""
    from flows.commands.run import run as run_window

    do(run_window, as_of=as_of, policy=policy, full=full, rehearsal=rehearsal, as_json=as_json)


@app.command()
def up(demo: Annotated[bool, typer.Option("--demo", help="The sample agency in a home of its own, whatever is configured.")] = False) -> None:
    """The local stack until Ctrl-C: Prefect with its page, both flows on their schedules."""
    from flows.up import up as serve

    do(serve, demo=demo)


@app.command()
def serve() -> None:
    """Slack's buttons and health on the public port, metrics and readiness on the ops port, until Ctrl-C."""
    from flows.serve import serve as serve_ports

    do(serve_ports)


@app.command()
def status(as_json: Json = False) -> None:
    """Where everything stands after the last sealed run."""
    from flows.commands.run import status as show_status

    do(show_status, as_json=as_json)


@app.command()
def explain(campaign: Annotated[str, typer.Argument(help="A campaign id, a flight id or a name.")],
            run_id: Annotated[str | None, typer.Option("--run", metavar="ID", help="Another run than the last one.")] = None,
            chart: Annotated[Path | None, typer.Option("--chart", metavar="FILE", help="Also write planned against spent as .png or .svg.")] = None,
            as_json: Json = False) -> None:
    """Why a campaign got its decision."""
    from flows.commands.explain import explain as explain_campaign

    do(explain_campaign, campaign, run_id=run_id, chart=chart, as_json=as_json)


@app.command()
def report(run_id: Annotated[str | None, typer.Option("--run", metavar="ID", help="Another run than the last one.")] = None,
           client: Annotated[str | None, typer.Option(help="One client only: no figure of another is in it.")] = None,
           to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Where to write; default: reports/ in PACING_HOME.")] = None,
           as_json: Json = False) -> None:
    """Write the report of a run again: a page, a CSV and a workbook."""
    from flows.commands.report import report as write_report

    do(write_report, run_id=run_id, client=client, to=to, as_json=as_json)


@app.command()
def backtest(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A recorded history: windows, tracker, spend and loads as parquet.")],
             out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the decisions go, as parquet.")],
             policy: Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="Another policy than the built-in one.")] = None,
             learning: Annotated[bool, typer.Option(" /--no-learning", help="Learn nothing on the way.")] = True) -> None:
    """Decide every window of a recorded history, knowing at each only what was known then."""
    from flows.backtest import backtest as replay

    do(replay, folder, out=out, policy=policy, learn=learning)


@app.command()
def replay(since: Annotated[str, typer.Option("--from", metavar="ISO8601", help="Windows from this instant on ...")],
           until: Annotated[str, typer.Option("--to", metavar="ISO8601", help="... and before this one.")],
           policy: Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="What would it have decided? Default: each run's own.")] = None,
           as_json: Json = False) -> None:
    """Decide past windows again, from what they recorded: equal bytes, or what another policy would have changed."""
    from flows.commands.replay import replay as replay_windows

    do(replay_windows, since=since, until=until, policy=policy, as_json=as_json)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check every connection, permission, table, column, clock and Slack scope; each problem with how to mend it."""
    from flows.doctor import doctor as examine

    do(examine, as_json=as_json)


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; default: here.")] = Path()) -> None:
    """Write policy.toml, .env.example, a tracker template, a Slack app manifest and a Snowflake grant script, all commented."""
    from flows.commands.init import init as write

    do(write, folder)


@app.command()
def missed(campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="A flight id, campaign id or name.")],
           since: Annotated[str, typer.Option("--from", metavar="ISO8601", help="Since when there was a problem.")], reason: Reason,
           who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who reports it: a claim.")] = "", as_json: Json = False) -> None:
    """Report a problem that the monitor did not raise."""
    from flows.commands.missed import missed as command

    do(command, campaign, since=since, reason=reason, who=who, as_json=as_json)
