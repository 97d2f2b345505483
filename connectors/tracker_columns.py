"""Which column means what: header names without case, blanks or underscores, and the synonyms that media plans use."""

import re
import unicodedata

import pandas as pd

from connectors.tracker_sheet import Sheet
from pacing_brain.errors import TrackerUnreadable

# Meaning -> other names for it, written as people write them. A synonym has one meaning only; words that a plan also uses for other
# things ("name", "from", "source", "region") are left out, since two columns for one meaning are refused.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "campaign_id": ("campaign identifier", "campaign number", "campaign no", "platform campaign id", "ad campaign id", "camp id", "Kampagnen-ID", "io id",
                    "insertion order id"),
    "campaign_name": ("campaign", "ad campaign", "ad campaign name", "Kampagne", "Kampagnenname", "io name", "insertion order", "insertion order name",
                      "campaign title"),
    "platform": ("channel", "network", "publisher", "media platform", "media channel", "ad platform", "ad network", "buying platform", "Plattform", "Kanal"),
    "budget": ("planned spend", "plan spend", "planned budget", "total budget", "flight budget", "media budget", "campaign budget", "io budget",
               "planned media spend", "planned amount", "total planned spend", "allocated budget", "budgeted spend",
               "budget amount", "planned cost", "net budget", "budget total", "approved budget", "Budget (netto)", "Nettobudget", "Mediabudget", "Gesamtbudget"),
    "currency": ("currency code", "ccy", "cur", "curr", "budget currency", "account currency", "billing currency", "Währung"),
    "start_date": ("start", "flight start", "flight start date", "begin date", "campaign start", "campaign start date", "io start", "io start date",
                   "live date", "launch date", "go live date", "date from", "date start", "start day", "first day", "Beginn", "Startdatum", "Laufzeit von"),
    "end_date": ("end", "flight end", "flight end date", "finish date", "campaign end", "campaign end date", "io end", "io end date",
                 "stop date", "date to", "date end", "end day", "last day", "Ende", "Enddatum", "Laufzeit bis"),
    "flight_id": ("flight", "line id", "line number", "plan line", "plan line id", "flight number", "line item id", "row id"),
    "account_id": ("account", "ad account", "ad account id", "advertiser id", "customer id", "platform account", "account number", "Konto", "Konto-ID", "Werbekonto"),
    "client": ("client name", "advertiser", "advertiser name", "Kunde"),
    "market": ("country", "country code", "market code", "geo", "Markt", "Land"),
    "product": ("product name", "product line", "Produkt"),
    "timezone": ("time zone", "tz", "account timezone"),
    "curve": ("pacing", "pacing curve", "pacing type", "pacing strategy", "delivery curve"),
    "target_to_date": ("planned to date", "target spend to date", "plan to date", "planned spend to date", "expected to date"),
    "budget_group": ("shared budget",),
    "parent_flight_id": ("parent flight", "parent line id"),
    "cycle": ("budget cycle", "billing cycle"),
    "rollover_cap_pct": ("rollover cap", "rollover cap %"),
    "pause_from": ("pause start", "paused from"),
    "pause_to": ("pause end", "paused to", "paused until", "pause until"),
    "budget_type": ("type of budget",),
    "cost_basis": ("budget basis", "net gross", "net/gross", "gross net"),
    "fee_pct": ("fee", "fee %", "fee percent", "agency fee", "agency fee %", "agency fee pct"),
    "owner": ("owner name", "campaign owner", "responsible", "campaign manager", "account manager", "media buyer", "trader", "slack owner", "Zuständig", "Verantwortlich"),
    "updated_at": ("updated", "last updated", "last update", "modified", "last modified", "update date"),
}
LOOKED_AT = 20  # rows below a header that is none
NEVER_CHOSEN = ("campaign_id", "budget", "currency", "start_date", "end_date", "target_to_date")  # two of these may say two things: a person chooses
REQUIRED = ("platform", "budget", "currency", "start_date", "end_date")


def folded(header: str) -> str:
    """A header without case, blanks, underscores, dots, dashes or accents: `Flight_Start ` -> `flightstart`, `Line #` -> `linenumber`."""
    plain = unicodedata.normalize("NFKD", header).casefold()
    return re.sub(r"[\W_]+", "", "".join(letter for letter in plain if not unicodedata.combining(letter)).replace("%", "pct").replace("#", "number"))


_MEANING = {folded(text): meaning for meaning, names in SYNONYMS.items() for text in (meaning, *names)}


def meaning_of(header: str) -> str | None:
    """What a header means, or None. A second column of one text, `Budget (2)`, means what the first does."""
    return _MEANING.get(folded(re.sub(r" \(\d+\)$", "", header)))


def understood(sheet: Sheet) -> tuple[pd.DataFrame, dict[str, str]]:
    """The known columns under their own names, every one present (empty where absent), and meaning -> header as written.

    Raises:
        TrackerUnreadable: a required column is missing, or two columns mean the same.
    """
    headers = _headers(sheet)
    missing = [name for name in REQUIRED if name not in headers]
    if "campaign_id" not in headers and "campaign_name" not in headers:
        missing.append("campaign_id or campaign_name")
    if missing:
        raise TrackerUnreadable(f"tracker {sheet.name} has no column {', '.join(missing)}. Its header row reads: "
                                f"{', '.join(sheet.cells.columns)[:300]}. {_next_step(sheet)}")  # fmt: skip
    known = {name: sheet.cells[headers[name]] if name in headers else pd.Series("", index=sheet.cells.index, dtype="str") for name in SYNONYMS}
    return pd.DataFrame(known), headers


def _headers(sheet: Sheet) -> dict[str, str]:
    """Meaning -> header. A column with the contract's own name wins over one with a synonym (`platform` beside a `Channel` of search and social);
    of ids, money and dates neither wins.
    """
    headers: dict[str, str] = {}
    for header in sheet.cells.columns:
        meaning = meaning_of(header)
        if meaning is None:
            continue
        before = headers.setdefault(meaning, header)
        if before == header:
            continue
        named = [one for one in (before, header) if folded(one) == folded(meaning)]
        if meaning in NEVER_CHOSEN or len(named) != 1:
            raise TrackerUnreadable(f"tracker {sheet.name}: columns {before!r} and {header!r} both mean {meaning}. Rename or remove one.")
        headers[meaning] = named[0]
    return headers


def _next_step(sheet: Sheet) -> str:
    """A title above the header is the usual cause: the row below that names the most columns is the header, if it names four."""
    beyond = {fault.row: (fault.value or "").split(" | ") for fault in sheet.faults if fault.column is None}  # a title has fewer cells than the header
    rows = zip(sheet.cells.index[:LOOKED_AT], sheet.cells.itertuples(index=False), strict=False)
    named = {int(number): len({meaning_of(cell) for cell in (*row, *beyond.get(number, ()))} - {None}) for number, row in rows}
    best = max(named, key=lambda number: named[number])
    if named[best] >= len(REQUIRED) - 1:
        return f"Row {best} looks like the header: put ?header_row={best} behind the name in PACING_TRACKER."
    return "Rename the columns, or name the header row with ?header_row= behind the name in PACING_TRACKER."
