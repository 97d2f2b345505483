-- What people were told, and what they asked not to be told. Run as pacing_owner; tables.py declares the same.

CREATE TABLE pacing.told (
    subject text NOT NULL,
    place text NOT NULL,
    is_open boolean NOT NULL,
    thread_key text NOT NULL,
    channel text NOT NULL,
    severity text NOT NULL,
    alerted_at timestamptz NOT NULL,
    written_at timestamptz NOT NULL,
    noted_at timestamptz,
    changes jsonb NOT NULL,
    CONSTRAINT told_pkey PRIMARY KEY (subject, place)
);
COMMENT ON TABLE pacing.told IS 'What people were last told about a problem, by place: desk, client, digest, monitor. It decides what is worth telling next; what happened stands on the ledger.';
COMMENT ON CONSTRAINT told_pkey ON pacing.told IS 'One state of telling per problem (an incident''s fingerprint) and place.';

CREATE TABLE pacing.silences (
    silence_id text NOT NULL,
    matcher jsonb NOT NULL,
    author text NOT NULL,
    reason text NOT NULL,
    set_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text,
    CONSTRAINT silences_pkey PRIMARY KEY (silence_id),
    CONSTRAINT silences_thirty_days CHECK (ends_at > set_at AND ends_at <= set_at + interval '30 days'),
    CONSTRAINT silences_about_something CHECK (matcher <> '{}'::jsonb),
    CONSTRAINT silences_ended CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
COMMENT ON TABLE pacing.silences IS 'Problems that nobody wants to hear of for a while: they mute messages, never the record.';
COMMENT ON CONSTRAINT silences_pkey ON pacing.silences IS 'A silence is never changed but ended.';
COMMENT ON CONSTRAINT silences_thirty_days ON pacing.silences IS 'A silence that never ends hides a problem for good.';
COMMENT ON CONSTRAINT silences_about_something ON pacing.silences IS 'An empty matcher would mute everything.';
COMMENT ON CONSTRAINT silences_ended ON pacing.silences IS 'Whoever ended it is named; the clock ends it too.';
CREATE INDEX silences_standing ON pacing.silences (ends_at) WHERE ended_at IS NULL;
COMMENT ON INDEX pacing.silences_standing IS 'Those not said to be over.';

CREATE INDEX incidents_resolved ON pacing.incidents (changed_at) WHERE state = 'resolved';
COMMENT ON INDEX pacing.incidents_resolved IS 'What is over since yesterday.';

GRANT SELECT ON pacing.told, pacing.silences TO pacing_app, pacing_reader;
GRANT INSERT, UPDATE ON pacing.told, pacing.silences TO pacing_app;
