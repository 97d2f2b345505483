"""What every command shares: its options, and the border at which an error becomes one line and an exit code."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

Asked = Annotated[str, typer.Argument(metavar="ID", help="As `pacing recommendations list` shows it.")]
Who = Annotated[str, typer.Option("--as", metavar="WHO", help="For whom you answer: a claim, kept beside your own login, which it counts for.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; logs go to stderr.")]
_debug = False


def show_tracebacks(debug: bool) -> None:
    global _debug  # noqa: PLW0603  Typer gives an option of the program no other way to reach its commands' border
    _debug = debug


@contextmanager
def failing_in_one_line() -> Iterator[None]:
    """An error that the operator can act on is one line on stderr and exit 1 (2 for wrong usage); `--debug` shows its traceback."""
    from flows import logs
    from pacing_brain.errors import PacingError, UsageError

    logs.begin()
    try:
        yield
    except PacingError as error:
        if _debug:
            raise
        logs.error(str(error))
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from None
    except KeyboardInterrupt:
        logs.error("stopped")
        raise typer.Exit(130) from None
    except typer.Exit:
        raise
    except Exception as error:
        if _debug:
            raise
        logs.error(f"this should not have happened: {type(error).__name__}: {error}. Run it again with `pacing --debug ...` and report it.")
        raise typer.Exit(1) from None


def do(command: Callable[..., Any], *args: object, **options: object) -> None:
    """Run a command behind the border; what it returns is its exit code."""
    with failing_in_one_line():
        code = command(*args, **options)
    if code:
        sys.exit(code)
