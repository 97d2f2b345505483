"""Where things are told: which channel a finding's card goes to, whom it mentions, and which channels have a digest of what."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pandas as pd

from pacing_brain.model import Finding
from pacing_brain.quiet import quiet_until
from pacing_brain.policy import ROUTE_ORDER, Policy, parse_selector
from pacing_brain.policy_tables import Route
from pacing_brain.told import traits

COLUMNS = {"platform": "platform", "client": "client", "market": "market", "owner": "owner", "account": "account_id", "campaign": "campaign_id",
           "flight": "flight_id"}


@dataclass(frozen=True)
class Channel:
    """A channel with a digest. client: it is that client's to read. everything: all flights, not only those that are routed to it."""

    channel: str
    zone: str
    client: str | None = None
    everything: bool = False


@dataclass(frozen=True)
class Routing:
    """The policy's routes, with the channel of whatever none claims."""

    policy: Policy
    house: str

    def desk(self, finding: Finding) -> str:
        """The channel of the most specific route that has one; a client's own channel is none of the desk's."""
        found = self.house
        known = traits(finding)
        for kind, wanted, route in self._from_general:
            if kind != "client" and route.channel and wanted in known[kind]:
                found = route.channel
        return found

    def of_client(self, finding: Finding) -> str | None:
        """The channel in which the finding's client reads, if it has one."""
        return next((route.channel for kind, wanted, route in self._from_general
                     if kind == "client" and self._is_clients(route) and wanted == (finding.client or "").casefold()), None)

    def person(self, finding: Finding) -> str | None:
        """The one person whom a card mentions when the plan names none: of the most specific route that names one."""
        found, known = None, traits(finding)
        for kind, wanted, route in self._from_general:
            if route.owner and wanted in known[kind]:
                found = route.owner
        return found

    def channels(self) -> list[Channel]:
        """Every channel that has a digest: the house's first, then by name."""
        found = {self.house: Channel(self.house, self.zone(self.house), everything=True)}
        for kind, wanted, route in self._from_general:
            if route.channel and route.channel not in found:
                client = wanted if kind == "client" else None
                found[route.channel] = Channel(route.channel, self.zone(route.channel), client)
        return [found.pop(self.house), *(found[name] for name in sorted(found))]

    def zone(self, channel: str | None) -> str:
        """The channel's own zone, else that of all digests."""
        named_zones = (route.timezone for _, _, route in self._from_general if route.channel == channel and route.timezone)
        return next(named_zones, self.policy.digests.timezone)

    def quiet_until(self, channel: str, now: datetime) -> datetime | None:
        """When the quiet hours of a channel end in which the instant lies; none: it lies in none."""
        return quiet_until(self.policy.quiet_hours, channel, self.zone(channel), now)

    def rows_of(self, channel: Channel, rows: pd.DataFrame) -> pd.DataFrame:
        """The flights that a channel's digest is about."""
        if channel.everything:
            return rows
        if channel.client is not None:
            return rows[_equal(rows, "client", channel.client)]
        leads = pd.Series(self.house, index=rows.index, dtype="object")
        for kind, wanted, route in self._from_general:
            if kind != "client" and route.channel and COLUMNS[kind] in rows.columns:
                leads[_equal(rows, COLUMNS[kind], wanted)] = route.channel
        return rows[leads.eq(channel.channel)]

    def _is_clients(self, route: Route) -> bool:
        return bool(route.channel) and route.channel != self.house

    @cached_property
    def _from_general(self) -> list[tuple[str, str, Route]]:
        """(kind, value in lower case, route), the more specific later."""
        parsed = [(*parse_selector(selector, ROUTE_ORDER), route) for selector, route in sorted(self.policy.routes.items())]
        found = [(kind, wanted.casefold().removeprefix("@") if kind == "owner" else wanted.casefold(), route) for kind, wanted, route in parsed]
        return sorted(found, key=lambda one: ROUTE_ORDER.index(one[0]))


def _equal(rows: pd.DataFrame, column: str, wanted: str) -> pd.Series:
    values = rows[column].astype("str").str.casefold()
    return (values.str.removeprefix("@") if column == "owner" else values).eq(wanted).fillna(value=False).astype(bool)


def named(rows: pd.DataFrame, client: str) -> str:
    """The client as the plan writes it."""
    return next((str(name) for name in rows["client"].dropna().unique() if str(name).casefold() == client), client)
