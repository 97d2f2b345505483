"""The dead man's switch outside: an address that is called after each sealed run, and raises the alarm when it is not."""

import httpx

from flows import logs

CALL_SECONDS = 5.0


def call(url: str | None) -> bool:
    """Call PACING_HEARTBEAT_URL, when it is set; a call that fails is one line on stderr and holds nothing up."""
    if url is None:
        return False
    try:
        httpx.get(url, timeout=CALL_SECONDS).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        logs.warn(f"PACING_HEARTBEAT_URL could not be called: {type(error).__name__}")  # the address may hold a secret
        return False
    return True
