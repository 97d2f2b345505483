"""A record with sealed runs that ask about some flights, each with its incident and its card, at an instant of the database clock."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit import clock, ledger
from audit.database import Database
from audit.ledger import Entry, Recorded
from audit.outbox import OutgoingMessage, delivery_id
from audit.recommendations import Asked, Recommendation
from audit.runs import Opening
from audit.seal import Seal
from connectors.snowflake_settings import SnowflakeSettings
from flows.answering import Answering
from flows.card_context import Asking
from flows.settings import Settings
from flows.wiring import House
from notifiers import cards
from notifiers.cards_facts import CardContext
from pacing_brain import incidents as lifecycle
from pacing_brain import lifetime
from pacing_brain.answers import Extent
from pacing_brain.model import Finding, RunContext
from pacing_brain.permissions import Caller
from pacing_brain.policy import Policy
from pacing_brain.rulings import Click
from pacing_brain.told import Told
from tests.conftest import Database as Urls
from tests.fakes.slack_server import TOKEN
from tests.unit.notifiers import world

DEEP = os.environ.get("PACING_TEST_DEEP") == "1"
AT = datetime(2026, 11, 18, 8, tzinfo=UTC)
TEAM, SECRET = "T0TEST", "8f742231b10e8888abcd99yyyzzz85a5"
ANA, BEN, RESPONDER, STRANGER = "U0ANA00001", "U0BEN00001", "U0RESP0001", "U0STRANGER"
POLICY = f"""
[approvals]
approvers = ["{ANA}", "{BEN}", "U0ANA00002", "U0NAMELESS"]
responders = ["{RESPONDER}"]
two_people_above = {{ GBP = 100000 }}
[people]
ana = ["{ANA}", "U0ANA00002", "os:ana"]
ben = ["{BEN}"]
"""


@dataclass
class Desk:
    """What a test asks for, and what it looks at."""

    urls: Urls
    house: House
    windows: int = 0
    clicks: int = 0
    shift: timedelta = field(default_factory=timedelta)

    @property
    def answering(self) -> Answering:
        return Answering(self.house)

    def at(self, instant: datetime) -> None:
        """The database clock shows an instant; the application's own does not."""
        admin = Database(self.urls.admin)
        with admin.transaction() as connection:
            clock.set_offset(connection, instant - datetime.now(UTC))
        admin.close()

    def seal(self, *rows: dict[str, Any], at: datetime | None = None) -> dict[str, Recommendation]:
        """One live run that finds these flights (`world.flight`) and asks what it must; what can be answered after it, by flight."""
        at = at or AT + timedelta(hours=4 * self.windows)
        self.windows += 1
        self.at(at)
        house, policy = self.house, self.house.policy
        opening = Opening(window=at, as_of=at, live=True, policy_digest=policy.digest, code_version="1", spend_source="s", tracker="t")
        with house.runs.open(opening) as run:
            found = [world.finding(row) for row in rows]
            (first, *_) = house.runs.record_shard(run, 0, [Entry("campaign_decided", row["flight_id"], {"n": 0}) for row in rows] or [Entry("narrated", "x")])
            changes = lifecycle.step(house.incidents.open(), found, RunContext(run_id=run.run_id, as_of=at, window=at), frozenset())
            incident_of = {change.incident.fingerprint: change.incident for change in changes if change.kind != "resolved"}
            asks = [self._asked(row, one, incident_of[one.fingerprint].incident_id, run.run_id, first + number, at)
                    for number, (row, one) in enumerate(zip(rows, found, strict=True)) if row["action"] == "recommend_halt"]
            standing = house.recommendations.preview(asks, at)
            with house.database.transaction() as connection:
                context = self.asking(connection, standing.now.values())
            general = CardContext(as_of=at, run_id=run.run_id)
            messages, states = [], []
            for one in incident_of.values():
                card = cards.incident_card(one, context.of(one, general, house, policy))
                states.append(Told(subject=one.fingerprint, place="desk", is_open=True, thread_key=one.incident_id, channel="C0TEST",
                                   severity=one.finding.severity, alerted_at=at, written_at=at))
                messages.append(OutgoingMessage(delivery_id(run.run_id, one.incident_id, "post"), "C0TEST", one.incident_id,
                                                "post" if one.opened_run == run.run_id else "update", card.text, card.blocks))
            house.runs.seal(run, Seal(summary={"campaigns": len(rows)}, incidents=changes, asks=asks, answers_seen=house.answers.seen(), messages=messages, told=states,
                                      extents={one.fingerprint: Extent.of(one) for one in found}))
        return {one.flight_id: one for one in house.recommendations.pending()}

    def asking(self, connection: Any, asks: Any) -> Asking:
        from flows.card_context import asking, with_asks

        return with_asks(asking(connection), asks)

    def _asked(self, row: dict[str, Any], finding: Finding, incident_id: str, run_id: str, seq: int, at: datetime) -> Asked:
        return Asked(f"R-{incident_id[2:]}-{run_id[-6:]}", incident_id, finding.fingerprint, row["flight_id"], row["platform"], row["account_id"],
                     row["campaign_id"], run_id, seq, at, at + timedelta(hours=12), lifetime.basis(row),
                     {name: row[name] for name in ("currency", "actual_micros", "target_micros", "budget_micros", "direction")}, Extent.of(finding))

    def click(self, action: str, subject: str, version: int = 1, user: str = ANA, **changes: Any) -> Click:
        self.clicks += 1
        return replace(Click(TEAM, user, f"{self.clicks}.0001", action, subject, version), **changes)

    def press(self, action: str, one: Recommendation, user: str = ANA, **changes: Any) -> str:
        """Press a button of the card of a recommendation, as somebody; the verdict."""
        about_incident = action in ("acknowledge", "snooze", "confirm_match", "deny_match")
        incident = self.house.incidents.get(one.incident_id)
        subject, version = (one.incident_id, incident.version if incident else 0) if about_incident else (one.recommendation_id, one.version)
        click = self.click(action, subject, changes.pop("version", version), user, **changes)
        return self.answering.answer(click, self.caller(user)).verdict

    def caller(self, user: str, **changes: Any) -> Caller:
        return Caller(TEAM, user, **changes)

    def now(self, one: Recommendation) -> Recommendation:
        found = self.house.recommendations.get(one.recommendation_id)
        assert found is not None
        return found

    def said(self, *kinds: str) -> list[Recorded]:
        with self.house.database.transaction() as connection:
            return list(ledger.read(connection, kinds=kinds))

    def card(self, incident_id: str) -> OutgoingMessage:
        """The newest state of a card, sent or not."""
        from sqlalchemy import select

        from audit.tables import outbox

        newest = select(outbox).where(outbox.c.thread_key == incident_id, outbox.c.kind != "reply").order_by(outbox.c.position.desc()).limit(1)
        with self.house.database.transaction() as connection:
            row = connection.execute(newest).one()
        return OutgoingMessage(row.delivery_id, row.channel, row.thread_key, row.kind, row.text, row.blocks)


def flights(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [world.flight(flight_id=f"F{number}", campaign_id=f"{4700 + number}", **changes) for number in range(count)]


def settings(urls: Urls, folder: Path, **changes: Any) -> Settings:
    defaults = {each.alias or name: each.default for name, each in Settings.model_fields.items()}
    policy = folder / "policy.toml"
    policy.write_text(POLICY, encoding="utf-8")
    own = {"PACING_HOME": folder, "PACING_DATABASE_URL": urls.app, "PACING_CONSOLE": "none", "SLACK_BOT_TOKEN": TOKEN, "SLACK_CHANNEL": "C0TEST",
           "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": "http://127.0.0.1:1/api/", "PACING_POLICY": policy, "_env_file": None}
    return Settings.read(**defaults | own | changes)


@pytest.fixture
def desk(fresh_database: Urls, tmp_path: Path) -> Iterator[Desk]:
    own = settings(fresh_database, tmp_path)
    database = Database(fresh_database.app, pool_size=12)
    yield Desk(fresh_database, House(own, Policy.load(own.policy) if own.policy else Policy(), database, SnowflakeSettings()))
    database.close()
