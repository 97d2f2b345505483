"""`pacing init`: the files that a new installation begins with. A file that is there is never overwritten."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from flows import views
from pacing_brain.errors import UsageError

# Template -> the name it is written under.
FILES = {"policy.toml": "policy.toml", "env.example": ".env.example", "tracker-template.csv": "tracker-template.csv",
         "slack-manifest.yaml": "slack-manifest.yaml", "snowflake-grants.sql": "snowflake-grants.sql"}
PURPOSE = {"policy.toml": "the thresholds (PACING_POLICY)", ".env.example": "every setting: copy it to .env and fill it in",
           "tracker-template.csv": "every column of a media plan", "slack-manifest.yaml": "the Slack app",
           "snowflake-grants.sql": "a Snowflake login that may read and nothing else"}


def init(folder: Path) -> int:
    """Write what is not there yet, and say what was left alone.

    Raises:
        UsageError: the folder cannot be made or written.
    """
    done = dict(write(folder))
    views.show(views.heading(f"In {folder.resolve()}"),
               views.pairs(*(("written" if fresh else "left alone", f"{name}: {PURPOSE[name]}" if fresh else f"{name}: it was there already")
                             for name, fresh in done.items())),
               views.heading("Next"),
               views.numbered(["Copy .env.example to .env, take the # away from PACING_TRACKER and PACING_POLICY, and fill in where your tracker and your Snowflake are.",
                               "Run snowflake-grants.sql, and make the Slack app from slack-manifest.yaml.",
                               "Run pacing doctor in this folder: it checks every connection and says how to mend what is not right.",
                               'Run pacing run --rehearsal until the plan reads right, then pacing run. policy.toml says mode = "observe": set it to "recommend" to get cards.']))
    return 0


def write(folder: Path) -> Iterator[tuple[str, bool]]:
    """Each file's name, and whether it was written; false: it was there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source, name in FILES.items():
            yield name, _written(folder / name, (files("flows") / "templates" / source).read_bytes())
    except OSError as error:
        raise UsageError(f"init cannot write to {folder}: {error.strerror}. Name a folder that this user may write.") from error


def _written(path: Path, content: bytes) -> bool:
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True
