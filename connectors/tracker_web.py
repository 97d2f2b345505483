"""A published sheet over https: bounded in size, time and redirects, and never led to an address inside the network."""

import ipaddress
import socket
import time
from collections.abc import Callable

import httpx

from pacing_brain.errors import TrackerUnreadable

MAX_BYTES = 50_000_000
TIMEOUT_S = 15.0  # per connection and read
TOTAL_S = 60.0
MAX_REDIRECTS = 5

Resolve = Callable[[str, int], list[str]]


def addresses_of(host: str, port: int) -> list[str]:
    """Every address that the name resolves to; a literal address is its own."""
    return sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})


def fetch(location: str, http: httpx.Client | None = None, resolve: Resolve = addresses_of) -> tuple[bytes, str]:
    """The bytes at an https address and a name for people: the host and the path's last part, for the rest may be a secret.

    The operator's own address may be internal; a redirect may not lead to one. A redirect's host is resolved here, every address of it
    must be public, and the connection goes to the address that was checked, so that a second resolution cannot differ.

    Raises:
        TrackerUnreadable: not https, unreachable, refused, too large, too slow, or redirected to where it must not go.
    """
    url = httpx.URL(location)
    name = f"{url.host}/.../{url.path.rstrip('/').rpartition('/')[2]}"
    client = http or httpx.Client(timeout=TIMEOUT_S, follow_redirects=False)
    deadline = time.monotonic() + TOTAL_S
    try:
        address: str | None = None
        for _ in range(MAX_REDIRECTS + 1):
            with client.stream("GET", url if address is None else url.copy_with(host=address),
                               headers={"Host": url.netloc.decode("ascii")}, extensions={"sni_hostname": url.host}) as response:
                if not response.has_redirect_location:
                    return _body(response, name, deadline), name
                url = url.join(response.headers["location"])
            address = _public_address(url, name, resolve)
        raise TrackerUnreadable(f"tracker {name} redirects more than {MAX_REDIRECTS} times. Use the address of the sheet itself.")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise TrackerUnreadable(f"tracker {name} cannot be fetched: {_why(error)}. Open the address in a private browser window and check it, "
                                "then PACING_TRACKER.") from error  # fmt: skip
    finally:
        if http is None:
            client.close()


def _public_address(url: httpx.URL, name: str, resolve: Resolve) -> str:
    if url.scheme != "https":
        raise TrackerUnreadable(f"tracker {name} redirects to an address without https. Use an address that stays on https.")
    addresses = resolve(url.host, url.port or 443)
    if not addresses or not all(_is_public(address) for address in addresses):
        raise TrackerUnreadable(f"tracker {name} redirects to a private address. Use the address of the sheet itself.")
    return addresses[0]


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return ip.is_global and not ip.is_multicast and (mapped is None or mapped.is_global)


def _body(response: httpx.Response, name: str, deadline: float) -> bytes:
    if response.status_code != httpx.codes.OK:
        raise TrackerUnreadable(f"tracker {name} answered {response.status_code}. Check that the sheet is published and PACING_TRACKER is its address.")
    parts, size = [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > MAX_BYTES:
            raise TrackerUnreadable(f"tracker {name} is larger than {MAX_BYTES // 10**6} MB. Keep only the plan in it.")
        if time.monotonic() > deadline:
            raise TrackerUnreadable(f"tracker {name} took longer than {TOTAL_S:.0f} s. Try again, or keep a copy as a file.")
        parts.append(part)
    return b"".join(parts)


def _why(error: Exception) -> str:
    """A library's own sentence may hold the whole address: the kind of error is said instead."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return "no connection" if isinstance(error, httpx.ConnectError) else type(error).__name__
