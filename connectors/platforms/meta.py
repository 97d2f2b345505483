"""Meta, by its own library. A campaign is paused by its status; the access token travels in the address, so no address is ever shown.

Source: Marketing API, Campaign (status, effective_status, updated_time) and its error codes.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from facebook_business.adobjects.campaign import Campaign
from facebook_business.api import FacebookAdsApi, FacebookSession
from facebook_business.exceptions import FacebookError, FacebookRequestError
from requests.exceptions import ConnectTimeout, RequestException

from connectors.platforms.model import Live, State
from pacing_brain.errors import PlatformRefused, PlatformUnavailable

STATES: dict[str, State] = {"PAUSED": "paused", "ARCHIVED": "ended", "DELETED": "ended"}
THROTTLED = {4, 17, 32, 613, 80000, 80003, 80004}  # error codes of Meta's rate limits: nothing was done
FIELDS = [Campaign.Field.name, Campaign.Field.account_id, Campaign.Field.status, Campaign.Field.effective_status, Campaign.Field.updated_time]


class Meta:
    """`url` is the Graph API's root; None for Meta's own."""

    name = "meta"

    def __init__(self, access_token: str, *, app_secret: str | None = None, url: str | None = None, timeout_s: float = 30.0) -> None:
        self.session = session = FacebookSession(app_secret=app_secret, access_token=access_token, timeout=timeout_s)
        if url is not None:
            session.GRAPH = url.rstrip("/")
        self.api = FacebookAdsApi(session)

    def read(self, account_id: str, campaign_id: str) -> Live:
        found = self._call(lambda: self._campaign(campaign_id).api_get(fields=FIELDS), writes=False)
        if str(found.get("account_id", "")).removeprefix("act_") != account_id.removeprefix("act_"):
            raise PlatformRefused(f"Meta has campaign {campaign_id} in another account than {account_id}. Correct the tracker.")
        status = str(found.get("effective_status") or found.get("status"))
        state = STATES.get(str(found.get("status")), STATES.get(status, "serving"))
        changed = found.get("updated_time")
        return Live(str(found.get("name", "")), state, status, datetime.fromisoformat(changed) if changed else None)

    def pause(self, account_id: str, campaign_id: str) -> None:
        self._set(account_id, campaign_id, Campaign.Status.paused)

    def resume(self, account_id: str, campaign_id: str) -> None:
        self._set(account_id, campaign_id, Campaign.Status.active)

    def close(self) -> None:
        self.session.requests.close()

    def _set(self, account_id: str, campaign_id: str, status: str) -> None:
        del account_id  # a campaign's id is unique over all of Meta; `read` has compared its account
        self._call(lambda: self._campaign(campaign_id).api_update(params={"status": status}), writes=True)

    def _campaign(self, campaign_id: str) -> Campaign:
        return Campaign(campaign_id, api=self.api)

    def _call(self, ask: Any, *, writes: bool) -> Any:
        try:
            return ask()
        except FacebookRequestError as error:
            raise _answered(error, writes=writes) from None
        except ConnectTimeout:
            raise PlatformUnavailable("Meta did not answer: no connection in time.") from None
        except (RequestException, FacebookError, ValueError, TypeError, KeyError) as error:  # a cut, or an answer that the library cannot read
            raise PlatformUnavailable(f"Meta gave no usable answer ({type(error).__name__}).", outcome_unknown=writes) from None


def _answered(error: FacebookRequestError, *, writes: bool) -> PlatformRefused | PlatformUnavailable:
    code, status = error.api_error_code(), error.http_status()
    if code in THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        return PlatformUnavailable("Meta's rate limit is reached.")
    if error.api_transient_error() or status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return PlatformUnavailable(f"Meta answered with HTTP {status}.", outcome_unknown=writes)
    return PlatformRefused(f"Meta refused (error {code}): {error.api_error_message() or 'no reason given'}")
