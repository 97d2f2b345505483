"""What must be true in the machine of answers, by a slow obvious reference.

It keeps what people were told about their clicks, and from that alone
knows for whom something may be paused.
"""

from datetime import datetime, timedelta

from audit.recommendations import Recommendation
from pacing_brain.lifetime import ACTED_UPON
from pacing_brain.rulings import Click
from tests.integration.answers.conftest import ANA, BEN, POLICY
from tests.integration.answers.ground import Ground
from tests.unit.notifiers import world

ANA2, NAMELESS = "U0ANA00002", "U0NAMELESS"
HUMANS = {ANA: "ana", ANA2: "ana", BEN: "ben"}
WITHOUT_ANA = POLICY.replace(f'"{ANA}", "{BEN}", "{ANA2}", "{NAMELESS}"', f'"{BEN}"')
TWO_ALWAYS = POLICY.replace("GBP = 100000 ", "GBP = 1 ")
POLICIES = {POLICY: ({ANA, ANA2, BEN, NAMELESS}, 100_000), WITHOUT_ANA: ({BEN}, 100_000), TWO_ALWAYS: ({ANA, ANA2, BEN, NAMELESS}, 1)}  # who approves; two above
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WITHIN, LEASE, SKEW = HOUR, 5 * MINUTE, MINUTE  # as the specification has them
SETTLED = {"done", "aborted"}


class Reference:
    """rows: what was ever asked about the flight, as it was when it was looked at last. taken: every click, and what the person was told."""

    ground: Ground
    flight: str
    policy: str
    sealed_at: datetime
    rows: dict[str, Recommendation]
    taken: list[tuple[Click, str]]

    def _approvers(self) -> set[str]:
        return POLICIES[self.policy][0]

    def _needed(self, one: Recommendation) -> int:
        return 2 if one.facts["budget_micros"] > POLICIES[self.policy][1] * world.UNITS else 1

    def _approved_by(self, one: Recommendation) -> list[str]:
        """Who was told that their approval of this very question counts."""
        return [click.user_id for click, told in self.taken
                if (click.action, click.subject, click.version) == ("approve_halt", one.recommendation_id, one.version) and told != "refused"]

    def _newest(self) -> Recommendation:
        return next((one for one in self.rows.values() if one.open), list(self.rows.values())[-1])

    def _look(self, changed: Recommendation | None = None, to: str = "", *, acting: bool = False, ran: bool = False) -> None:
        """The rows as they are now. Without a run nothing has changed but what was said to, or what is acted upon."""
        before, self.rows = self.rows, {one.recommendation_id: one for one in self.ground.of_flight(self.flight)}
        for key, old in before.items():
            new = self.rows[key]
            if changed is not None and key == changed.recommendation_id:
                assert new.status == to
            elif acting and old.status in ACTED_UPON:
                assert new.status in {"pending", "approved", "attempting", "unknown", *SETTLED}
                assert (new.version > old.version) == (new.status == "pending")
            elif not ran:
                assert (new.status, new.version) == (old.status, old.version)

    def _can_be_decided(self, one: Recommendation, user: str, version: int) -> bool:
        """Every reason to refuse a decision, one after the other."""
        late, asks = self.ground.now >= one.expires_at, one.renewed_at == self.sealed_at and self.ground.now - self.sealed_at < 8 * HOUR
        return user in self._approvers() and one.open and version == one.version and not late and asks

    def _expected(self, one: Recommendation, user: str, version: int) -> str:
        if not self._can_be_decided(one, user, version):
            return "refused"
        if self._needed(one) == 1:
            return "accepted"
        before = {HUMANS[each] for each in self._approved_by(one) if each in HUMANS}
        if user not in HUMANS or HUMANS[user] in before:
            return "refused"
        return "accepted" if before else "counted"

    def _is_on_the_record(self, one: Recommendation) -> None:
        """In order: approvals, then attempts by an approved version, then one end of each; and every click as the person was told."""
        people: dict[int, set[str]] = {}
        approved, ended, refused = set(), {}, 0
        for entry in self.ground.said(one.recommendation_id):
            said = entry.content
            version = said["version"]
            if entry.kind == "recommendation_decided" and said["decision"] in ("approved", "one_approval"):
                people.setdefault(version, set()).add(said["human"])
                approved |= {version} if said["decision"] == "approved" else set()
            elif entry.kind == "action_attempted":
                assert version in approved - set(ended)
            elif entry.kind == "action_finished" and said["outcome"] != "unknown":
                assert version in approved - set(ended)
                ended[version] = said["outcome"]
            refused += entry.kind == "click_refused"
        assert approved == set(ended)
        own = [(click, told) for click, told in self.taken if click.subject == one.recommendation_id]
        assert sum(told == "refused" for _, told in own) == refused
        for click, told in own:
            if click.action == "approve_halt" and told != "refused":
                assert HUMANS.get(click.user_id, click.user_id) in people[click.version]
                assert told == "counted" or click.version in approved


def key_of(one: Recommendation) -> str:
    return f"{one.recommendation_id}:{one.version}"
