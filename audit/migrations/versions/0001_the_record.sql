-- The record, as one schema. Run as pacing_owner; 0001_the_record.py says when. tables.py declares the same tables, and a test keeps the two equal.

COMMENT ON TABLE pacing.alembic_version IS 'Which migration this schema is at.';
COMMENT ON CONSTRAINT alembic_version_pkc ON pacing.alembic_version IS 'One migration at a time.';

-- What refuses: for everyone, the superuser's session_replication_role = replica included (hence ENABLE ALWAYS below).

CREATE FUNCTION pacing.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'pacing.% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'PA001';
END $$;
COMMENT ON FUNCTION pacing.refuse_change() IS 'Trigger of append-only tables: refuses UPDATE, DELETE and TRUNCATE with SQLSTATE PA001.';

CREATE FUNCTION pacing.refuse_shrinking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size < OLD.size OR NEW.ledger_id <> OLD.ledger_id OR length(NEW.frontier) <> 32 * bit_count(NEW.size::bit(64)) THEN
        RAISE EXCEPTION 'pacing.ledger_head only grows' USING ERRCODE = 'PA001';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION pacing.refuse_shrinking() IS 'Trigger of ledger_head: its size only grows, and the frontier has one hash for each one bit of the size.';

-- The clock

CREATE TABLE pacing.clock_offset (
    one boolean NOT NULL DEFAULT true,
    shift interval NOT NULL,
    CONSTRAINT clock_offset_pkey PRIMARY KEY (one),
    CONSTRAINT clock_offset_one CHECK (one)
);
COMMENT ON TABLE pacing.clock_offset IS 'At most one row, and only in demo and test homes: how far pacing_now() is from the real time.';
COMMENT ON CONSTRAINT clock_offset_pkey ON pacing.clock_offset IS 'With clock_offset_one: one row.';
COMMENT ON CONSTRAINT clock_offset_one ON pacing.clock_offset IS 'With the primary key: one row.';

CREATE FUNCTION pacing.pacing_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT clock_timestamp() + coalesce((SELECT shift FROM pacing.clock_offset), interval '0')
$$;
COMMENT ON FUNCTION pacing.pacing_now() IS 'The database clock that everything here goes by.';

-- The ledger

CREATE TABLE pacing.ledger_head (
    one boolean NOT NULL DEFAULT true,
    ledger_id uuid NOT NULL,
    size bigint NOT NULL,
    frontier bytea NOT NULL,
    CONSTRAINT ledger_head_pkey PRIMARY KEY (one),
    CONSTRAINT ledger_head_one CHECK (one)
);
COMMENT ON TABLE pacing.ledger_head IS 'One row: how many entries there are and the RFC 6962 frontier (32 bytes for each one bit of the size, largest subtree first). Locked by whoever appends.';
COMMENT ON CONSTRAINT ledger_head_pkey ON pacing.ledger_head IS 'With ledger_head_one: one row, so one order of appends.';
COMMENT ON CONSTRAINT ledger_head_one ON pacing.ledger_head IS 'With the primary key: one row.';
INSERT INTO pacing.ledger_head (ledger_id, size, frontier) VALUES (gen_random_uuid(), 0, '');

CREATE TABLE pacing.ledger_entries (
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    run_id text,
    kind text NOT NULL,
    subject text NOT NULL,
    leaf bytea NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT ledger_entries_pkey PRIMARY KEY (seq),
    CONSTRAINT ledger_entries_seq CHECK (seq >= 0),
    CONSTRAINT ledger_entries_leaf CHECK (octet_length(leaf) = 32)
);
COMMENT ON TABLE pacing.ledger_entries IS 'Append-only. body is the exact bytes that were hashed; leaf = SHA-256(0x00 || body); the other columns repeat what the body says.';
COMMENT ON CONSTRAINT ledger_entries_pkey ON pacing.ledger_entries IS 'One entry per number; the head row makes the numbers gapless.';
COMMENT ON CONSTRAINT ledger_entries_seq ON pacing.ledger_entries IS 'Numbers start at 0.';
COMMENT ON CONSTRAINT ledger_entries_leaf ON pacing.ledger_entries IS 'A SHA-256 has 32 bytes.';
CREATE INDEX ledger_entries_by_subject ON pacing.ledger_entries (subject, kind, seq);
COMMENT ON INDEX pacing.ledger_entries_by_subject IS 'What happened to a flight or an incident, newest last: pacing explain.';
CREATE INDEX ledger_entries_by_run ON pacing.ledger_entries (run_id, kind, seq);
COMMENT ON INDEX pacing.ledger_entries_by_run IS 'What a run recorded.';

