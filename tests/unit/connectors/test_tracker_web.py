"""A published sheet is fetched within bounds, and a redirect never leads into the network."""

import datetime as dt

import httpx
import pytest

from connectors.tracker import read_tracker
from connectors.tracker_web import addresses_of, fetch
from pacing_brain.errors import TrackerUnreadable
from pacing_brain.policy import Policy
from tests.unit.connectors.trackers import AS_OF, csv_bytes, rows_of

SHEET = "https://sheets.example/d/secret-token/plan.csv?output=csv"
PUBLIC = "93.184.215.14"


def client(answers):
    """A client whose web is a function: request -> (status, headers, body)."""
    def respond(request):
        status, headers, content = (*answers(request), b"")[:3]
        return httpx.Response(status, headers=headers, content=content)
    return httpx.Client(transport=httpx.MockTransport(respond))


def redirecting(target):
    return client(lambda request: (302, {"location": target}) if "sheets.example" in request.url.host else (200, {}, csv_bytes(rows_of())))


def test_a_published_sheet_is_read():
    """The sheet behind an https address becomes targets; its name shows host and file, never the token in the path."""
    got = read_tracker(SHEET, as_of=AS_OF, policy=Policy(), http=client(lambda _: (200, {}, csv_bytes(rows_of()))))
    assert got.targets["flight_id"].tolist() == ["F1"]
    assert got.name == "sheets.example/.../plan.csv"


@pytest.mark.parametrize("target", [
    "https://127.0.0.1/x", "https://10.0.0.8/x", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data", "https://[::1]/",
    "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/", "https://localhost/x", "https://0.0.0.0/", "https://100.64.0.1/", "https://224.0.0.1/",
])
def test_a_redirect_to_a_private_address_is_refused(target):
    """Literal private, loopback, link-local and mapped addresses are refused, and so are names that resolve to one."""
    with pytest.raises(TrackerUnreadable, match="redirects to a private address"):
        fetch(SHEET, redirecting(target), addresses_of)


def test_a_redirect_whose_name_resolves_inside_is_refused():
    """One private address among those of a name is enough to refuse it."""
    with pytest.raises(TrackerUnreadable, match="redirects to a private address"):
        fetch(SHEET, redirecting("https://cdn.example/x"), lambda _host, _port: [PUBLIC, "10.1.2.3"])


def test_a_redirect_connects_to_the_address_that_was_checked():
    """The connection goes to the checked address under the name of the host, so that a second resolution cannot differ."""
    seen = []

    def answer(request):
        seen.append((request.url.host, request.headers["host"], request.extensions["sni_hostname"]))
        return (302, {"location": "https://cdn.example/x"}) if len(seen) == 1 else (200, {}, b"flight")
    assert fetch(SHEET, client(answer), lambda _host, _port: [PUBLIC])[0] == b"flight"
    assert seen == [("sheets.example", "sheets.example", "sheets.example"), (PUBLIC, "cdn.example", "cdn.example")]


def test_a_redirect_away_from_https_is_refused():
    """A step down to http is refused."""
    with pytest.raises(TrackerUnreadable, match="without https"):
        fetch(SHEET, redirecting("http://cdn.example/x"), lambda _host, _port: [PUBLIC])


def test_redirects_end():
    """A circle of redirects is a clear error."""
    with pytest.raises(TrackerUnreadable, match="more than 5 times"):
        fetch(SHEET, client(lambda _: (302, {"location": SHEET})), lambda _host, _port: [PUBLIC])


def test_size_is_bounded():
    """A body beyond the limit is not kept in memory, it is refused."""
    with pytest.raises(TrackerUnreadable, match="larger than 50 MB"):
        fetch(SHEET, client(lambda _: (200, {}, iter([b"x" * 10_000_000] * 6))))


@pytest.mark.parametrize(("status", "words"), [(404, "answered 404"), (403, "answered 403"), (500, "answered 500")])
def test_a_refusal_says_its_status(status, words):
    """A sheet that is not published is named with the status and the setting."""
    with pytest.raises(TrackerUnreadable, match=f"{words}.*PACING_TRACKER"):
        fetch(SHEET, client(lambda _: (status, {})))


def test_a_login_page_is_no_tracker():
    """A web page instead of a table says how to publish the sheet."""
    page = client(lambda _: (200, {"content-type": "text/csv"}, b"\n<!DOCTYPE html><html>Sign in</html>"))
    with pytest.raises(TrackerUnreadable, match=r"web page.*Publish the sheet"):
        read_tracker(SHEET, as_of=AS_OF, policy=Policy(), http=page)


def test_an_unreachable_host_keeps_the_address_secret():
    """No connection is a clear line that does not repeat the token in the address."""
    def fail(_request):
        raise httpx.ConnectError("cannot connect to https://sheets.example/d/secret-token")
    with pytest.raises(TrackerUnreadable, match="no connection") as caught:
        fetch(SHEET, httpx.Client(transport=httpx.MockTransport(fail)))
    assert "secret-token" not in str(caught.value)


def test_other_schemes_are_refused():
    """http:// and file:// are not read."""
    for location in ("http://sheets.example/plan.csv", "file:///etc/passwd", "ftp://x/y"):
        with pytest.raises(TrackerUnreadable, match=r"is not read\. Use a path"):
            read_tracker(location, as_of=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), policy=Policy())
