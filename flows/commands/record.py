"""The record, opened for looking at it; where nothing has run yet, that is said instead of making an empty one."""

from collections.abc import Iterator
from contextlib import contextmanager

from flows.settings import Settings
from flows.wiring import House, open_house
from pacing_brain.errors import RunError


def exists(settings: Settings) -> bool:
    """Whether there is a record to look at: a configured database, or an embedded one that some run has made."""
    return not settings.embedded_database or (settings.home / "postgres").exists()


@contextmanager
def open_record(settings: Settings) -> Iterator[House]:
    """The house without its outside sources.

    Raises:
        RunError: nothing has run in this home yet.
    """
    if not exists(settings):
        raise RunError(f"nothing has run in {settings.home} yet. Start with `pacing run`, or look at `pacing demo`.")
    with open_house(settings, record_only=True) as house:
        yield house


def run_id_of(house: House, run_id: str | None) -> str:
    """The id of a sealed run; none given: the one that stands, and before there is one the newest rehearsal.

    Raises:
        RunError: there is none.
    """
    found = house.runs.last_sealed() or house.runs.last_sealed(live=False) if run_id is None else house.runs.get(run_id)
    if found is None:
        raise RunError("no run has been sealed yet. Start with `pacing run`." if run_id is None
                       else f"no sealed run {run_id} is on the record. `pacing audit show --kind run_sealed` lists them.")
    return found.run_id
