"""One tree of errors. A docstring says what happened and what to do next (docs/runbook.md is made of it); the raiser adds the place.

PacingError
├── UsageError               wrong use of a command (exit 2)
├── SettingError             a setting is missing or malformed
├── PolicyError              the policy file cannot be used
├── DataError                outside data cannot be used at all
│   ├── TrackerUnreadable    the tracker could not be read
│   ├── HistoryUnreadable    a recorded history lacks a file or a column
│   ├── SpendShapeError      a spend table, column or privilege is missing
│   └── FrameError           a frame does not have its declared columns
├── Unavailable              transient: the other side did not answer; trying again may help
│   ├── SpendUnavailable     Snowflake did not give actuals
│   ├── DatabaseUnavailable  Postgres did not answer
│   ├── SlackUnavailable     Slack did not take a message
│   └── PlatformUnavailable  an advertising platform gave no usable answer
├── Refused                  terminal: the other side said no; trying again will not help
│   ├── SpendRefused         Snowflake refused the login or the query
│   ├── DatabaseRefused      Postgres refused the login, or its schema is not ours
│   ├── SlackRefused         Slack refused the message
│   └── PlatformRefused      an advertising platform said no; nothing was changed
├── RunError                 a run could not be completed
│   ├── WindowBusy           another process is working on this window
│   └── RunInterrupted       the run ended before its seal; the next start resumes it
└── LedgerError              the record is not what it should be

Transient errors derive from `Unavailable`, so that a retry policy is one `isinstance`.
"""


class PacingError(Exception):
    """Something the operator can act on; `str(error)` is one line that says what, where and what to do next.

    Next: read its line: it names the place and the next step. `pacing --debug ...` shows the traceback.
    """


class UsageError(PacingError):
    """Wrong use of a command.

    Next: `--help` after the command. Exit code 2.
    """


class SettingError(PacingError):
    """A setting is missing or malformed.

    Next: mend the setting that the line names; `pacing doctor` shows all that are at fault.
    """


class PolicyError(PacingError):
    """The policy file cannot be used.

    Next: `pacing policy check FILE` names the key. Nothing ran on it.
    """


class DataError(PacingError):
    """Outside data cannot be used at all.

    Next: look at the place that its line names.
    """


class TrackerUnreadable(DataError):
    """The tracker could not be read.

    Next: put the file back, or give it the columns that the line names. The last sealed plan is used meanwhile, with its age.
    """


class HistoryUnreadable(DataError):
    """A recorded history lacks a file or a column, or cannot be read.

    Next: give the directory the file or the column that the line names; the format stands in docs/cli.md, pacing backtest.
    """


class SpendShapeError(DataError):
    """A spend table, column or privilege is missing.

    Next: `pacing doctor` names each column; docs/snowflake.md says what is needed.
    """


class FrameError(DataError):
    """A frame does not have its declared columns.

    Next: look at the source that the line names; if it is right, report it.
    """


class Unavailable(PacingError):
    """Transient: the other side did not answer.

    Next: wait for the next run, then look at the other side. Prefect tries a step twice more.
    """


class SpendUnavailable(Unavailable):
    """Snowflake did not give actuals.

    Next: wait; then look at the network and at the size of the warehouse. The run seals as partial.
    """


class DatabaseUnavailable(Unavailable):
    """Postgres did not answer.

    Next: start it; look for long transactions. The window is resumed by its next start, or by `upkeep`.
    """


class SlackUnavailable(Unavailable):
    """Slack did not take a message. `retry_after_s` is what Slack asked for, `outcome_unknown` when it may have been posted.

    Next: nothing: it is tried again, eight times over an hour and a half.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.outcome_unknown = outcome_unknown


class PlatformUnavailable(Unavailable):
    """An advertising platform gave no usable answer. `outcome_unknown` when a change that was asked for may have been made.

    Next: look at the campaign on the platform: what was asked for may have happened. It is never repeated by itself.
    """

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class Refused(PacingError):
    """Terminal: the other side said no.

    Next: mend the setting or the grant that its line names, then start again.
    """


class SpendRefused(Refused):
    """Snowflake refused the login or the query.

    Next: key, role, grants: `pacing doctor` says which.
    """


class DatabaseRefused(Refused):
    """Postgres refused the login, or its schema is not ours.

    Next: `pacing db upgrade` where the schema is behind; else the login's grants.
    """


class SlackRefused(Refused):
    """Slack refused the message. `fault` says what is wrong: this message, its channel, or the whole workspace (token, scope).

    Next: `pacing doctor` looks at the token, its scopes and each channel; docs/slack.md.
    """

    def __init__(self, message: str, *, fault: str = "message") -> None:
        super().__init__(message)
        self.fault = fault


class PlatformRefused(Refused):
    """An advertising platform said no; nothing was changed.

    Next: check the credentials and their rights on the platform; a person may make the change there.
    """


class RunError(PacingError):
    """A run could not be completed.

    Next: start the window again: `pacing run`.
    """


class WindowBusy(RunError):
    """Another process is working on this window.

    Next: wait; `pacing status` shows who works on it; end a process that hangs.
    """


class RunInterrupted(RunError):
    """The run ended before its seal; the next start resumes it.

    Next: start the window again: it resumes at its first missing shard.
    """


class LedgerError(PacingError):
    """The record is not what it should be.

    Next: stop, keep a copy of the database, and find out who wrote to it: `pacing audit verify`. Do not repair it by hand.
    """
