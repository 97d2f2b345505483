"""`pacing audit`: reading the ledger, proving it, keeping it."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.border import Json, do


app = typer.Typer(help="The ledger: what was seen, decided, asked and done.", no_args_is_help=True)


@app.command("show")
def audit_show(kind: Annotated[str | None, typer.Option(help="Only entries of this kind.")] = None,
               subject: Annotated[str | None, typer.Option(help="Only entries about this subject.")] = None,
               run_id: Annotated[str | None, typer.Option("--run", metavar="ID", help="Only entries of this run.")] = None,
               campaign: Annotated[str | None, typer.Option(help="Only entries about a campaign id, flight id or name.")] = None,
               since: Annotated[str | None, typer.Option("--from", metavar="ISO8601", help="Entries from this instant on.")] = None,
               until: Annotated[str | None, typer.Option("--to", metavar="ISO8601", help="Entries before this instant.")] = None,
               last: Annotated[int, typer.Option(min=1, help="How many, counted from the newest.")] = 20, as_json: Json = False) -> None:
    """The newest entries of the ledger."""
    from flows.commands.audit import audit_show as show

    do(show, kind=kind, subject=subject, run_id=run_id, campaign=campaign, since=since, until=until, last=last, as_json=as_json)


@app.command("export")
def audit_export(to: Annotated[Path, typer.Option("--to", metavar="DIR", help="An empty or new folder.")], as_json: Json = False) -> None:
    """Every entry, with the exact bytes that were hashed."""
    from flows.commands.audit import audit_export as export

    do(export, to=to, as_json=as_json)


@app.command("verify")
def audit_verify(anchor: Annotated[list[Path] | None, typer.Option("--anchor", metavar="FILE", help="A checkpoint kept elsewhere; may be repeated.")] = None,
                 key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The public key (verifier.txt); default: this home's.")] = None,
                 max_age_hours: Annotated[float, typer.Option(min=0, help="How old what the newest anchor covers may be.")] = 24.0,
                 inputs: Annotated[bool, typer.Option("--inputs/--no-inputs", help="Also read every recorded input.")] = True,
                 incremental: Annotated[bool, typer.Option("--incremental", help="Only what came since the last verified checkpoint, within a week.")] = False,
                 as_json: Json = False) -> None:
    """Is the ledger what was anchored? Fails when no anchor is young enough to say so."""
    from flows.commands.verify import audit_verify as verify

    do(verify, anchors=anchor or [], key=key, max_age_hours=max_age_hours, inputs=inputs, incremental=incremental, as_json=as_json)


@app.command("checkpoint")
def audit_checkpoint(as_json: Json = False) -> None:
    """Sign the ledger as it is now, anchor it outside the database, and print the note."""
    from flows.commands.verify import audit_checkpoint as checkpoint

    do(checkpoint, as_json=as_json)


@app.command("prove")
def audit_prove(seq: Annotated[int, typer.Argument(min=0, help="Number of an entry.")],
                to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where to write it; default: stdout.")] = None) -> None:
    """A proof that one entry is on the ledger, for somebody who sees nothing else of it."""
    from flows.commands.verify import audit_prove as prove

    do(prove, seq, to=to)


@app.command("verify-proof")
def audit_verify_proof(file: Annotated[Path, typer.Argument(help="What `pacing audit prove` wrote.")],
                       key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The public key (verifier.txt); default: this home's.")] = None,
                       as_json: Json = False) -> None:
    """Does a proof hold? Needs no database."""
    from flows.commands.verify import audit_verify_proof as verify_proof

    do(verify_proof, file, key=key, as_json=as_json)


@app.command("withhold")
def audit_withhold(seq: Annotated[int, typer.Argument(min=0, help="Number of an entry.")],
                   reason: Annotated[str, typer.Option(help="Why: it stands on the ledger, so without the data itself.")],
                   who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who you are: a claim, kept beside what the machine knows.")] = "",
                   as_json: Json = False) -> None:
    """Drop the body of an entry (personal data): its leaf stays, everything verifies, an entry says why. Needs PACING_DATABASE_ADMIN_URL."""
    from flows.commands.retention import audit_withhold as withhold

    do(withhold, seq, reason=reason, who=who, as_json=as_json)


@app.command("detach")
def audit_detach(month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="A month that is over for a day.")],
                 to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where its Parquet file goes.")],
                 who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who you are: a claim, kept beside what the machine knows.")] = "",
                 as_json: Json = False) -> None:
    """Move the bodies of a month to a file: their leaves stay, everything verifies. Needs PACING_DATABASE_ADMIN_URL."""
    from flows.commands.retention import audit_detach as detach

    do(detach, month, to=to, who=who, as_json=as_json)


@app.command("stats")
def audit_stats(campaign: Annotated[str | None, typer.Option(help="A campaign id, flight id or name.")] = None,
                run_id: Annotated[str | None, typer.Option("--run", metavar="ID", help="Only this run.")] = None,
                since: Annotated[str | None, typer.Option("--from", metavar="ISO8601", help="Entries from this instant on.")] = None,
                until: Annotated[str | None, typer.Option("--to", metavar="ISO8601", help="Entries before this instant.")] = None,
                kind: Annotated[str | None, typer.Option(help="Only entries of this kind.")] = None, as_json: Json = False) -> None:
    """Decisions, answers and their delays, and the share that needed a person, in figures."""
    from flows.commands.verify import audit_stats as stats

    do(stats, campaign=campaign, run_id=run_id, since=since, until=until, kind=kind, as_json=as_json)


@app.command("recover")
def audit_recover(who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who you are: kept as a claim.")],
                  reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why the database was restored.")], as_json: Json = False) -> None:
    """After a restore: close the ledger and open a new one that cites its last anchor and what was lost. The database's owner alone may."""
    from flows.commands.recover import audit_recover as recover

    do(recover, who=who, reason=reason, as_json=as_json)


@app.command("acknowledge")
def audit_acknowledge(who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who you are: kept as a claim.")],
                      reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What you know of it.")], as_json: Json = False) -> None:
    """Say as an approver that you know of a recovery: verify stays red until two have."""
    from flows.commands.recover import audit_acknowledge as acknowledge

    do(acknowledge, who=who, reason=reason, as_json=as_json)


@app.command("statement")
def audit_statement(month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Which month.")],
                    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to write.")] = Path(), as_json: Json = False) -> None:
    """A month for a controller: planned, spent as known then and now, answers, actions with their proof, what was missed. CSV and a workbook."""
    from flows.commands.statement import audit_statement as statement

    do(statement, month=month, to=to, as_json=as_json)
