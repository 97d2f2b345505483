"""`pacing db upgrade`: the schema of the record, brought to what this version needs."""

from typing import Any

from sqlalchemy import make_url

from audit import migrate
from flows import views
from flows.local_postgres import SUPERUSER, EmbeddedPostgres
from flows.settings import Settings
from flows.wiring import DATABASE, embedded_database, refuse_moved
from pacing_brain.errors import DatabaseRefused, SettingError

NO_ADMIN = ("PACING_DATABASE_ADMIN_URL is missing: PACING_DATABASE_URL names a server, and its login may not migrate. "
            "Set it to a login that may make roles and tables in that database.")


def upgrade(*, as_json: bool) -> int:
    """Say from which migration to which."""
    found = upgraded(Settings.read())
    if as_json:
        views.emit(found)
    elif found["from"] == found["to"]:
        views.show(views.say(f"{found['database']} is at migration {found['to']} already."))
    else:
        views.show(views.say(f"{found['database']} went from {'migration ' + found['from'] if found['from'] else 'no schema'} to migration {found['to']}."))
    return 0


def upgraded(settings: Settings) -> dict[str, Any]:
    """Upgrade the database of these settings. `from` is empty where there was no schema.

    Raises:
        SettingError: a server is configured without a login that may migrate it.
        DatabaseUnavailable, DatabaseRefused: it did not answer, or refused; or another database was upgraded than the one in use.
    """
    if settings.database_admin_url is not None:
        return _of_server(settings.database_admin_url.get_secret_value(), settings)
    if settings.database_url is not None:
        raise SettingError(NO_ADMIN)
    return _embedded(settings)


def _of_server(admin_url: str, settings: Settings) -> dict[str, Any]:
    """With the application's login, where PACING_DATABASE_URL names one: made if it is missing, and a member of pacing_app only."""
    before = migrate.current(admin_url)
    application = settings.database_url.get_secret_value() if settings.database_url else None
    login = make_url(application) if application else None
    migrate.upgrade(admin_url, app_login=login.username if login else None, app_password=str(login.password) if login and login.password else None)
    if application:
        migrate.check(application)  # names the same database, and the login works
    where = make_url(admin_url)
    return {"database": f"{where.host or 'the local socket'}/{where.database}", "from": before, "to": migrate.newest()}


def _embedded(settings: Settings) -> dict[str, Any]:
    refuse_moved(settings.home)
    with EmbeddedPostgres(settings.home) as postgres:
        try:
            before = migrate.current(postgres.url(SUPERUSER, DATABASE))
        except DatabaseRefused:
            before = ""  # there is no such database yet
        embedded_database(postgres)
    return {"database": f"the embedded database in {settings.home}", "from": before, "to": migrate.newest()}