CREATE TABLE pacing.policies (
    digest text NOT NULL,
    text text NOT NULL,
    adopted_at timestamptz NOT NULL,
    CONSTRAINT policies_pkey PRIMARY KEY (digest)
);
COMMENT ON TABLE pacing.policies IS 'Append-only. The full text of every policy ever used, by its SHA-256.';
COMMENT ON CONSTRAINT policies_pkey ON pacing.policies IS 'A text is kept once.';

-- Runs

CREATE TABLE pacing.runs (
    run_id text NOT NULL,
    window_at timestamptz NOT NULL,
    live boolean NOT NULL,
    status text NOT NULL,
    as_of timestamptz NOT NULL,
    policy_digest text NOT NULL,
    code_version text NOT NULL,
    spend_source text NOT NULL,
    tracker text NOT NULL,
    token uuid NOT NULL,
    opened_at timestamptz NOT NULL,
    sealed_at timestamptz,
    completeness text,
    summary jsonb,
    error text,
    CONSTRAINT runs_pkey PRIMARY KEY (run_id),
    CONSTRAINT runs_status CHECK (status IN ('open', 'failed', 'sealed', 'superseded')),
    CONSTRAINT runs_completeness CHECK (completeness IN ('complete', 'partial')),
    CONSTRAINT runs_sealed CHECK ((status IN ('sealed', 'superseded')) = (sealed_at IS NOT NULL AND completeness IS NOT NULL AND summary IS NOT NULL))
);
COMMENT ON TABLE pacing.runs IS 'One row per run. What belongs to a run that is not sealed is neither current nor delivered. token: of the process that works on it.';
COMMENT ON CONSTRAINT runs_pkey ON pacing.runs IS 'A run id names its window and whether it is live.';
COMMENT ON CONSTRAINT runs_status ON pacing.runs IS 'open or failed: can be resumed. sealed: done. superseded: a partial run whose window was sealed again.';
COMMENT ON CONSTRAINT runs_completeness ON pacing.runs IS 'partial: a source did not answer; the window may be run again.';
COMMENT ON CONSTRAINT runs_sealed ON pacing.runs IS 'A seal is whole.';
CREATE UNIQUE INDEX runs_one_working_live ON pacing.runs (window_at) WHERE live AND status IN ('open', 'failed');
COMMENT ON INDEX pacing.runs_one_working_live IS 'One live run of a window is being worked on or waits to be resumed.';
CREATE UNIQUE INDEX runs_one_sealed_live ON pacing.runs (window_at) WHERE live AND status = 'sealed';
COMMENT ON INDEX pacing.runs_one_sealed_live IS 'One live run answers for a window; the newest is what stands.';

CREATE TABLE pacing.run_heartbeats (
    run_id text NOT NULL,
    at timestamptz NOT NULL,
    step text NOT NULL,
    CONSTRAINT run_heartbeats_pkey PRIMARY KEY (run_id),
    CONSTRAINT run_heartbeats_run_id_fkey FOREIGN KEY (run_id) REFERENCES pacing.runs (run_id)
);
COMMENT ON TABLE pacing.run_heartbeats IS 'When a run last showed that it is alive, and in which step. A table of its own: a heartbeat waits for nobody.';
COMMENT ON CONSTRAINT run_heartbeats_pkey ON pacing.run_heartbeats IS 'The last one only.';
COMMENT ON CONSTRAINT run_heartbeats_run_id_fkey ON pacing.run_heartbeats IS 'Of a run that exists.';

