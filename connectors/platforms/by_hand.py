"""What a person does where no credentials are given: the exact steps, and a link to the campaign. Pure."""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class HandOver:
    """steps: in order, each one sentence. link: to the campaign, or None where the platform is not one of ours."""

    steps: tuple[str, ...]
    link: str | None


NAMES = {"google": "Google Ads", "meta": "Meta Ads Manager", "dv360": "Display & Video 360"}


def pause_by_hand(platform: str, account_id: str, campaign_id: str, campaign_name: str) -> HandOver:
    """How to pause this campaign in its platform's own pages."""
    where, link = NAMES.get(platform, platform), _link(platform, account_id, campaign_id)
    what = "insertion order" if platform == "dv360" else "campaign"
    how = {"google": "Click the green dot before its name and choose Pause.",
           "meta": "Turn off the switch before its name.",
           "dv360": "Open it, choose Paused as its status, and save."}.get(platform, "Pause it.")
    return HandOver((f"Open {where}, account {account_id}.", f"Find {what} {campaign_id}: {campaign_name}.", how,
                     "Come back and say that it is paused; the next runs check that spend has stopped."), link)


def _link(platform: str, account_id: str, campaign_id: str) -> str | None:
    account, campaign = quote(account_id.removeprefix("act_"), safe=""), quote(campaign_id, safe="")
    if platform == "google":
        return f"https://ads.google.com/aw/campaigns?campaignId={campaign}&__c={account.replace('-', '')}"
    if platform == "meta":
        return f"https://adsmanager.facebook.com/adsmanager/manage/campaigns?act={account}&selected_campaign_ids={campaign}"
    if platform == "dv360":
        return f"https://displayvideo.google.com/ng_nav/p/0/a/{account}/io/{campaign}"
    return None
