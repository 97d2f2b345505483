"""What is signed, when, where its copies go, and who hears of it when it is refused."""

import os
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import text

from audit import clock, identity, ledger
from audit.anchors import AnchorStore
from audit.database import Database
from audit.outbox import OutgoingMessage, put
from flows.anchoring import after_answer, anchor, copy_to_slack
from flows.settings import Settings
from flows.wiring import open_house
from tests.integration.audit.tampering import KEY, build


@pytest.fixture
def record(fresh_database, tmp_path):
    """A record of three sealed runs with its anchors."""
    database, admin = Database(fresh_database.app), Database(fresh_database.admin)
    yield build(database, admin, AnchorStore(tmp_path / "anchors"))
    database.close()
    admin.close()


@pytest.fixture
def house(record, fresh_database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key.pem").write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    settings = Settings.read(PACING_HOME=tmp_path, PACING_DATABASE_URL=fresh_database.app, PACING_ANCHOR_DIR=tmp_path / "anchors",
                             PACING_SIGNING_KEY_FILE=tmp_path / "key.pem", SLACK_BOT_TOKEN="xoxb-1", SLACK_CHANNEL="C0OPS")
    with open_house(settings, record_only=True) as house:
        yield house


def answered(record):
    with record.database.transaction() as connection:
        ledger.append(connection, None, [ledger.Entry("recommendation_decided", "R1", {"decision": "approved"})], clock.now(connection))


def test_an_answer_is_anchored_at_most_once_a_minute(record, house):
    """Within a minute of the newest anchor an answer waits for the next one; after it, it is signed for at once."""
    answered(record)
    assert after_answer(house) is None
    newest = record.store.files()[-1]
    os.utime(newest, (newest.stat().st_mtime - 61,) * 2)
    assert after_answer(house)["size"] == record.sizes[-1] + 1
    assert after_answer(house) is None


def test_a_database_behind_its_anchor_is_refused_and_alerted_once(record, house, capsys):
    """After an older copy was restored nothing is signed; the ledger and the channel say so, once a day."""
    record.force("DELETE FROM pacing.ledger_entries WHERE seq >= :size", size=record.sizes[0])
    record.rehash()
    assert "an older copy was restored" in anchor(house)["error"]
    assert "not anchored" in capsys.readouterr().err
    anchor(house)
    with house.database.transaction() as connection:
        (said,) = ledger.read(connection, kinds=["error_recorded"])
    assert said.subject == "anchor"
    (leased,) = house.outbox.lease(9)
    assert (leased.channel, leased.kind) == ("C0OPS", "post")
    assert "an older copy was restored" in leased.text
    assert [int(path.stem) for path in record.store.files()] == record.sizes


def test_the_checkpoint_goes_below_the_digest(record, house):
    """The newest note is a reply under the newest digest, once for each sealed run; before there is a digest nothing is said."""
    copy_to_slack(house)
    assert house.outbox.counts()["pending"] == 0
    with house.database.transaction() as connection:
        put(connection, [OutgoingMessage(f"d{day}", "C0OPS", f"digest:C0OPS:2026-05-2{day}", "update", "Pacing", []) for day in (1, 2)])
    copy_to_slack(house)
    copy_to_slack(house)
    for card in house.outbox.lease(9):
        house.outbox.delivered(card.delivery_id, "C0OPS", "1.0")
    (reply,) = house.outbox.lease(9)
    assert (reply.kind, reply.thread_key) == ("reply", "digest:C0OPS:2026-05-22")
    assert record.store.files()[-1].read_text("utf-8") in reply.blocks[0]["text"]["text"]


def test_a_claim_stands_beside_what_the_machine_knows(record, monkeypatch):
    """`--as` is kept as a claim; it counts for the user of the process, which the environment cannot change."""
    monkeypatch.setenv("USER", "somebody")
    with record.database.transaction() as connection:
        who = identity.claimed(connection, " Ann\x00 of\nfinance ")
        login = connection.execute(text("SELECT session_user")).scalar_one()
    assert who.body == {"via": "command", "person": f"os:{identity.system_user()}", "claim": "Ann\N{REPLACEMENT CHARACTER} of finance",
                        "system_user": identity.system_user(), "host": os.uname().nodename, "database_login": login}
    assert identity.Click("T1", "U1").body == {"via": "slack", "person": "U1", "team": "T1", "user": "U1"}