CREATE TABLE pacing.run_shards (
    run_id text NOT NULL,
    shard_no integer NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    digest text NOT NULL,
    CONSTRAINT run_shards_pkey PRIMARY KEY (run_id, shard_no),
    CONSTRAINT run_shards_run_id_fkey FOREIGN KEY (run_id) REFERENCES pacing.runs (run_id)
);
COMMENT ON TABLE pacing.run_shards IS 'Append-only. The parts of a run that are on the ledger: a resumed run goes on at the first that is missing. digest: SHA-256 of its entries without their numbers.';
COMMENT ON CONSTRAINT run_shards_pkey ON pacing.run_shards IS 'A shard is recorded once.';
COMMENT ON CONSTRAINT run_shards_run_id_fkey ON pacing.run_shards IS 'Of a run that exists.';

CREATE TABLE pacing.missed_windows (
    window_at timestamptz NOT NULL,
    seq bigint NOT NULL,
    CONSTRAINT missed_windows_pkey PRIMARY KEY (window_at)
);
COMMENT ON TABLE pacing.missed_windows IS 'Windows without a sealed live run, with the ledger entry that says so.';
COMMENT ON CONSTRAINT missed_windows_pkey ON pacing.missed_windows IS 'A window is said to be missed once.';

-- Recorded inputs and outputs

CREATE TABLE pacing.blobs (
    digest text NOT NULL,
    n_rows bigint NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT blobs_pkey PRIMARY KEY (digest)
);
ALTER TABLE pacing.blobs ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE pacing.blobs IS 'Append-only. Rows as an Arrow IPC stream (zstd), by the SHA-256 of their content (pacing_brain/digests.py): unchanged history is kept once.';
COMMENT ON CONSTRAINT blobs_pkey ON pacing.blobs IS 'A content is kept once.';

CREATE TABLE pacing.recorded_frames (
    run_id text NOT NULL,
    name text NOT NULL,
    digest text NOT NULL,
    n_rows bigint NOT NULL,
    dtypes jsonb NOT NULL,
    CONSTRAINT recorded_frames_pkey PRIMARY KEY (run_id, name),
    CONSTRAINT recorded_frames_run_id_fkey FOREIGN KEY (run_id) REFERENCES pacing.runs (run_id)
);
COMMENT ON TABLE pacing.recorded_frames IS 'Append-only. The frames that a run saw and made: digest is that of its parts in order, dtypes the columns in order.';
COMMENT ON CONSTRAINT recorded_frames_pkey ON pacing.recorded_frames IS 'A run keeps a frame of a name once.';
COMMENT ON CONSTRAINT recorded_frames_run_id_fkey ON pacing.recorded_frames IS 'Of a run that exists.';

CREATE TABLE pacing.recorded_parts (
    run_id text NOT NULL,
    name text NOT NULL,
    part text NOT NULL,
    digest text NOT NULL,
    CONSTRAINT recorded_parts_pkey PRIMARY KEY (run_id, name, part),
    CONSTRAINT recorded_parts_frame_fkey FOREIGN KEY (run_id, name) REFERENCES pacing.recorded_frames (run_id, name),
    CONSTRAINT recorded_parts_digest_fkey FOREIGN KEY (digest) REFERENCES pacing.blobs (digest)
);
COMMENT ON TABLE pacing.recorded_parts IS 'Append-only. Which contents make up a frame; part is all, or an ISO week.';
COMMENT ON CONSTRAINT recorded_parts_pkey ON pacing.recorded_parts IS 'One content per part.';
COMMENT ON CONSTRAINT recorded_parts_frame_fkey ON pacing.recorded_parts IS 'Of a frame that is kept.';
COMMENT ON CONSTRAINT recorded_parts_digest_fkey ON pacing.recorded_parts IS 'A content that is kept.';

CREATE TABLE pacing.quarantined_rows (
    run_id text NOT NULL,
    number integer NOT NULL,
    source text NOT NULL,
    place text NOT NULL,
    row_number integer,
    column_name text,
    value text,
    reason text NOT NULL,
    subject text,
    CONSTRAINT quarantined_rows_pkey PRIMARY KEY (run_id, number),
    CONSTRAINT quarantined_rows_run_id_fkey FOREIGN KEY (run_id) REFERENCES pacing.runs (run_id)
);
COMMENT ON TABLE pacing.quarantined_rows IS 'Rows that a run could not use, each with its place and reason.';
COMMENT ON CONSTRAINT quarantined_rows_pkey ON pacing.quarantined_rows IS 'Numbered within the run, so that a resumed run adds none twice.';
COMMENT ON CONSTRAINT quarantined_rows_run_id_fkey ON pacing.quarantined_rows IS 'Of a run that exists.';

