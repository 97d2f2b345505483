"""Display & Video 360, by Google's own API client. What the plan calls a campaign is an insertion order there.

Source: DV360 API v4, advertisers.insertionOrders get and patch (updateMask=entityStatus), updateTime.
"""

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any

import google_auth_httplib2
import httplib2
from google.auth.exceptions import GoogleAuthError
from googleapiclient.discovery import build
from googleapiclient.errors import Error, HttpError

from connectors.platforms.model import Live, State
from pacing_brain.errors import PlatformRefused, PlatformUnavailable

STATES: dict[str, State] = {
    "ENTITY_STATUS_ACTIVE": "serving", "ENTITY_STATUS_PAUSED": "paused", "ENTITY_STATUS_DRAFT": "paused",
    "ENTITY_STATUS_ARCHIVED": "ended", "ENTITY_STATUS_SCHEDULED_FOR_DELETION": "ended"}


class Dv360:
    """`credentials` are google.auth's; `url` is the API's root, None for Google's own."""

    name = "dv360"

    def __init__(self, credentials: Any, *, url: str | None = None, timeout_s: float = 30.0) -> None:
        http = google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http(timeout=timeout_s))
        options = None if url is None else {"api_endpoint": url}
        self.service = build("displayvideo", "v4", static_discovery=True, http=http, client_options=options)
        self.orders = self.service.advertisers().insertionOrders()

    def read(self, account_id: str, campaign_id: str) -> Live:
        found = self._call(self.orders.get(advertiserId=account_id, insertionOrderId=campaign_id), writes=False)
        status, changed = str(found.get("entityStatus")), found.get("updateTime")
        return Live(str(found.get("displayName", "")), STATES.get(status, "serving"), status, datetime.fromisoformat(changed) if changed else None)

    def pause(self, account_id: str, campaign_id: str) -> None:
        self._set(account_id, campaign_id, "ENTITY_STATUS_PAUSED")

    def resume(self, account_id: str, campaign_id: str) -> None:
        self._set(account_id, campaign_id, "ENTITY_STATUS_ACTIVE")

    def close(self) -> None:
        self.service.close()

    def _set(self, account_id: str, campaign_id: str, status: str) -> None:
        self._call(self.orders.patch(advertiserId=account_id, insertionOrderId=campaign_id, updateMask="entityStatus",
                                     body={"entityStatus": status}), writes=True)

    @staticmethod
    def _call(request: Any, *, writes: bool) -> dict[str, Any]:
        try:
            found: dict[str, Any] = request.execute(num_retries=0)
        except HttpError as error:
            raise _answered(error, writes=writes) from None
        except GoogleAuthError as error:
            raise PlatformRefused(f"DV360's credentials are refused ({type(error).__name__}). Check DV360_SERVICE_ACCOUNT_FILE.") from None
        except (Error, OSError, httplib2.HttpLib2Error, ValueError) as error:
            raise PlatformUnavailable(f"DV360 gave no usable answer ({type(error).__name__}).", outcome_unknown=writes) from None
        return found


def _answered(error: HttpError, *, writes: bool) -> PlatformRefused | PlatformUnavailable:
    status = int(error.resp.status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return PlatformUnavailable("DV360's rate limit is reached.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return PlatformUnavailable(f"DV360 answered with HTTP {status}.", outcome_unknown=writes)
    return PlatformRefused(f"DV360 refused (HTTP {status}): {_reason(error)}")


def _reason(error: HttpError) -> str:
    try:
        return str(json.loads(error.content)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"
