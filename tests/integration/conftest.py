"""What the tests of commands share: a folder and a database of their own, known by the environment as a user would have it."""

import pytest

from audit.database import Database


@pytest.fixture
def database(fresh_database, tmp_path, monkeypatch):
    """An empty record that the commands called in this test find by themselves."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PACING_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PACING_DATABASE_URL", fresh_database.app)
    database = Database(fresh_database.app)
    yield database
    database.close()
