"""The tables of the record in SQLAlchemy Core, equal to what the migrations make (tests/integration/audit/test_migrate.py).

What each is for stands in the migrations, as comments on every table, index and constraint.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "pacing"
metadata = MetaData(schema=SCHEMA, naming_convention={
    "pk": "%(table_name)s_pkey", "uq": "%(table_name)s_%(column_0_name)s_key", "fk": "%(table_name)s_%(column_0_name)s_fkey"})


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _at(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, autoincrement=False)


def _int(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, autoincrement=False)


def _maybe(name: str) -> Column[str]:
    return Column(name, Text)


def _json(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, JSONB(none_as_null=True), nullable=nullable)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _one() -> tuple[Column[bool], PrimaryKeyConstraint]:
    return Column("one", Boolean, nullable=False, server_default=text("true")), PrimaryKeyConstraint("one")


def _of_run() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["run_id"], [f"{SCHEMA}.runs.run_id"])


clock_offset = Table("clock_offset", metadata, *_one(), Column("shift", Interval, nullable=False), CheckConstraint("one", "clock_offset_one"))

ledger_head = Table(
    "ledger_head", metadata, *_one(), Column("ledger_id", Uuid, nullable=False), _number("size"), _bytes("frontier"),
    CheckConstraint("one", "ledger_head_one"))

ledger_entries = Table(
    "ledger_entries", metadata, _number("seq"), _at("at"), _maybe("run_id"), _text("kind"), _text("subject"), _bytes("leaf"),
    Column("body", LargeBinary), PrimaryKeyConstraint("seq", "at"),
    CheckConstraint("seq >= 0", "ledger_entries_seq"),
    CheckConstraint("octet_length(leaf) = 32", "ledger_entries_leaf"),
    Index("ledger_entries_by_subject", "subject", "kind", "seq"),
    Index("ledger_entries_by_run", "run_id", "kind", "seq"), postgresql_partition_by="RANGE (at)")

policies = Table("policies", metadata, _text("digest"), _text("text"), _at("adopted_at"), PrimaryKeyConstraint("digest"))

runs = Table(
    "runs", metadata, _text("run_id"), _at("window_at"), Column("live", Boolean, nullable=False), _text("status"), _at("as_of"),
    _text("policy_digest"), _text("code_version"), _text("spend_source"), _text("tracker"), Column("token", Uuid, nullable=False),
    _at("opened_at"), _at("sealed_at", nullable=True), _maybe("completeness"), _json("summary", nullable=True), _maybe("error"),
    PrimaryKeyConstraint("run_id"),
    CheckConstraint("status IN ('open', 'failed', 'sealed', 'superseded')", "runs_status"),
    CheckConstraint("completeness IN ('complete', 'partial')", "runs_completeness"),
    CheckConstraint("(status IN ('sealed', 'superseded')) = "
                    "(sealed_at IS NOT NULL AND completeness IS NOT NULL AND summary IS NOT NULL)", "runs_sealed"),
    Index("runs_one_working_live", "window_at", unique=True, postgresql_where=text("live AND status IN ('open', 'failed')")),
    Index("runs_one_sealed_live", "window_at", unique=True, postgresql_where=text("live AND status = 'sealed'")))

run_heartbeats = Table("run_heartbeats", metadata, _text("run_id"), _at("at"), _text("step"), PrimaryKeyConstraint("run_id"), _of_run())

run_shards = Table(
    "run_shards", metadata, _text("run_id"), _int("shard_no"), _number("first_seq"), _number("last_seq"), _text("digest"),
    PrimaryKeyConstraint("run_id", "shard_no"), _of_run())

missed_windows = Table("missed_windows", metadata, _at("window_at"), _number("seq"), PrimaryKeyConstraint("window_at"))

blobs = Table("blobs", metadata, _text("digest"), _number("n_rows"), _bytes("data"), PrimaryKeyConstraint("digest"))

recorded_frames = Table(
    "recorded_frames", metadata, _text("run_id"), _text("name"), _text("digest"), _number("n_rows"), _json("dtypes"),
    PrimaryKeyConstraint("run_id", "name"), _of_run())

recorded_parts = Table(
    "recorded_parts", metadata, _text("run_id"), _text("name"), _text("part"), _text("digest"),
    PrimaryKeyConstraint("run_id", "name", "part"),
    ForeignKeyConstraint(["run_id", "name"], [f"{SCHEMA}.recorded_frames.run_id", f"{SCHEMA}.recorded_frames.name"],
                         name="recorded_parts_frame_fkey"),
    ForeignKeyConstraint(["digest"], [f"{SCHEMA}.blobs.digest"]))

quarantined_rows = Table(
    "quarantined_rows", metadata, _text("run_id"), _int("number"), _text("source"), _text("place"), Column("row_number", Integer),
    _maybe("column_name"), _maybe("value"), _text("reason"), _maybe("subject"), PrimaryKeyConstraint("run_id", "number"), _of_run())

dead_letters = Table(
    "dead_letters", metadata, _text("run_id"), _text("flight_id"), _text("error"), _json("facts"),
    PrimaryKeyConstraint("run_id", "flight_id"), _of_run())

incidents = Table(
    "incidents", metadata, _text("incident_id"), _text("fingerprint"), _text("state"), _int("version"), _at("opened_at"), _at("changed_at"),
    _text("opened_run"), _text("last_run"), _json("finding"), PrimaryKeyConstraint("incident_id"),
    CheckConstraint("state IN ('open', 'resolved')", "incidents_state"),
    Index("incidents_one_open", "fingerprint", unique=True, postgresql_where=text("state = 'open'")),
    Index("incidents_resolved", "changed_at", postgresql_where=text("state = 'resolved'")))

recommendations = Table(
    "recommendations", metadata, _text("recommendation_id"), _int("version"), _text("incident_id"), _text("flight_id"), _text("platform"),
    _text("account_id"), _text("campaign_id"), _text("status"), _text("run_id"), _number("decision_seq"), _at("opened_at"),
    _at("renewed_at"), _at("expires_at"), _json("facts"), _json("basis"), _at("snoozed_until", nullable=True), _at("reminded_at", nullable=True),
    _at("ended_at", nullable=True), Column("ended_seq", BigInteger), PrimaryKeyConstraint("recommendation_id"),
    CheckConstraint("status IN ('pending', 'snoozed', 'approved', 'rejected', 'acknowledged', 'expired', 'superseded', 'withdrawn', "
                    "'attempting', 'done', 'aborted', 'unknown', 'handed_over', 'resume_approved', 'resuming', 'resume_unknown', 'resumed')",
                    "recommendations_status"),
    CheckConstraint("(status = 'snoozed') = (snoozed_until IS NOT NULL)", "recommendations_snoozed"),
    ForeignKeyConstraint(["incident_id"], [f"{SCHEMA}.incidents.incident_id"]),
    Index("recommendations_one_open", "flight_id", unique=True, postgresql_where=text("status IN ('pending', 'snoozed')")),
    Index("recommendations_one_acted_upon", "flight_id", unique=True,
          postgresql_where=text("status IN ('approved', 'attempting', 'unknown', 'resume_approved', 'resuming', 'resume_unknown')")))

answers = Table(
    "answers", metadata, _at("at"), Column("position", BigInteger, Identity(always=True), nullable=False), _text("team"), _text("user_id"),
    _text("event"), _text("via"), _text("person"), _text("answer"), _text("subject"), _int("version"), _maybe("incident_id"), _text("verdict"),
    _text("said"), Column("seq", BigInteger), _json("facts"), PrimaryKeyConstraint("position"), UniqueConstraint("team", "user_id", "event"),
    CheckConstraint("via IN ('slack', 'cli', 'policy')", "answers_via"),
    CheckConstraint("verdict IN ('accepted', 'counted', 'asked', 'refused')", "answers_verdict"),
    Index("answers_by_subject", "subject", "version", "position"), Index("answers_by_incident", "incident_id", "position"))

standing_answers = Table(
    "standing_answers", metadata, _text("fingerprint"), _text("incident_id"), _text("answer"), _text("person"), _text("user_id"), _text("reason"),
    _at("at"), _at("until"), _json("bounds"), _number("seq"), _at("ended_at", nullable=True), _maybe("ended_why"),
    PrimaryKeyConstraint("fingerprint"),
    CheckConstraint("answer IN ('keep_running', 'fixing', 'budget_lowered', 'expected', 'wrong_alarm', 'remind_later')", "standing_answers_answer"),
    CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", "standing_answers_ended"))

acts = Table(
    "acts", metadata, _text("recommendation_id"), _int("version"), Column("token", Uuid, nullable=False), _at("leased_until"), _at("opened_at"),
    _at("attempted_at", nullable=True), Column("attempted_seq", BigInteger), _int("tries"), _at("finished_at", nullable=True), _maybe("outcome"),
    _text("why"), _maybe("effect"), _at("effect_at", nullable=True), Column("kind", Text, nullable=False, server_default=text("'pause'")),
    _at("reported_at", nullable=True), Column("reported_seq", BigInteger), PrimaryKeyConstraint("recommendation_id", "version"),
    CheckConstraint("outcome IN ('done', 'aborted', 'unknown', 'handed_over', 'returned')", "acts_outcome"),
    CheckConstraint("effect IN ('awaited', 'proven', 'failed', 'not_done')", "acts_effect"),
    CheckConstraint("kind IN ('pause', 'resume')", "acts_kind"),
    CheckConstraint("(reported_at IS NULL) = (reported_seq IS NULL)", "acts_reported"),
    CheckConstraint("(attempted_at IS NULL) = (attempted_seq IS NULL)", "acts_attempted"),
    ForeignKeyConstraint(["recommendation_id"], [f"{SCHEMA}.recommendations.recommendation_id"]),
    Index("acts_awaited", "recommendation_id", postgresql_where=text("effect = 'awaited'")))

halts = Table(
    "halts", metadata, *_one(), Column("stopped", Boolean, nullable=False), _text("who"), _text("reason"), _at("at"),
    CheckConstraint("one", "halts_one"))

outbox = Table(
    "outbox", metadata, Column("position", BigInteger, Identity(always=True), nullable=False), _text("delivery_id"), _maybe("run_id"),
    _text("channel"), _text("thread_key"), _text("kind"), _text("text"), _json("blocks"), _text("status"), _int("attempts"),
    _at("next_attempt_at"), _at("leased_until", nullable=True), _at("delivered_at", nullable=True), _maybe("sent_channel"),
    _maybe("slack_ts"), _maybe("last_error"), PrimaryKeyConstraint("position"), UniqueConstraint("delivery_id"),
    CheckConstraint("kind IN ('post', 'update', 'reply')", "outbox_kind"),
    CheckConstraint("status IN ('pending', 'leased', 'delivered', 'dead')", "outbox_status"),
    CheckConstraint("(status = 'delivered') = (slack_ts IS NOT NULL AND sent_channel IS NOT NULL AND delivered_at IS NOT NULL)",
                    "outbox_delivered"),
    Index("outbox_waiting", "position", postgresql_where=text("status IN ('pending', 'leased')")),
    Index("outbox_by_thread", "thread_key", "position"))

channel_turns = Table(
    "channel_turns", metadata, _text("channel"), Column("holder", Uuid, nullable=False), _at("leased_until"), _at("turn_at"),
    PrimaryKeyConstraint("channel"))

told = Table(
    "told", metadata, _text("subject"), _text("place"), Column("is_open", Boolean, nullable=False), _text("thread_key"), _text("channel"),
    _text("severity"), _at("alerted_at"), _at("written_at"), _at("noted_at", nullable=True), _json("changes"),
    PrimaryKeyConstraint("subject", "place"))

silences = Table(
    "silences", metadata, _text("silence_id"), _json("matcher"), _text("author"), _text("reason"), _at("set_at"), _at("ends_at"),
    _at("ended_at", nullable=True), _maybe("ended_by"), PrimaryKeyConstraint("silence_id"),
    CheckConstraint("ends_at > set_at AND ends_at <= set_at + interval '30 days'", "silences_thirty_days"),
    CheckConstraint("matcher <> '{}'::jsonb", "silences_about_something"),
    CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", "silences_ended"),
    Index("silences_standing", "ends_at", postgresql_where=text("ended_at IS NULL")))

patterns = Table(
    "patterns", metadata, _text("pattern_id"), _text("kind"), _text("scope"), _text("value"), _number("support"),
    Column("confidence", Double, nullable=False), _at("learned_at"), _at("expires_at", nullable=True), _at("retired_at", nullable=True),
    Column("evidence", JSONB(none_as_null=True), nullable=False, server_default=text("'[]'")), _maybe("superseded_by"),
    PrimaryKeyConstraint("pattern_id"), CheckConstraint("confidence BETWEEN 0 AND 1", "patterns_confidence"))

llm_usage = Table(
    "llm_usage", metadata, Column("call_id", Uuid, nullable=False), _at("at"), _text("run_id"), _text("subject"), _text("model"), _text("outcome"),
    _number("input_tokens"), _number("output_tokens"), Column("reported", Boolean, nullable=False), Column("cost_usd_micros", BigInteger), _text("why"),
    PrimaryKeyConstraint("call_id"), CheckConstraint("outcome IN ('started', 'answered', 'failed')", "llm_usage_outcome"), Index("llm_usage_by_time", "at"))

APPEND_ONLY = (ledger_entries, policies, run_shards, blobs, recorded_frames, recorded_parts, answers)  # by trigger, for everyone
