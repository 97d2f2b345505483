"""Google Ads, by its own library (gRPC). Searches and changes are made with no retry of the library's own.

Source: Google Ads API, campaign.status, change_status.last_change_date_time (in the account's zone), GoogleAdsFailure.
"""

import logging
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import grpc
from google.ads.googleads.client import GoogleAdsClient
from google.ads.googleads.errors import GoogleAdsException
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError

from connectors.platforms.model import Live, State
from pacing_brain.errors import PlatformRefused, PlatformUnavailable

STATES: dict[str, State] = {"ENABLED": "serving", "PAUSED": "paused", "REMOVED": "ended"}
SURELY_NOT_DONE = {grpc.StatusCode.RESOURCE_EXHAUSTED}
REFUSALS = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED,
            grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.ALREADY_EXISTS}
CHANGES_KEPT = timedelta(days=89)  # change_status answers for the last 90 days only

CAMPAIGN = """
    SELECT campaign.id, campaign.name, campaign.status, customer.time_zone
    FROM campaign WHERE campaign.id = {campaign}"""
LAST_CHANGE = """
    SELECT change_status.last_change_date_time FROM change_status
    WHERE change_status.resource_type IN ('CAMPAIGN', 'CAMPAIGN_BUDGET') AND change_status.campaign = 'customers/{customer}/campaigns/{campaign}'
      AND change_status.last_change_date_time >= '{first:%Y-%m-%d}' AND change_status.last_change_date_time <= '{last:%Y-%m-%d}'
    ORDER BY change_status.last_change_date_time DESC LIMIT 1"""


class GoogleAds:
    """`credentials` are google.auth's; `endpoint` is host:port of another API server, None for Google's own. `today` is asked at each read."""

    name = "google"

    def __init__(self, credentials: Any, *, developer_token: str, today: Any, login_customer_id: str | None = None, endpoint: str | None = None,
                 timeout_s: float = 30.0) -> None:
        self.client = GoogleAdsClient(credentials=credentials, developer_token=developer_token, use_proto_plus=True,
                                      login_customer_id=_digits(login_customer_id) if login_customer_id else None, endpoint=endpoint)
        self.searching, self.changing = self.client.get_service("GoogleAdsService"), self.client.get_service("CampaignService")
        self.today, self.timeout_s = today, timeout_s
        logging.getLogger("google.ads.googleads").setLevel(logging.CRITICAL)  # it logs whole requests

    def read(self, account_id: str, campaign_id: str) -> Live:
        customer, campaign = _digits(account_id), _digits(campaign_id)
        rows = self._search(customer, CAMPAIGN.format(campaign=campaign))
        if not rows:
            raise PlatformRefused(f"Google Ads has no campaign {campaign} in account {account_id}. Correct the tracker.")
        found, said = rows[0], rows[0].campaign.status.name
        last = self.today()
        changes = self._search(customer, LAST_CHANGE.format(customer=customer, campaign=campaign, first=last - CHANGES_KEPT,
                                                            last=last + timedelta(days=1)))
        changed = _instant(changes[0].change_status.last_change_date_time, found.customer.time_zone) if changes else None
        return Live(found.campaign.name, STATES.get(said, "serving"), said, changed)

    def pause(self, account_id: str, campaign_id: str) -> None:
        self._set(account_id, campaign_id, "PAUSED")

    def resume(self, account_id: str, campaign_id: str) -> None:
        self._set(account_id, campaign_id, "ENABLED")

    def close(self) -> None:
        self.searching.transport.close()
        self.changing.transport.close()

    def _set(self, account_id: str, campaign_id: str, status: str) -> None:
        customer = _digits(account_id)
        operation = self.client.get_type("CampaignOperation")
        operation.update.resource_name = self.changing.campaign_path(customer, _digits(campaign_id))
        operation.update.status = self.client.enums.CampaignStatusEnum[status]
        operation.update_mask.paths.append("status")
        self._call(lambda: self.changing.mutate_campaigns(customer_id=customer, operations=[operation], retry=None,
                                                          timeout=self.timeout_s), writes=True)

    def _search(self, customer: str, query: str) -> list[Any]:
        found: list[Any] = self._call(lambda: list(self.searching.search(customer_id=customer, query=query, retry=None, timeout=self.timeout_s)), writes=False)
        return found

    @staticmethod
    def _call(ask: Any, *, writes: bool) -> Any:
        try:
            return ask()
        except GoogleAdsException as error:
            raise _answered(error.error.code(), _reason(error), writes=writes) from None
        except grpc.RpcError as error:
            raise _answered(error.code() if hasattr(error, "code") else grpc.StatusCode.UNKNOWN, "", writes=writes) from None
        except GoogleAuthError as error:
            raise PlatformRefused(f"Google's credentials are refused ({type(error).__name__}). Check GOOGLE_ADS_REFRESH_TOKEN.") from None
        except GoogleAPICallError as error:
            raise _answered(error.grpc_status_code, error.message, writes=writes) from None
        except RetryError as error:
            raise PlatformUnavailable(f"Google Ads gave no usable answer ({type(error).__name__}).", outcome_unknown=writes) from None


def _answered(code: grpc.StatusCode | None, reason: str, *, writes: bool) -> PlatformRefused | PlatformUnavailable:
    if code is not None and code in REFUSALS:
        return PlatformRefused(f"Google Ads refused ({code.name}): {reason or 'no reason given'}")
    if code in SURELY_NOT_DONE:
        return PlatformUnavailable("Google Ads' rate limit is reached.")
    return PlatformUnavailable(f"Google Ads answered with {code.name if code else 'nothing known'}.", outcome_unknown=writes)


def _reason(error: GoogleAdsException) -> str:
    return "; ".join(each.message for each in error.failure.errors)


def _digits(number: str) -> str:
    """Ids as the API writes them, without dashes; anything else would be a query of somebody else's.

    Raises:
        PlatformRefused: not a number.
    """
    digits = number.replace("-", "")
    if not (digits.isascii() and digits.isdigit()):
        raise PlatformRefused(f"{number!r} is no Google Ads id. Correct the tracker.")
    return digits


def _instant(local: str, zone: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone or "UTC"))
