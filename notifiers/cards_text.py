"""Text on cards: outside strings made safe, cut where a person would cut, and times as Slack shows them in each reader's zone.

Every string that comes from outside passes `outside` (mrkdwn) or `plain` (plain text) exactly once. Templates are whole sentences.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

NAME_LENGTH = 70  # of a campaign, client or account on a card; ids and the full name are a click away
SENTENCE_LENGTH = 360

_LOOKALIKES = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})  # mrkdwn has no escape for its own marks
_ANGLES = str.maketrans({"<": "‹", ">": "›"})
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # A_B stays, _italic_ does not
_BROADCAST = re.compile(r"@(?=channel|here|everyone)", re.IGNORECASE)  # also where a cut would end the word
_SLACK_USER, _SLACK_GROUP = re.compile(r"[UW][A-Z0-9]{6,20}"), re.compile(r"S[A-Z0-9]{6,20}")
_LINK = re.compile(r"https?://[^\s<>|]{1,1000}")
_JOINERS = "\u200d"
_MAX_GRAPHEME = 16  # code points; a longer pile of accents is cut, not shown


def size(text: str) -> int:
    """Length as the strictest counter sees it: UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def neutral(text: str) -> str:
    """One line without control, bidirectional, tag or unassigned characters: what a name may do to a card is be read."""
    kept = (character if _shown(character) else " " if character.isspace() else "" for character in unicodedata.normalize("NFC", text))
    return " ".join("".join(kept).split()).strip(_JOINERS)


def _shown(character: str) -> bool:
    category = unicodedata.category(character)
    return character == _JOINERS or category[0] not in "CZ" or character == " "


def graphemes(text: str) -> Iterator[str]:
    """The text in pieces that must not be torn: a letter with its accents, a family, a flag."""
    piece = ""
    for character in text:
        joined = bool(piece) and len(piece) < _MAX_GRAPHEME and _joins(piece, character)
        if piece and not joined:
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece


def _joins(piece: str, character: str) -> bool:
    flag = _regional(character) and len(piece) == 1 and _regional(piece)
    return flag or piece.endswith(_JOINERS) or character == _JOINERS or unicodedata.category(character)[0] == "M" or (
        "\U0001f3fb" <= character <= "\U0001f3ff")


def _regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def cut(text: str, limit: int, *, escaped: bool = False) -> str:
    """The text if it fits, else as many whole graphemes as fit with an ellipsis; `limit` in UTF-16 units, as it is or once escaped."""
    cost = _escaped_size if escaped else size
    if cost(text) <= limit:
        return text
    kept, room = "", limit - 1
    for piece in graphemes(text):
        room -= cost(piece)
        if room < 0:
            break
        kept += piece
    return kept.rstrip() + "…"


def _escaped_size(text: str) -> int:
    return size(escape(text))


def escape(text: str) -> str:
    """Slack's three escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: object, limit: int = NAME_LENGTH) -> str:
    """An outside string for a plain_text object, which has no escapes, or for the fallback text before it is escaped."""
    return cut(_BROADCAST.sub("@\u2060", neutral(str(text))).translate(_ANGLES), limit)


def outside(text: object, limit: int = NAME_LENGTH) -> str:
    """An outside string for mrkdwn: neutral, cut, without marks of its own, escaped."""
    flat = _EDGE_UNDERSCORE.sub("ˍ", _BROADCAST.sub("@\u2060", neutral(str(text))).translate(_LOOKALIKES))
    return escape(cut(flat, limit, escaped=True))


def sentence(text: object) -> str:
    """A sentence of the brain's, which may quote outside strings."""
    return outside(text, SENTENCE_LENGTH)


def person(name: object) -> str:
    """A Slack user or group as a mention, anything else as the name it is."""
    text = neutral(str(name)).removeprefix("@")
    if _SLACK_USER.fullmatch(text):
        return f"<@{text}>"
    if _SLACK_GROUP.fullmatch(text.removeprefix("group:")):
        return f"<!subteam^{text.removeprefix('group:')}>"
    return outside(text.removeprefix("group:"), 50)


def mention(name: object) -> str:
    """The one person whose problem it is as a mention; a group, which would call many, by its name."""
    said = person(name)
    return outside(str(name), 50) if said.startswith("<!subteam") else said


def people(names: tuple[str, ...], most: int = 4) -> str:
    """`A, B and 3 more`."""
    shown = ", ".join(person(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def link(url: str | None, label: str) -> str:
    """`[label]` as a link, or nothing when there is no address that can be trusted to be one."""
    if not url or not _LINK.fullmatch(url):
        return ""
    return f"<{escape(url)}|{escape(label)}>"


def instant(value: object) -> datetime | None:
    """An RFC 3339 text (or a datetime) as an aware datetime in UTC."""
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def day(value: object) -> date | None:
    return None if value is None else date.fromisoformat(str(value)[:10])


def token(moment: datetime) -> str:
    """A Slack date token; its fallback says UTC."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{clock_text(moment)}>"


def clock_text(moment: datetime) -> str:
    """`Wed 18 Nov 06:00 UTC`, for the fallback text and plain text."""
    return f"{weekday(moment.date())} {moment:%H:%M} UTC"


def local_text(moment: datetime, zone: str) -> str:
    """`Wed 18 Nov 09:00 CET`, in a zone."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{weekday(local.date())} {local:%H:%M %Z}"


def weekday(value: date) -> str:
    """`Wed 18 Nov`."""
    return f"{value:%a} {value.day} {value:%b}"


def span_days(first: date, last: date) -> str:
    """`1 to 30 Nov 2026`, as short as it can be without being ambiguous."""
    if first.year != last.year:
        return f"{first.day} {first:%b %Y} to {last.day} {last:%b %Y}"
    if first.month != last.month:
        return f"{first.day} {first:%b} to {last.day} {last:%b %Y}"
    return f"{first.day} to {last.day} {last:%b %Y}" if first != last else f"{last.day} {last:%b %Y}"


def duration(length: timedelta) -> str:
    """`48 min`, `3 hours`, `2 days`: one figure, rounded down."""
    minutes = max(int(length.total_seconds()) // 60, 0)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"


def count(number: int, one: str, many: str) -> str:
    """`1 campaign`, `11 campaigns`: both forms are given whole."""
    return f"{number:,} {one if number == 1 else many}"
