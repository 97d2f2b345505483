-- Answers and the whole life of a recommendation.
--
--   pending -> approved | rejected | acknowledged | snoozed (-> pending) | expired | superseded | withdrawn      asked, and what became of it
--   approved -> attempting -> done | unknown | aborted ;  approved -> aborted | handed_over | pending            acted upon

ALTER TABLE pacing.recommendations
    DROP CONSTRAINT recommendations_status,
    ADD COLUMN basis jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN snoozed_until timestamptz,
    ADD COLUMN reminded_at timestamptz,
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN ended_seq bigint,
    ADD CONSTRAINT recommendations_status CHECK (status IN (
        'pending', 'snoozed', 'approved', 'rejected', 'acknowledged', 'expired', 'superseded', 'withdrawn',
        'attempting', 'done', 'aborted', 'unknown', 'handed_over')),
    ADD CONSTRAINT recommendations_snoozed CHECK ((status = 'snoozed') = (snoozed_until IS NOT NULL)),
    ADD CONSTRAINT recommendations_ended_seq_fkey FOREIGN KEY (ended_seq) REFERENCES pacing.ledger_entries (seq);
ALTER TABLE pacing.recommendations ALTER COLUMN basis DROP DEFAULT;
COMMENT ON TABLE pacing.recommendations IS 'Halts that people are asked about, each on the account and campaign id of the decision that it cites. status = approved is the queue of what is to be done. basis: what its version rests on; facts: the newest figures. ended_at, ended_seq: when and by which ledger entry its status last left pending.';
COMMENT ON CONSTRAINT recommendations_pkey ON pacing.recommendations IS 'A recommendation has one id for life; its version rises when what is asked has changed, and never with a mere renewal.';
COMMENT ON CONSTRAINT recommendations_status ON pacing.recommendations IS 'pending and snoozed can be answered. withdrawn: the problem ended first. superseded: another problem of the flight is asked about. approved: waits to be done.';
COMMENT ON CONSTRAINT recommendations_snoozed ON pacing.recommendations IS 'Snoozed until when, and nothing else is.';
COMMENT ON CONSTRAINT recommendations_ended_seq_fkey ON pacing.recommendations IS 'Its end is on the record.';
DROP INDEX pacing.recommendations_one_pending;
CREATE UNIQUE INDEX recommendations_one_open ON pacing.recommendations (flight_id) WHERE status IN ('pending', 'snoozed');
COMMENT ON INDEX pacing.recommendations_one_open IS 'A flight is asked about once.';
CREATE UNIQUE INDEX recommendations_one_acted_upon ON pacing.recommendations (flight_id) WHERE status IN ('approved', 'attempting', 'unknown');
COMMENT ON INDEX pacing.recommendations_one_acted_upon IS 'One halt of a flight is on its way.';

CREATE TABLE pacing.answers (
    at timestamptz NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    team text NOT NULL,
    user_id text NOT NULL,
    event text NOT NULL,
    via text NOT NULL,
    person text NOT NULL,
    answer text NOT NULL,
    subject text NOT NULL,
    version integer NOT NULL,
    incident_id text,
    verdict text NOT NULL,
    said text NOT NULL,
    seq bigint,
    facts jsonb NOT NULL,
    CONSTRAINT answers_pkey PRIMARY KEY (position),
    CONSTRAINT answers_team_key UNIQUE (team, user_id, event),
    CONSTRAINT answers_via CHECK (via IN ('slack', 'cli')),
    CONSTRAINT answers_verdict CHECK (verdict IN ('accepted', 'counted', 'asked', 'refused')),
    CONSTRAINT answers_seq_fkey FOREIGN KEY (seq) REFERENCES pacing.ledger_entries (seq)
);
COMMENT ON TABLE pacing.answers IS 'Append-only. Every click and every answer from a terminal, with what became of it. person: the human behind the id. subject: the recommendation or incident whose id and version the button carried. said: the sentence that the person saw.';
COMMENT ON CONSTRAINT answers_pkey ON pacing.answers IS 'The order in which answers were taken.';
COMMENT ON CONSTRAINT answers_team_key ON pacing.answers IS 'A click has one effect, however often it arrives. event: action_ts of a button, view.id of a form.';
COMMENT ON CONSTRAINT answers_via ON pacing.answers IS 'Where it came from.';
COMMENT ON CONSTRAINT answers_verdict ON pacing.answers IS 'accepted: it took effect. counted: one approval of the two that are needed. asked: a form was shown, or the working. refused: said says why.';
COMMENT ON CONSTRAINT answers_seq_fkey ON pacing.answers IS 'The ledger entry that says the same.';
CREATE INDEX answers_by_subject ON pacing.answers (subject, version, position);
COMMENT ON INDEX pacing.answers_by_subject IS 'Who has approved this version so far.';
CREATE INDEX answers_by_incident ON pacing.answers (incident_id, position);
COMMENT ON INDEX pacing.answers_by_incident IS 'What people said about an incident, and whether anybody did since a run looked.';

CREATE TABLE pacing.standing_answers (
    fingerprint text NOT NULL,
    incident_id text NOT NULL,
    answer text NOT NULL,
    person text NOT NULL,
    user_id text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    bounds jsonb NOT NULL,
    seq bigint NOT NULL,
    ended_at timestamptz,
    ended_why text,
    CONSTRAINT standing_answers_pkey PRIMARY KEY (fingerprint),
    CONSTRAINT standing_answers_answer CHECK (answer IN ('keep_running', 'fixing', 'budget_lowered', 'expected', 'wrong_alarm', 'remind_later')),
    CONSTRAINT standing_answers_ended CHECK ((ended_at IS NULL) = (ended_why IS NULL)),
    CONSTRAINT standing_answers_seq_fkey FOREIGN KEY (seq) REFERENCES pacing.ledger_entries (seq)
);
COMMENT ON TABLE pacing.standing_answers IS 'What people said last about a problem, and until when it keeps the monitor quiet. bounds: what it was said about, beyond which it holds no longer. The history is on the ledger.';
COMMENT ON CONSTRAINT standing_answers_pkey ON pacing.standing_answers IS 'The newest answer about a problem stands.';
COMMENT ON CONSTRAINT standing_answers_answer ON pacing.standing_answers IS 'The answers that keep quiet.';
COMMENT ON CONSTRAINT standing_answers_ended ON pacing.standing_answers IS 'An answer that ended says why.';
COMMENT ON CONSTRAINT standing_answers_seq_fkey ON pacing.standing_answers IS 'The ledger entry that set it.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pacing.answers FOR EACH STATEMENT EXECUTE FUNCTION pacing.refuse_change();
ALTER TABLE pacing.answers ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT ON pacing.answers, pacing.standing_answers TO pacing_app, pacing_reader;
GRANT INSERT ON pacing.answers TO pacing_app;
GRANT INSERT, UPDATE ON pacing.standing_answers TO pacing_app;