CREATE TABLE pacing.dead_letters (
    run_id text NOT NULL,
    flight_id text NOT NULL,
    error text NOT NULL,
    facts jsonb NOT NULL,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (run_id, flight_id),
    CONSTRAINT dead_letters_run_id_fkey FOREIGN KEY (run_id) REFERENCES pacing.runs (run_id)
);
COMMENT ON TABLE pacing.dead_letters IS 'Flights on which a node of the brain failed: escalated then, and tried again by the next run.';
COMMENT ON CONSTRAINT dead_letters_pkey ON pacing.dead_letters IS 'A flight fails once in a run.';
COMMENT ON CONSTRAINT dead_letters_run_id_fkey ON pacing.dead_letters IS 'Of a run that exists.';

-- What people deal with

CREATE TABLE pacing.incidents (
    incident_id text NOT NULL,
    fingerprint text NOT NULL,
    state text NOT NULL,
    version integer NOT NULL,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    opened_run text NOT NULL,
    last_run text NOT NULL,
    finding jsonb NOT NULL,
    CONSTRAINT incidents_pkey PRIMARY KEY (incident_id),
    CONSTRAINT incidents_state CHECK (state IN ('open', 'resolved'))
);
COMMENT ON TABLE pacing.incidents IS 'Problems from first alert to resolved; finding is the newest state. Written by seals only.';
COMMENT ON CONSTRAINT incidents_pkey ON pacing.incidents IS 'An incident has one id for life.';
COMMENT ON CONSTRAINT incidents_state ON pacing.incidents IS 'open -> resolved; a problem that returns is a new incident.';
CREATE UNIQUE INDEX incidents_one_open ON pacing.incidents (fingerprint) WHERE state = 'open';
COMMENT ON INDEX pacing.incidents_one_open IS 'One open incident per problem: what makes people hear of it once.';

CREATE TABLE pacing.recommendations (
    recommendation_id text NOT NULL,
    version integer NOT NULL,
    incident_id text NOT NULL,
    flight_id text NOT NULL,
    platform text NOT NULL,
    account_id text NOT NULL,
    campaign_id text NOT NULL,
    status text NOT NULL,
    run_id text NOT NULL,
    decision_seq bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    renewed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    facts jsonb NOT NULL,
    CONSTRAINT recommendations_pkey PRIMARY KEY (recommendation_id),
    CONSTRAINT recommendations_status CHECK (status IN ('pending', 'withdrawn', 'expired')),
    CONSTRAINT recommendations_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES pacing.incidents (incident_id),
    CONSTRAINT recommendations_decision_seq_fkey FOREIGN KEY (decision_seq) REFERENCES pacing.ledger_entries (seq)
);
COMMENT ON TABLE pacing.recommendations IS 'Halts that await an answer, each on the account and campaign id of the decision that it cites.';
COMMENT ON CONSTRAINT recommendations_pkey ON pacing.recommendations IS 'A recommendation has one id for life; its version moves with every renewal.';
COMMENT ON CONSTRAINT recommendations_status ON pacing.recommendations IS 'withdrawn: the problem ended first.';
COMMENT ON CONSTRAINT recommendations_incident_id_fkey ON pacing.recommendations IS 'It answers an incident.';
COMMENT ON CONSTRAINT recommendations_decision_seq_fkey ON pacing.recommendations IS 'It rests on a recorded decision.';
CREATE UNIQUE INDEX recommendations_one_pending ON pacing.recommendations (flight_id) WHERE status = 'pending';
COMMENT ON INDEX pacing.recommendations_one_pending IS 'A flight is asked about once.';

