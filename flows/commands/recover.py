"""What `pacing audit recover` and `pacing audit acknowledge` do."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from audit import clock, identity
from audit.database import Database
from audit.recovery import Break
from audit.recovery import acknowledge as say_known
from audit.recovery import recover as close_and_open
from flows import views
from flows.anchoring import anchor
from flows.commands.record import open_record
from flows.commands.db import NO_ADMIN
from flows.local_postgres import SUPERUSER, EmbeddedPostgres
from flows.settings import Settings
from flows.wiring import DATABASE
from pacing_brain.errors import LedgerError, SettingError
from pacing_brain.permissions import Caller, Role, person_of, role


def audit_recover(*, who: str, reason: str, as_json: bool) -> int:
    """Close the ledger and open a new one; verify stays red until it is acknowledged."""
    settings = Settings.read()
    with open_record(settings) as house, _owner(settings) as admin:
        with admin.transaction() as connection:
            by = identity.claimed(connection, who)
        found = close_and_open(admin, house.anchors, house.signing_key(), by, reason)
    _show(found, as_json=as_json)
    return 0


def audit_acknowledge(*, who: str, reason: str, as_json: bool) -> int:
    """An approver knows of it.

    Raises:
        LedgerError: whoever calls is no approver, or no human that the policy names.
    """
    with open_record(Settings.read()) as house:
        with house.database.transaction() as connection:
            by = identity.claimed(connection, who)
            human = person_of(house.policy, by.person)
            if role(house.policy, house.policy.approvals, Caller("", by.person), None) is not Role.APPROVER or human is None:
                raise LedgerError(f"{by.person} is no approver: [approvals] approvers must name them, and [people] say who they are")
            found = say_known(connection, human, by.body, reason, clock.now(connection))
        anchor(house)
    _show(found, as_json=as_json)
    return 0


@contextmanager
def _owner(settings: Settings) -> Iterator[Database]:
    """The database as the login that may migrate it.

    Raises:
        SettingError: a server is configured without that login.
    """
    if settings.database_admin_url is None and settings.database_url is not None:
        raise SettingError(NO_ADMIN)
    with ExitStack() as stack:
        admin = settings.database_admin_url
        url = admin.get_secret_value() if admin else stack.enter_context(EmbeddedPostgres(settings.home)).url(SUPERUSER, DATABASE)
        database = Database(url)
        stack.callback(database.close)
        yield database


def _show(found: Break, *, as_json: bool) -> None:
    known: dict[str, Any] = {"seq": found.seq, "old_ledger": found.old_ledger, "new_ledger": found.new_ledger, "kept": found.kept, "lost_to": found.lost_to,
                             "acknowledged_by": sorted(found.people)}
    if as_json:
        views.emit(known)
    else:
        views.show(views.pairs(("closed", found.old_ledger), ("opened", found.new_ledger), ("kept", f"{found.kept:,} entries of {found.lost_to:,} that were anchored"),
                               ("entry", found.seq), ("acknowledged by", ", ".join(sorted(found.people)) or "nobody yet; two approvers are needed")))
