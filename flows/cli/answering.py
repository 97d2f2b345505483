"""Answers without Slack: `pacing recommendations`, `halts`, `patterns` and `silence`."""

from typing import Annotated

import typer

from flows.cli.border import Asked, Json, Reason, Who, do


recommendations = typer.Typer(help="The questions that await an answer, and answering them without Slack.", no_args_is_help=True)
halts = typer.Typer(help="The kill switch, and the breaker's release.", no_args_is_help=True)
patterns = typer.Typer(help="What has been learned, from loads and from answers.", no_args_is_help=True)
silence = typer.Typer(help="Silences: problems that nobody wants to hear of for a while.", no_args_is_help=True)


@recommendations.command("list")
def recommendations_list(every: Annotated[bool, typer.Option("--all", help="The newest 50, answered ones too.")] = False, as_json: Json = False) -> None:
    """What awaits an answer, oldest first."""
    from flows.commands.recommendations import list_them as command

    do(command, every=every, as_json=as_json)


@recommendations.command("show")
def recommendations_show(recommendation_id: Asked, as_json: Json = False) -> None:
    """One question: what is asked, why, who approved it so far."""
    from flows.commands.recommendations import show as command

    do(command, recommendation_id, as_json=as_json)


@recommendations.command("approve")
def recommendations_approve(recommendation_id: Asked, who: Who, reason: Reason) -> None:
    """Pause the campaign: the same rules as for the button."""
    from flows.commands.recommendations import decide as command

    do(command, "approve", recommendation_id, claim=who, reason=reason)


@recommendations.command("reject")
def recommendations_reject(recommendation_id: Asked, who: Who, reason: Reason) -> None:
    """Keep it running; silent for 24 hours or until it gets worse."""
    from flows.commands.recommendations import decide as command

    do(command, "reject", recommendation_id, claim=who, reason=reason)


@recommendations.command("undo")
def recommendations_undo(recommendation_id: Asked, who: Who, reason: Reason) -> None:
    """Resume a campaign that the monitor paused: approved as the pause was."""
    from flows.commands.recommendations import decide as command

    do(command, "undo", recommendation_id, claim=who, reason=reason)


@recommendations.command("paused")
def recommendations_paused(recommendation_id: Asked, who: Who, reason: Reason) -> None:
    """Say that a campaign that was handed over to people is paused."""
    from flows.commands.recommendations import decide as command

    do(command, "paused", recommendation_id, claim=who, reason=reason)


@recommendations.command("snooze")
def recommendations_snooze(recommendation_id: Asked, who: Who, reason: Reason,
                           until: Annotated[str | None, typer.Option(metavar="ISO8601", help="When you want to be reminded; default: in 4 hours.")] = None) -> None:
    """Be reminded later."""
    from flows.commands.recommendations import decide as command

    do(command, "snooze", recommendation_id, claim=who, reason=reason, until=until)


@halts.command("stop")
def halts_stop(who: Who, reason: Reason, as_json: Json = False) -> None:
    """Stop every pause at once, whoever approved it."""
    from flows.commands.halts import stop as command

    do(command, who=who, reason=reason, as_json=as_json)


@halts.command("allow")
def halts_allow(who: Who, reason: Reason, as_json: Json = False) -> None:
    """Allow approved pauses again."""
    from flows.commands.halts import allow as command

    do(command, who=who, reason=reason, as_json=as_json)


@halts.command("release")
def halts_release(scope: Annotated[str, typer.Argument(metavar="SCOPE", help="As the card names it: account:meta/4402, source:meta or source:all.")],
                  kind: Annotated[str, typer.Option(help="over, under or zero.")], who: Who, reason: Reason,
                  hours: Annotated[int, typer.Option(help="For how long.")] = 24, as_json: Json = False) -> None:
    """Release pauses that are held because a data fault was likely."""
    from flows.commands.halts import release as command

    do(command, scope, kind=kind, hours=hours, who=who, reason=reason, as_json=as_json)


@patterns.command("list")
def patterns_list(every: Annotated[bool, typer.Option("--all", help="What is no longer in force too.")] = False, as_json: Json = False) -> None:
    """What has been learned and is in force."""
    from flows.commands.patterns import list_them

    do(list_them, every=every, as_json=as_json)


@patterns.command("show")
def patterns_show(pattern_id: Annotated[str, typer.Argument(metavar="ID", help="As `pacing patterns list` shows it.")], as_json: Json = False) -> None:
    """One pattern, with the ledger entries behind it."""
    from flows.commands.patterns import show as command

    do(command, pattern_id, as_json=as_json)


@patterns.command("retire")
def patterns_retire(pattern_id: Annotated[str, typer.Argument(metavar="ID", help="As `pacing patterns list` shows it.")], who: Who, reason: Reason,
                    as_json: Json = False) -> None:
    """End a pattern: the next run decides without it."""
    from flows.commands.patterns import retire as command

    do(command, pattern_id, who=who, reason=reason, as_json=as_json)


@silence.command("set")
def silence_set(matcher: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="What to mute: client=, platform=, account=, campaign=, flight=, "
                                                             "market=, owner=, problem=, severity=, scope=; all must match.")],
                who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who wants it.")],
                reason: Annotated[str, typer.Option(help="Why.")],
                until: Annotated[str, typer.Option(metavar="ISO8601", help="When it ends, at most 30 days from now; UTC unless it says otherwise.")],
                as_json: Json = False) -> None:
    """Mute the messages about a problem for a while."""
    from flows.commands.silence import silence_set as command

    do(command, matcher, who=who, reason=reason, until=until, as_json=as_json)


@silence.command("list")
def silence_list(as_json: Json = False) -> None:
    """What is muted now, until when, by whom and why."""
    from flows.commands.silence import silence_list as command

    do(command, as_json=as_json)


@silence.command("end")
def silence_end(silence_id: Annotated[str, typer.Argument(metavar="ID", help="As `pacing silence list` shows it.")],
                who: Annotated[str, typer.Option("--as", metavar="WHO", help="Who ends it.")],
                reason: Annotated[str, typer.Option(help="Why.")], as_json: Json = False) -> None:
    """End a silence before its time."""
    from flows.commands.silence import silence_end as command

    do(command, silence_id, who=who, reason=reason, as_json=as_json)
