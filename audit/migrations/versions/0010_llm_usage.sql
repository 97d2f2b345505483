-- Tokens and cost of each call of a language model. Run as pacing_owner; tables.py declares the same.

CREATE TABLE pacing.llm_usage (
    call_id uuid NOT NULL,
    at timestamptz NOT NULL,
    run_id text NOT NULL,
    subject text NOT NULL,
    model text NOT NULL,
    outcome text NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reported boolean NOT NULL,
    cost_usd_micros bigint,
    why text NOT NULL,
    CONSTRAINT llm_usage_pkey PRIMARY KEY (call_id),
    CONSTRAINT llm_usage_outcome CHECK (outcome IN ('started', 'answered', 'failed'))
);
COMMENT ON TABLE pacing.llm_usage IS 'Each call of a language model: reserved at its most before it begins, settled at what it used. reported: the provider counted; else the tokens are our upper estimate. cost_usd_micros is null where no price is configured.';
COMMENT ON CONSTRAINT llm_usage_pkey ON pacing.llm_usage IS 'A call is settled once.';
COMMENT ON CONSTRAINT llm_usage_outcome ON pacing.llm_usage IS 'A call that never ended keeps its reservation: what it used is not known.';
CREATE INDEX llm_usage_by_time ON pacing.llm_usage (at);
COMMENT ON INDEX pacing.llm_usage_by_time IS 'What a day has used so far.';
GRANT SELECT ON pacing.llm_usage TO pacing_app, pacing_reader;
GRANT INSERT, UPDATE ON pacing.llm_usage TO pacing_app;
