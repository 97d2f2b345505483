"""What the embedded warehouse holds, as a person reads it. Pure."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from flows import views


def warehouse_report(known: dict[str, Any]) -> RenderableType:
    """Spend per currency, loads, and what would happen to it."""
    spend, loads = known["campaign_spend"], known["account_loads"]
    if not spend:
        return Group(Text("CAMPAIGN_SPEND is empty."), views.pairs(("fill it", views.command("warehouse load CSV"))))
    made = views.table("currency", "rows", "accounts", "campaigns", "days", "spend", right=("rows", "accounts", "campaigns", "spend"),
                       whole=("days", "spend"))
    for row in spend:
        made.add_row(views.say(row["currency"]), f"{row['rows']:,}", f"{row['accounts']:,}", f"{row['campaigns']:,}",
                     f"{row['first_day']} to {row['last_day']}", views.to_the_micro(row["spend_micros"] or 0))
    seen = "not there: the newest LOADED_AT of an account's rows stands in" if loads is None else (
        f"{loads['accounts']:,} accounts, loaded {views.moment(loads['oldest'])} to {views.moment(loads['newest'])}")
    return Group(Text("CAMPAIGN_SPEND", "bold"), made, views.pairs(("ACCOUNT_LOADS", seen), ("newest row", views.moment(max(
        row["last_load"] for row in spend)))), *_warning(known))


def _warning(known: dict[str, Any]) -> list[RenderableType]:
    if known["tracker"]:
        return [views.pairs(("next", views.command("run")))]
    return [Text("PACING_TRACKER is not set, so a run would put the sample world here instead. Set it to your plan first.", "yellow")]
