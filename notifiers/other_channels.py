"""Other channels than Slack as the relay's poster: PagerDuty by its Events API, everything else through Apprise. Their addresses are secrets."""

import hashlib
import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from notifiers.delivery import Sent
from notifiers.message import Message
from notifiers.paging import Page, page_of
from notifiers.second_route import SecondRoute
from pacing_brain.errors import SlackRefused, SlackUnavailable

PAGERDUTY = "pagerduty"
EVENTS = {"us": "https://events.pagerduty.com/v2/enqueue", "eu": "https://events.eu.pagerduty.com/v2/enqueue"}  # by the address' `region`
TIMEOUT_S = 10.0
SUMMARY, DEDUP_KEY = 1024, 255  # characters that PagerDuty takes
SOURCE = "pacing monitor"
TITLES = {False: "Pacing: a critical problem", True: "Pacing: a problem is over"}


class OtherChannels:
    """Sends each page to its channel's address. Sent at least once: a page that PagerDuty has already is the same alert there, by its dedup key.

    addresses: channel -> `pagerduty://INTEGRATION_KEY`, also with what Apprise wants behind an @, or any address of Apprise's.
    events: PagerDuty's endpoints, by region.
    """

    interval_s = 0.0

    def __init__(self, addresses: Mapping[str, str], events: Mapping[str, str] = EVENTS) -> None:
        self._addresses, self._events = addresses, events

    def post(self, channel: str, message: Message, delivery_id: str) -> Sent:
        """The page at its address.

        Raises:
            SlackUnavailable: it was not taken; try later.
            SlackRefused: PagerDuty said no, or no address is configured any more.
        """
        address = self._addresses.get(channel)
        if address is None:
            raise SlackRefused(f"PACING_ALERTS_TO has no address for {channel} any more.")
        page = page_of(message)
        if is_pagerduty(address):
            self._to_pagerduty(address, page)
        elif not SecondRoute(address).send(TITLES[page.over], list(page.lines)):
            raise SlackUnavailable(f"An address of PACING_ALERTS_TO ({_kind(address)}://...) did not take an alert.", outcome_unknown=True)
        return Sent(channel, delivery_id)

    def reply(self, channel: str, thread_ts: str, message: Message, delivery_id: str) -> Sent | None:  # noqa: ARG002  nothing else has threads
        """As `post`."""
        return self.post(channel, message, delivery_id)

    def update(self, channel: str, ts: str, message: Message, delivery_id: str) -> Sent | None:  # noqa: ARG002  what is sent stays
        """Nothing: what was sent stays as it is."""
        return Sent(channel, ts)

    def find(self, channel: str, delivery_id: str, thread_ts: str | None) -> Sent | None:  # noqa: ARG002  these channels cannot be read
        """None: nothing of these can be read."""
        return None

    def _to_pagerduty(self, address: str, page: Page) -> None:
        endpoint, key = self._events.get(_region(address)), routing_key(address)
        if endpoint is None or key is None:
            raise SlackRefused("An address of PACING_ALERTS_TO (pagerduty://...) has no integration key, or an unknown region.", fault="channel")
        try:
            answer = httpx.post(endpoint, json=_event(key, page), timeout=TIMEOUT_S)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SlackUnavailable(f"PagerDuty did not answer: {type(error).__name__}.", outcome_unknown=True) from None
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise SlackUnavailable(f"PagerDuty did not take an alert: {answer.status_code}.")
        if not answer.is_success:
            raise SlackRefused(f"PagerDuty refused an alert: {answer.status_code}. Check the integration key in PACING_ALERTS_TO.", fault="channel")


def is_pagerduty(address: str) -> bool:
    return _kind(address) == PAGERDUTY


def unreadable(addresses: list[str]) -> list[str]:
    """The kinds (what stands before `://`) of the addresses to which nothing could be sent."""
    ours = [each for each in addresses if is_pagerduty(each)]
    wrong = [PAGERDUTY for each in ours if routing_key(each) is None or _region(each) not in EVENTS]
    return wrong + SecondRoute(" ".join(each for each in addresses if each not in ours)).unknown()


def routing_key(address: str) -> str | None:
    """The integration key: `?integrationkey=`, else what stands before the @, else the host; none: it is no key."""
    parts = urlsplit(address)
    before, _, host = parts.netloc.rpartition("@")
    key = parse_qs(parts.query).get("integrationkey", [unquote(before or host)])[0]
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else None


def _event(key: str, page: Page) -> dict[str, object]:
    """Source: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ ; an end needs no more than the key of its beginning."""
    event: dict[str, object] = {"routing_key": key, "event_action": "resolve" if page.over else "trigger", "dedup_key": dedup_key(page.subject)}
    if page.over:
        return event
    lines = [unescape(line) for line in page.lines]
    event |= {"client": "Pacing monitor", "payload": {
        "summary": lines[0][:SUMMARY], "source": SOURCE, "severity": "critical", "custom_details": {"problem": page.subject, "said": "\n".join(lines)}}}
    return event | ({"client_url": page.url, "links": [{"href": page.url, "text": "The report"}]} if page.url else {})


def dedup_key(subject: str) -> str:
    """The fingerprint of the problem; one that is too long, by its digest."""
    return subject if len(subject) <= DEDUP_KEY else hashlib.sha256(subject.encode()).hexdigest()


def _kind(address: str) -> str:
    return address.partition("://")[0].lower()[:20]


def _region(address: str) -> str:
    return parse_qs(urlsplit(address).query).get("region", ["us"])[0].lower()
