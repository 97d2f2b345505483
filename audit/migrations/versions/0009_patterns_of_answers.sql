-- What is learned from answers cites them, and gives way to what is answered later.

ALTER TABLE pacing.patterns
    ADD COLUMN evidence jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN superseded_by text;
COMMENT ON TABLE pacing.patterns IS 'What was learned, in force until it expires or is retired. evidence: numbers of the ledger entries behind it. superseded_by: the pattern of a later answer that ended it.';
