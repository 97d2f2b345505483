"""What an installation is made of: `pacing policy`, `db` and `warehouse`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.border import Json, do


policy = typer.Typer(help="The policy: every threshold, and which scope wins.", no_args_is_help=True)
db = typer.Typer(help="The database: its schema, and from embedded to a server.", no_args_is_help=True)
warehouse = typer.Typer(help="The embedded warehouse: what is in it, and spend of your own into it.", no_args_is_help=True)


@policy.command("check")
def policy_check(file: Annotated[Path | None, typer.Argument(help="A policy file; default: the one in force.")] = None,
                 campaign: Annotated[str | None, typer.Option(help="Show which scope won for this campaign.")] = None, as_json: Json = False) -> None:
    """Is it valid, what differs from the one in force, which scope won."""
    from flows.commands.policy import policy_check as check

    do(check, file=file, campaign=campaign, as_json=as_json)


@db.command("upgrade")
def db_upgrade(as_json: Json = False) -> None:
    """Bring the database to the schema that this version needs (PACING_DATABASE_ADMIN_URL, or the embedded one)."""
    from flows.commands.db import upgrade

    do(upgrade, as_json=as_json)


@db.command("move")
def db_move(as_json: Json = False) -> None:
    """Take the embedded record to the server of PACING_DATABASE_URL and PACING_DATABASE_ADMIN_URL; the old one is kept."""
    from flows.commands.db_move import move

    do(move, as_json=as_json)


@warehouse.command("load")
def warehouse_load(csv: Annotated[Path, typer.Argument(metavar="CSV", help="Spend: the columns of CAMPAIGN_SPEND.")],
                   loads: Annotated[Path | None, typer.Option("--loads", metavar="CSV", help="When each account was loaded: ACCOUNT_ID, LOADED_AT.")] = None,
                   as_json: Json = False) -> None:
    """Put spend from a CSV into the embedded warehouse, in place of what is there."""
    from flows.commands.warehouse import warehouse_load as load

    do(load, csv=csv, loads=loads, as_json=as_json)


@warehouse.command("info")
def warehouse_info(as_json: Json = False) -> None:
    """What the embedded warehouse holds."""
    from flows.commands.warehouse import warehouse_info as info

    do(info, as_json=as_json)
