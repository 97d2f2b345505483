-- A pause may be taken back; one that a person makes is reported; a policy may approve by itself.

ALTER TABLE pacing.recommendations
    DROP CONSTRAINT recommendations_status,
    ADD CONSTRAINT recommendations_status CHECK (status IN (
        'pending', 'snoozed', 'approved', 'rejected', 'acknowledged', 'expired', 'superseded', 'withdrawn',
        'attempting', 'done', 'aborted', 'unknown', 'handed_over', 'resume_approved', 'resuming', 'resume_unknown', 'resumed'));
COMMENT ON CONSTRAINT recommendations_status ON pacing.recommendations IS 'pending and snoozed can be answered. withdrawn: the problem ended first. superseded: another problem of the flight is asked about. approved: waits to be done. done: paused by us; resume_approved: waits to be taken back.';
DROP INDEX pacing.recommendations_one_acted_upon;
CREATE UNIQUE INDEX recommendations_one_acted_upon ON pacing.recommendations (flight_id)
    WHERE status IN ('approved', 'attempting', 'unknown', 'resume_approved', 'resuming', 'resume_unknown');
COMMENT ON INDEX pacing.recommendations_one_acted_upon IS 'One change of a flight is on its way, a halt or one that is taken back.';

ALTER TABLE pacing.acts
    ADD COLUMN kind text NOT NULL DEFAULT 'pause',
    ADD COLUMN reported_at timestamptz,
    ADD COLUMN reported_seq bigint,
    DROP CONSTRAINT acts_effect,
    ADD CONSTRAINT acts_effect CHECK (effect IN ('awaited', 'proven', 'failed', 'not_done')),
    ADD CONSTRAINT acts_kind CHECK (kind IN ('pause', 'resume')),
    ADD CONSTRAINT acts_reported CHECK ((reported_at IS NULL) = (reported_seq IS NULL));
COMMENT ON CONSTRAINT acts_effect ON pacing.acts IS 'Whether later runs saw that spend really stopped, or started again. not_done: handed over to a person, and neither reported nor seen.';
COMMENT ON CONSTRAINT acts_kind ON pacing.acts IS 'resume: a pause of ours that people took back; never by itself.';
COMMENT ON CONSTRAINT acts_reported ON pacing.acts IS 'A person said that they paused it, on the ledger.';

ALTER TABLE pacing.answers
    DROP CONSTRAINT answers_via,
    ADD CONSTRAINT answers_via CHECK (via IN ('slack', 'cli', 'policy'));
COMMENT ON CONSTRAINT answers_via ON pacing.answers IS 'Where it came from. policy: a policy whose mode is autonomous, which names its owner.';
