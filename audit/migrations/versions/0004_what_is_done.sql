-- What is done about an approval, and the switch that stops every pause.

CREATE TABLE pacing.acts (
    recommendation_id text NOT NULL,
    version integer NOT NULL,
    token uuid NOT NULL,
    leased_until timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    attempted_at timestamptz,
    attempted_seq bigint,
    tries integer NOT NULL,
    finished_at timestamptz,
    outcome text,
    why text NOT NULL,
    effect text,
    effect_at timestamptz,
    CONSTRAINT acts_pkey PRIMARY KEY (recommendation_id, version),
    CONSTRAINT acts_outcome CHECK (outcome IN ('done', 'aborted', 'unknown', 'handed_over', 'returned')),
    CONSTRAINT acts_effect CHECK (effect IN ('awaited', 'proven', 'failed')),
    CONSTRAINT acts_attempted CHECK ((attempted_at IS NULL) = (attempted_seq IS NULL)),
    CONSTRAINT acts_recommendation_id_fkey FOREIGN KEY (recommendation_id) REFERENCES pacing.recommendations (recommendation_id),
    CONSTRAINT acts_attempted_seq_fkey FOREIGN KEY (attempted_seq) REFERENCES pacing.ledger_entries (seq)
);
COMMENT ON TABLE pacing.acts IS 'An approved version of a recommendation on its way: held by one process at a time (token, leased_until), attempted at most while the switch allows it, and finished. The history is on the ledger.';
COMMENT ON CONSTRAINT acts_pkey ON pacing.acts IS 'What was approved is done once.';
COMMENT ON CONSTRAINT acts_outcome ON pacing.acts IS 'returned: nothing was tried, and people are asked again. unknown: a change was asked for and its answer was lost; the platform is read again before anything else.';
COMMENT ON CONSTRAINT acts_effect ON pacing.acts IS 'Whether later runs saw that spend really stopped.';
COMMENT ON CONSTRAINT acts_attempted ON pacing.acts IS 'Nothing is attempted that the ledger does not say.';
COMMENT ON CONSTRAINT acts_recommendation_id_fkey ON pacing.acts IS 'Nothing is done that nobody was asked about.';
COMMENT ON CONSTRAINT acts_attempted_seq_fkey ON pacing.acts IS 'The newest "attempting" on the ledger.';
CREATE INDEX acts_awaited ON pacing.acts (recommendation_id) WHERE effect = 'awaited';
COMMENT ON INDEX pacing.acts_awaited IS 'Pauses whose effect a run has yet to see.';

CREATE TABLE pacing.halts (
    one boolean NOT NULL DEFAULT true,
    stopped boolean NOT NULL,
    who text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT halts_pkey PRIMARY KEY (one),
    CONSTRAINT halts_one CHECK (one)
);
COMMENT ON TABLE pacing.halts IS 'The switch that stops every pause: read in the transaction that writes "attempting". No row: pauses are allowed.';
COMMENT ON CONSTRAINT halts_pkey ON pacing.halts IS 'One switch.';
COMMENT ON CONSTRAINT halts_one ON pacing.halts IS 'One row at most.';

GRANT SELECT ON pacing.acts, pacing.halts TO pacing_app, pacing_reader;
GRANT INSERT, UPDATE ON pacing.acts, pacing.halts TO pacing_app;
