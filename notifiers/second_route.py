"""A second way to people when Slack is not one: whatever Apprise knows (Teams, e-mail, PagerDuty, a web hook ...). Its addresses are secrets."""

import logging
import warnings
from html import unescape


class SecondRoute:
    """urls: one or several Apprise addresses, divided by blanks or commas."""

    def __init__(self, urls: str) -> None:
        self.urls = urls.replace(",", " ").split()

    def send(self, title: str, lines: list[str]) -> bool:
        """Whether every address took it. Nothing is raised, and nothing of an address is logged. Lines are fallback texts of Slack messages."""
        for name in ("apprise", "urllib3", "requests"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # they log addresses
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of what its plug-ins import
                return self._send(title, unescape("\n".join(lines)))
        except Exception:  # noqa: BLE001  a plug-in of somebody else's, at the moment when nothing else is left
            return False

    def unknown(self) -> list[str]:
        """The kinds (what stands before `://`) of the addresses that Apprise cannot read."""
        import apprise  # noqa: PLC0415  half a second, and most runs never need it

        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return [each.partition("://")[0][:20] for each in self.urls if apprise.Apprise.instantiate(each) is None]

    def _send(self, title: str, body: str) -> bool:
        import apprise  # noqa: PLC0415  half a second, and most runs never need it

        routes = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, app_id="Pacing monitor"))
        known = [routes.add(each) for each in self.urls]
        return all(known) and bool(known) and bool(routes.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT))
