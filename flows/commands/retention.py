"""What `pacing audit withhold` and `pacing audit detach` do: with the administrator's login, never the application's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audit import identity, retention
from audit.database import Database
from flows import views
from flows.anchoring import anchor
from flows.commands.record import open_record
from flows.local_postgres import SUPERUSER, EmbeddedPostgres
from flows.settings import Settings
from flows.wiring import DATABASE, House
from pacing_brain.errors import SettingError, UsageError

LOCK_WAIT_S = 5.0  # while detach waits for its lock, everyone who appends waits behind it
NO_ADMIN = ("PACING_DATABASE_ADMIN_URL is missing: what is recorded can only be withheld or detached by a login above the application's. "
            "Set it for this one command.")


def audit_withhold(seq: int, *, reason: str, who: str, as_json: bool) -> int:
    """The body of an entry is dropped; its leaf stays, and an entry says who and why."""
    settings = Settings.read()
    with open_record(settings) as house, _owner(settings) as owner:
        said = retention.withhold(owner, seq, reason, _claim(owner, who))
        known = {"seq": seq, "said_by": said, "anchor": anchor(house)}
    _tell(house, known, ("withheld", f"the body of entry {seq:,}"), ("entry that says so", f"{said:,}"), as_json=as_json)
    return 0


def audit_detach(month: str, *, to: Path, who: str, as_json: bool) -> int:
    """The bodies of a month go to a file; their leaves stay, and an entry names the file and its digest."""
    try:
        first = retention.read_month(month)
    except ValueError:
        raise UsageError(f"{month!r} is no month: write YYYY-MM") from None
    settings = Settings.read()
    with open_record(settings) as house, _owner(settings) as owner:
        made = retention.detach(owner, first, to, _claim(owner, who))
        known = {"month": month, "file": str(made.path), "sha256": made.sha256, "entries": made.entries, "said_by": made.seq, "anchor": anchor(house)}
    _tell(house, known, ("detached", f"{made.entries:,} entries of {month} to {made.path}"), ("SHA-256", made.sha256),
          ("entry that says so", f"{made.seq:,}"), as_json=as_json)
    return 0


def _claim(owner: Database, who: str) -> dict[str, object]:
    with owner.transaction() as connection:
        return identity.claimed(connection, who).body


@contextmanager
def _owner(settings: Settings) -> Iterator[Database]:
    """The record with a login above the application's; the embedded server is running already.

    Raises:
        SettingError: a server is configured without one.
    """
    if settings.database_admin_url is not None:
        url = settings.database_admin_url.get_secret_value()
    elif settings.database_url is not None:
        raise SettingError(NO_ADMIN)
    else:
        url = EmbeddedPostgres(settings.home).url(SUPERUSER, DATABASE)
    owner = Database(url, pool_size=1, lock_timeout_s=LOCK_WAIT_S, statement_timeout_s=0)
    try:
        yield owner
    finally:
        owner.close()


def _tell(house: House, known: dict[str, object], *lines: tuple[str, str], as_json: bool) -> None:
    views.emit(known) if as_json else views.show(views.pairs(*lines, ("anchors", str(house.anchors.directory))))
