"""The three platforms, by their official libraries, against servers that speak as they do and fail in every way that matters."""

import datetime as dt
import os
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from google.auth.credentials import AnonymousCredentials
from google.oauth2.credentials import Credentials

from connectors.platforms.by_hand import pause_by_hand
from connectors.platforms.dv360 import Dv360
from connectors.platforms.google import GoogleAds
from connectors.platforms.meta import Meta
from connectors.platforms.model import Platform
from pacing_brain.errors import PlatformRefused, PlatformUnavailable
from tests.fakes.platform_server import TOKEN, Campaign, PlatformServer, platform_server

ACCOUNT, CAMPAIGN = "1182047731", "55120870"
TIMEOUT_S = 0.5
MAKERS: dict[str, Callable[[PlatformServer], Platform]] = {
    "google": lambda server: GoogleAds(Credentials(token=TOKEN), developer_token="test", today=lambda: dt.date(2026, 11, 6),
                                       endpoint=server.endpoint, timeout_s=TIMEOUT_S),
    "meta": lambda server: Meta(TOKEN, url=server.url, timeout_s=TIMEOUT_S),
    "dv360": lambda server: Dv360(AnonymousCredentials(), url=server.url, timeout_s=TIMEOUT_S),
}
LOST = ("500_after", "hang_after", "reset_after")  # before or after: the caller cannot tell


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformServer]:
    folder = tmp_path_factory.mktemp("platforms")
    os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(folder / "root.pem")  # read once by gRPC, before its first channel
    with platform_server(folder) as server:
        yield server


@pytest.fixture
def server(running: PlatformServer) -> PlatformServer:
    running.campaigns = {CAMPAIGN: Campaign(ACCOUNT, "Winter")}
    running.changes.clear()
    running.calls.clear()
    for waiting in running.faults.values():
        waiting.clear()
    return running


@pytest.fixture(params=MAKERS)
def platform(request: pytest.FixtureRequest, server: PlatformServer) -> Iterator[Platform]:
    made = MAKERS[request.param](server)
    yield made
    made.close()


def test_a_campaign_is_read_paused_read_back_and_resumed(platform: Platform, server: PlatformServer) -> None:
    """Each change is one real change, and what is read is what the platform has."""
    before = platform.read(ACCOUNT, CAMPAIGN)
    assert (before.state, before.name, before.changed_at) == ("serving", "Winter", dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    platform.pause(ACCOUNT, CAMPAIGN)
    paused = platform.read(ACCOUNT, CAMPAIGN)
    assert (paused.state, paused.changed_at) == ("paused", server.now)
    platform.resume(ACCOUNT, CAMPAIGN)
    assert platform.read(ACCOUNT, CAMPAIGN).state == "serving"
    assert server.changes == [(CAMPAIGN, "paused"), (CAMPAIGN, "serving")]


def test_a_campaign_that_ended_is_neither_serving_nor_paused(platform: Platform, server: PlatformServer) -> None:
    """Archived and removed campaigns are `ended`."""
    server.campaigns[CAMPAIGN].state = "ended"
    assert platform.read(ACCOUNT, CAMPAIGN).state == "ended"


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_to_a_pause_is_unknown_and_never_repeated(platform: Platform, server: PlatformServer, fault: str) -> None:
    """Whether or not it happened, the caller hears that it is unknown, and there was one call."""
    server.faults["write"].append(fault)
    with pytest.raises(PlatformUnavailable) as caught:
        platform.pause(ACCOUNT, CAMPAIGN)
    assert caught.value.outcome_unknown
    assert server.calls == ["write"]


def test_a_rate_limit_changed_nothing(platform: Platform, server: PlatformServer) -> None:
    """429 surely did nothing: it may be tried again."""
    server.faults["write"].append("429")
    with pytest.raises(PlatformUnavailable) as caught:
        platform.pause(ACCOUNT, CAMPAIGN)
    assert not caught.value.outcome_unknown
    assert not server.changes


@pytest.mark.parametrize("fault", ["refused", "expired_token", "gone"])
def test_a_refusal_is_terminal(platform: Platform, server: PlatformServer, fault: str) -> None:
    """No permission, a token that ended, no such campaign: nothing was changed, and trying again does not help."""
    server.faults["write"].append(fault)
    with pytest.raises(PlatformRefused) as caught:
        platform.pause(ACCOUNT, CAMPAIGN)
    assert TOKEN not in str(caught.value)
    assert not server.changes


@pytest.mark.parametrize("fault", ["500_before", "hang_before", "reset_before", "429"])
def test_a_read_without_an_answer_is_unavailable(platform: Platform, server: PlatformServer, fault: str) -> None:
    """A read that fails says so, and shows no secret."""
    server.faults["read"].append(fault)
    with pytest.raises(PlatformUnavailable) as caught:
        platform.read(ACCOUNT, CAMPAIGN)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("name", ["meta", "google"])
def test_a_campaign_of_another_account_is_refused(name: str, server: PlatformServer) -> None:
    """The account of the approved entry is compared with the platform's."""
    with closing(MAKERS[name](server)) as platform, pytest.raises(PlatformRefused, match="tracker"):
        platform.read("999", CAMPAIGN)


def test_what_is_no_id_never_becomes_a_query(server: PlatformServer) -> None:
    """An id from outside is digits, or it is refused."""
    with closing(MAKERS["google"](server)) as platform, pytest.raises(PlatformRefused, match="no Google Ads id"):
        platform.read(ACCOUNT, "1 OR campaign.id > 0")
    assert not server.calls


def test_a_person_is_told_the_steps_and_the_place() -> None:
    """Without credentials the hand-over names account, campaign and what to click, and links to it."""
    told = pause_by_hand("dv360", "4402", "5512087", "TDR_FR")
    assert any("insertion order 5512087: TDR_FR" in step for step in told.steps)
    assert told.link == "https://displayvideo.google.com/ng_nav/p/0/a/4402/io/5512087"
    assert pause_by_hand("tiktok", "1", "2", "x").link is None
    assert "%2F" in (pause_by_hand("google", "118-204-7731", "../2", "x").link or "")