CREATE TABLE pacing.outbox (
    position bigint GENERATED ALWAYS AS IDENTITY,
    delivery_id text NOT NULL,
    run_id text,
    channel text NOT NULL,
    thread_key text NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    blocks jsonb NOT NULL,
    status text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    leased_until timestamptz,
    delivered_at timestamptz,
    sent_channel text,
    slack_ts text,
    last_error text,
    CONSTRAINT outbox_pkey PRIMARY KEY (position),
    CONSTRAINT outbox_delivery_id_key UNIQUE (delivery_id),
    CONSTRAINT outbox_kind CHECK (kind IN ('post', 'update', 'reply')),
    CONSTRAINT outbox_status CHECK (status IN ('pending', 'leased', 'delivered', 'dead')),
    CONSTRAINT outbox_delivered CHECK ((status = 'delivered') = (slack_ts IS NOT NULL AND sent_channel IS NOT NULL AND delivered_at IS NOT NULL))
);
COMMENT ON TABLE pacing.outbox IS 'Messages to people, put there by seals and relayed in order. thread_key: an incident id, or digest:<day>.';
COMMENT ON CONSTRAINT outbox_pkey ON pacing.outbox IS 'The order in which messages were put.';
COMMENT ON CONSTRAINT outbox_delivery_id_key ON pacing.outbox IS 'The id that goes with the message to Slack: one message per run, thread and kind.';
COMMENT ON CONSTRAINT outbox_kind ON pacing.outbox IS 'A card, a new state of the card, or a reply below it.';
COMMENT ON CONSTRAINT outbox_status ON pacing.outbox IS 'leased: one process is sending it until leased_until. dead: given up.';
COMMENT ON CONSTRAINT outbox_delivered ON pacing.outbox IS 'What is delivered stands somewhere.';
CREATE INDEX outbox_waiting ON pacing.outbox (position) WHERE status IN ('pending', 'leased');
COMMENT ON INDEX pacing.outbox_waiting IS 'What the relay looks at.';
CREATE INDEX outbox_by_thread ON pacing.outbox (thread_key, position);
COMMENT ON INDEX pacing.outbox_by_thread IS 'Order within a thread, and where its card stands.';

CREATE TABLE pacing.patterns (
    pattern_id text NOT NULL,
    kind text NOT NULL,
    scope text NOT NULL,
    value text NOT NULL,
    support bigint NOT NULL,
    confidence double precision NOT NULL,
    learned_at timestamptz NOT NULL,
    expires_at timestamptz,
    retired_at timestamptz,
    CONSTRAINT patterns_pkey PRIMARY KEY (pattern_id),
    CONSTRAINT patterns_confidence CHECK (confidence BETWEEN 0 AND 1)
);
COMMENT ON TABLE pacing.patterns IS 'What was learned, with its evidence and its end. In force from learned_at until expires_at or retired_at.';
COMMENT ON CONSTRAINT patterns_pkey ON pacing.patterns IS 'A pattern is never changed but retired, and learned anew under another id.';
COMMENT ON CONSTRAINT patterns_confidence ON pacing.patterns IS 'A share.';

-- What is append-only, for everyone

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['ledger_entries', 'policies', 'run_shards', 'blobs', 'recorded_frames', 'recorded_parts'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pacing.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION pacing.refuse_change()', name);
        EXECUTE format('ALTER TABLE pacing.%I ENABLE ALWAYS TRIGGER append_only', name);
    END LOOP;
END $$;
CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON pacing.ledger_head FOR EACH STATEMENT EXECUTE FUNCTION pacing.refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE ON pacing.ledger_head FOR EACH ROW EXECUTE FUNCTION pacing.refuse_shrinking();
ALTER TABLE pacing.ledger_head ENABLE ALWAYS TRIGGER kept;
ALTER TABLE pacing.ledger_head ENABLE ALWAYS TRIGGER only_grows;

-- Who may do what. The owner is nobody's login.

GRANT USAGE ON SCHEMA pacing TO pacing_app, pacing_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA pacing TO pacing_app, pacing_reader;
GRANT INSERT ON pacing.ledger_entries, pacing.policies, pacing.run_shards, pacing.missed_windows, pacing.blobs, pacing.recorded_frames,
    pacing.recorded_parts, pacing.quarantined_rows, pacing.dead_letters TO pacing_app;
GRANT INSERT, UPDATE ON pacing.runs, pacing.run_heartbeats, pacing.incidents, pacing.recommendations, pacing.outbox, pacing.patterns TO pacing_app;
GRANT UPDATE (size, frontier) ON pacing.ledger_head TO pacing_app;
