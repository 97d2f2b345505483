"""What `pacing report` does: write the report of a sealed run again, from the record alone."""

from pathlib import Path

from rich.text import Text

from flows import reporting, views
from flows.commands.record import open_record, run_id_of
from flows.settings import Settings
from pacing_brain.errors import SettingError


def report(*, run_id: str | None, client: str | None, to: Path | None, as_json: bool) -> int:
    """The page, the CSV and the workbook of a run, whole or of one client.

    Raises:
        RunError: there is no such run, or no such client in it.
        SettingError: the folder cannot be written.
    """
    with open_record(Settings.read()) as house:
        wanted = run_id_of(house, run_id)
        try:
            written = reporting.write(house, wanted, client=client, to=to)
        except OSError as error:
            raise SettingError(f"the report cannot be written: {error.strerror or error}. Name another folder with --to.") from error
    files = {name: str(path.absolute()) for name, path in written.items()}
    if as_json:
        views.emit({"run_id": wanted, "client": client, "files": files})
    else:
        views.show(Text(f"Report of run {wanted}" + (", one client only" if client else ""), "bold"), views.pairs(*files.items()))
    return 0
