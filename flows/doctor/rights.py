"""The doctor on rights: may the application change what is recorded, and who else on this server could?"""

from sqlalchemy import Connection, text

from audit.tables import APPEND_ONLY
from flows.doctor.checks import Checks

_OF_LOGIN = text("""
    SELECT current_user AS login, rolsuper AS super, pg_has_role(current_user, 'pacing_owner', 'MEMBER') AS owner,
           has_function_privilege(current_user, 'pacing.append(text, timestamptz, text[], text[], bytea[], bytea[])', 'EXECUTE') AS writes
    FROM pg_roles WHERE rolname = current_user""")
_CHANGEABLE = text("""
    SELECT relname FROM pg_class JOIN pg_trigger ON tgrelid = pg_class.oid AND tgname IN ('append_only', 'only_grows')
    WHERE relnamespace = 'pacing'::regnamespace
      AND (has_any_column_privilege(current_user, pg_class.oid, 'UPDATE') OR has_table_privilege(current_user, pg_class.oid, 'DELETE')
           OR has_table_privilege(current_user, pg_class.oid, 'TRUNCATE') OR has_table_privilege(current_user, pg_class.oid, 'TRIGGER')
           OR (relname LIKE 'ledger%' AND has_any_column_privilege(current_user, pg_class.oid, 'INSERT')))
    ORDER BY 1""")
_TOO_MUCH = text("""
    SELECT said FROM (
        SELECT 1 AS place, 'CREATEROLE' AS said FROM pg_roles WHERE rolname = current_user AND rolcreaterole
        UNION ALL SELECT 2, 'REPLICATION' FROM pg_roles WHERE rolname = current_user AND rolreplication
        UNION ALL SELECT 3, 'the role ' || rolname FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER') AND rolname IN (
            'pg_write_all_data', 'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files', 'pg_maintain', 'pg_create_subscription')
        UNION ALL SELECT 4, 'the ownership of the database' FROM pg_database WHERE datname = current_database() AND pg_has_role(current_user, datdba, 'MEMBER')
        UNION ALL SELECT 5, 'CREATE in the schema pacing' WHERE has_schema_privilege(current_user, 'pacing', 'CREATE')
        UNION ALL SELECT 6, 'the call of pacing.' || proname FROM pg_proc
            WHERE pronamespace = 'pacing'::regnamespace AND proname IN ('withhold', 'detach') AND has_function_privilege(current_user, oid, 'EXECUTE')) AS all_of_it
    ORDER BY place, said""")
_UNGUARDED = text("""
    SELECT relname FROM pg_class
    WHERE relnamespace = 'pacing'::regnamespace AND relkind IN ('r', 'p')
      AND (relname = ANY (CAST(:tables AS text[])) OR (relispartition AND relname LIKE 'ledger\\_entries\\_%'))
      AND EXISTS (SELECT FROM unnest(CASE WHEN relname LIKE 'ledger%' THEN '{append_only,only_withheld}' ELSE '{append_only}' END ::text[]) AS wanted (name)
                  WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND tgname = wanted.name AND tgenabled = 'A'))
    ORDER BY 1""")
_ABOVE = text("SELECT rolname FROM pg_roles WHERE rolcanlogin AND (rolsuper OR pg_has_role(oid, 'pacing_owner', 'MEMBER')) ORDER BY 1")
GUARDED = [table.name for table in APPEND_ONLY]


def check_rights(connection: Connection, checks: Checks) -> None:
    """1. the application's login may add and nothing else; 2. the triggers stand; 3. who is above both."""
    login = connection.execute(_OF_LOGIN).mappings().one()
    name = login["login"]
    if login["super"] or login["owner"]:  # 1
        what = "a superuser" if login["super"] else "a member of pacing_owner"
        checks.problem("append-only", f"the application logs in as {name}, {what}: it could change what is recorded.",
                       "Set PACING_DATABASE_URL to a login of its own that is a member of pacing_app only (pacing db upgrade makes it).")
    elif not login["writes"]:
        checks.problem("append-only", f"the application's login {name} may not write to the ledger.", f"As the administrator: GRANT pacing_app TO {name};")
    elif changeable := connection.execute(_CHANGEABLE).scalars().all():
        checks.problem("append-only", f"the application's login {name} may change {', '.join(changeable)}.",
                       f"As the administrator: REVOKE ALL ON those tables in schema pacing FROM {name} and from every role it is in, then GRANT pacing_app TO {name};")
    elif too_much := connection.execute(_TOO_MUCH).scalars().all():
        checks.problem("append-only", f"the application's login {name} has more than it needs: {', '.join(too_much)}.",
                       f"As the administrator: take it from {name}, and from every role it is in; pacing_app is all it needs.")
    else:
        checks.ok("append-only", f"{name} may add to the ledger and change nothing in it")
    if open_tables := connection.execute(_UNGUARDED, {"tables": GUARDED}).scalars().all():  # 2
        checks.problem("triggers", f"the trigger append_only does not guard {', '.join(open_tables)}.",
                       "As pacing_owner: ALTER TABLE pacing.<table> ENABLE ALWAYS TRIGGER append_only; and find out who switched it off.")
    above = connection.execute(_ABOVE).scalars().all()  # 3
    checks.ok("above it", f"{', '.join(above) or 'nobody'} could change the record all the same; anchors kept elsewhere find it out")
