-- A lawful restore: the ledger gets another name, after an entry that cites what was lost. Run as pacing_owner.

CREATE OR REPLACE FUNCTION pacing.refuse_shrinking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size < OLD.size OR length(NEW.frontier) <> 32 * bit_count(NEW.size::bit(64)) OR (NEW.ledger_id <> OLD.ledger_id AND NOT EXISTS (
        SELECT FROM pacing.ledger_entries WHERE seq = NEW.size - 1 AND kind = 'ledger_recovered' AND subject = NEW.ledger_id::text)) THEN
        RAISE EXCEPTION 'pacing.ledger_head only grows' USING ERRCODE = 'PA001';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION pacing.refuse_shrinking() IS 'Trigger of ledger_head: its size only grows, the frontier has one hash for each one bit of the size, and the ledger gets another id only right after the ledger_recovered entry that names it.';

CREATE FUNCTION pacing.recover(facts jsonb) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old uuid;
    new uuid := gen_random_uuid();
BEGIN
    LOCK TABLE pacing.ledger_entries IN ROW EXCLUSIVE MODE;
    SELECT ledger_id INTO old FROM pacing.ledger_head FOR UPDATE;
    PERFORM pacing.say('ledger_recovered', new::text, facts || jsonb_build_object('old_ledger', old, 'login', session_user));
    UPDATE pacing.ledger_head SET ledger_id = new;
    RETURN new;
END $$;
COMMENT ON FUNCTION pacing.recover(jsonb) IS 'Closes the ledger and opens a new one over the same entries, after an entry of its own that cites the last anchor and what was lost (pacing audit recover writes it). Returns the new ledger''s id.';
REVOKE EXECUTE ON FUNCTION pacing.recover(jsonb) FROM PUBLIC;
