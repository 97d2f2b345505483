"""One tree of errors. A docstring is the message's first half: what happened; the raiser adds the place and the next step.

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
    """Something the operator can act on; `str(error)` is one line that says what, where and what to do next."""


class UsageError(PacingError):
    """Wrong use of a command."""


class SettingError(PacingError):
    """A setting is missing or malformed."""


class PolicyError(PacingError):
    """The policy file cannot be used."""


class DataError(PacingError):
    """Outside data cannot be used at all."""


class TrackerUnreadable(DataError):
    """The tracker could not be read."""


class HistoryUnreadable(DataError):
    """A recorded history lacks a file or a column, or cannot be read."""


class SpendShapeError(DataError):
    """A spend table, column or privilege is missing."""


class FrameError(DataError):
    """A frame does not have its declared columns."""


class Unavailable(PacingError):
    """Transient: the other side did not answer."""


class SpendUnavailable(Unavailable):
    """Snowflake did not give actuals."""


class DatabaseUnavailable(Unavailable):
    """Postgres did not answer."""


class SlackUnavailable(Unavailable):
    """Slack did not take a message. `retry_after_s` is what Slack asked for, `outcome_unknown` when it may have been posted."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.outcome_unknown = outcome_unknown


class PlatformUnavailable(Unavailable):
    """An advertising platform gave no usable answer. `outcome_unknown` when a change that was asked for may have been made."""

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class Refused(PacingError):
    """Terminal: the other side said no."""


class SpendRefused(Refused):
    """Snowflake refused the login or the query."""


class DatabaseRefused(Refused):
    """Postgres refused the login, or its schema is not ours."""


class SlackRefused(Refused):
    """Slack refused the message. `fault` says what is wrong: this message, its channel, or the whole workspace (token, scope)."""

    def __init__(self, message: str, *, fault: str = "message") -> None:
        super().__init__(message)
        self.fault = fault


class PlatformRefused(Refused):
    """An advertising platform said no; nothing was changed."""


class RunError(PacingError):
    """A run could not be completed."""


class WindowBusy(RunError):
    """Another process is working on this window."""


class RunInterrupted(RunError):
    """The run ended before its seal; the next start resumes it."""


class LedgerError(PacingError):
    """The record is not what it should be."""
