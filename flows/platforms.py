"""Which advertising platforms this process may pause campaigns on: those whose credentials are set."""

from datetime import UTC, datetime
from typing import Any

from connectors.platforms.model import Platform
from flows.settings import Settings
from pacing_brain.errors import SettingError

GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
DV360_SCOPES = ("https://www.googleapis.com/auth/display-video",)


def can_pause(settings: Settings, name: str | None) -> bool:
    """Whether a platform's credentials are here, so that an approved pause is carried out and not handed over."""
    needed = {"google": settings.google_ads_developer_token and settings.google_ads_refresh_token,
              "meta": settings.meta_access_token, "dv360": settings.dv360_service_account_file}
    return bool(needed.get(name or ""))


def open_platform(settings: Settings, name: str) -> Platform | None:
    """The platform with its credentials; none: there are none.

    Raises:
        SettingError: its library is not installed, or its credentials cannot be read.
    """
    if not can_pause(settings, name):
        return None
    try:
        return {"google": _google, "meta": _meta, "dv360": _dv360}[name](settings)
    except ImportError as error:
        raise SettingError(f"credentials of {name} are set, and its library is not installed: install pacing-monitor[{name}] ({error.name})") from error


def _google(settings: Settings) -> Platform:
    from google.oauth2 import credentials as oauth2

    from connectors.platforms.google import GoogleAds

    made: Any = oauth2
    credentials = made.Credentials(
        token=None, refresh_token=_secret(settings.google_ads_refresh_token), client_id=settings.google_ads_client_id,
        client_secret=_secret(settings.google_ads_client_secret), token_uri=GOOGLE_TOKENS)
    return GoogleAds(credentials, developer_token=_secret(settings.google_ads_developer_token) or "", today=lambda: datetime.now(UTC).date(),
                     login_customer_id=settings.google_ads_login_customer_id)


def _meta(settings: Settings) -> Platform:
    from connectors.platforms.meta import Meta

    return Meta(_secret(settings.meta_access_token) or "", app_secret=_secret(settings.meta_app_secret), url=settings.meta_api_url)


def _dv360(settings: Settings) -> Platform:
    from google.oauth2 import service_account

    from connectors.platforms.dv360 import Dv360

    try:
        made: Any = service_account
        credentials = made.Credentials.from_service_account_file(str(settings.dv360_service_account_file), scopes=DV360_SCOPES)
    except (OSError, ValueError) as error:
        raise SettingError(f"DV360_SERVICE_ACCOUNT_FILE cannot be used ({type(error).__name__}): it must be the key file of a service account") from None
    return Dv360(credentials, url=settings.dv360_api_url)


def _secret(value: Any) -> str | None:
    return value.get_secret_value() if value is not None else None
