-- The ledger in monthly partitions, written through functions of the owner's alone. Run as pacing_owner.
-- Order of locks: the table, then the head row. Whoever appends locks both so; detach takes the table for itself.

-- Entries, by month

DO $$
DECLARE to_entries record;
BEGIN  -- a partition that rows point to could not be detached
    FOR to_entries IN SELECT conrelid::regclass AS owner, conname FROM pg_constraint WHERE confrelid = 'pacing.ledger_entries'::regclass LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', to_entries.owner, to_entries.conname);
    END LOOP;
END $$;
ALTER TABLE pacing.ledger_entries RENAME TO ledger_entries_before;
ALTER TABLE pacing.ledger_entries_before DROP CONSTRAINT ledger_entries_pkey;
DROP INDEX pacing.ledger_entries_by_subject, pacing.ledger_entries_by_run;

CREATE TABLE pacing.ledger_entries (
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    run_id text,
    kind text NOT NULL,
    subject text NOT NULL,
    leaf bytea NOT NULL,
    body bytea,
    CONSTRAINT ledger_entries_pkey PRIMARY KEY (seq, at),
    CONSTRAINT ledger_entries_seq CHECK (seq >= 0),
    CONSTRAINT ledger_entries_leaf CHECK (octet_length(leaf) = 32)
) PARTITION BY RANGE (at);
COMMENT ON TABLE pacing.ledger_entries IS 'Append-only, a partition for each month. body is the exact bytes that were hashed; leaf = SHA-256(0x00 || body); the other columns repeat what the body says. No body: withheld, or its month was detached; a later entry says so.';
COMMENT ON CONSTRAINT ledger_entries_pkey ON pacing.ledger_entries IS 'An entry by its number. The head row makes numbers unique and gapless; a key of a partitioned table must hold what it is partitioned by.';
COMMENT ON CONSTRAINT ledger_entries_seq ON pacing.ledger_entries IS 'Numbers start at 0.';
COMMENT ON CONSTRAINT ledger_entries_leaf ON pacing.ledger_entries IS 'A SHA-256 has 32 bytes.';
CREATE INDEX ledger_entries_by_subject ON pacing.ledger_entries (subject, kind, seq);
COMMENT ON INDEX pacing.ledger_entries_by_subject IS 'What happened to a flight or an incident, newest last: pacing explain.';
CREATE INDEX ledger_entries_by_run ON pacing.ledger_entries (run_id, kind, seq);
COMMENT ON INDEX pacing.ledger_entries_by_run IS 'What a run recorded.';

-- What refuses, on the table and on each partition

CREATE FUNCTION pacing.refuse_change_of_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_user = 'pacing_owner' THEN
        RETURN NULL;  -- only_withheld looks at each row
    END IF;
    RAISE EXCEPTION 'pacing.% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'PA001';
END $$;
COMMENT ON FUNCTION pacing.refuse_change_of_entries() IS 'Trigger of ledger_entries: refuses UPDATE, DELETE and TRUNCATE with SQLSTATE PA001; an UPDATE of the owner is left to only_withheld.';

CREATE FUNCTION pacing.refuse_all_but_withholding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.seq, NEW.at, NEW.run_id, NEW.kind, NEW.leaf) IS NOT DISTINCT FROM (OLD.seq, OLD.at, OLD.run_id, OLD.kind, OLD.leaf)
       AND NEW.body IS NULL AND NEW.subject = ''
       AND EXISTS (SELECT FROM pacing.ledger_entries WHERE kind = 'body_withheld' AND subject = 'entry ' || OLD.seq) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'pacing.ledger_entries is append-only: UPDATE of entry % is refused', OLD.seq USING ERRCODE = 'PA001';
END $$;
COMMENT ON FUNCTION pacing.refuse_all_but_withholding() IS 'Trigger of ledger_entries: a row may lose its body and its subject, once the ledger says body_withheld of it; nothing else changes.';

CREATE FUNCTION pacing.guard_entries(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pacing.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION pacing.refuse_change_of_entries()', name);
    EXECUTE format('ALTER TABLE pacing.%I ENABLE ALWAYS TRIGGER append_only', name);
    EXECUTE format('ALTER TABLE pacing.%I ENABLE ALWAYS TRIGGER only_withheld', name);  -- a partition has its parent's triggers for each row
END $$;
COMMENT ON FUNCTION pacing.guard_entries(text) IS 'Puts the triggers on ledger_entries or on a new partition of it.';

CREATE TRIGGER only_withheld BEFORE UPDATE ON pacing.ledger_entries FOR EACH ROW EXECUTE FUNCTION pacing.refuse_all_but_withholding();
SELECT pacing.guard_entries('ledger_entries');

CREATE FUNCTION pacing.make_month(at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
    name text := 'ledger_entries_' || to_char(first, 'YYYY_MM');
BEGIN
    EXECUTE format('CREATE TABLE pacing.%I (LIKE pacing.ledger_entries INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE pacing.ledger_entries ATTACH PARTITION pacing.%I FOR VALUES FROM (%L) TO (%L)',
                   name, first AT TIME ZONE 'UTC', (first + interval '1 month') AT TIME ZONE 'UTC');  -- takes no lock that a reader waits for
    PERFORM pacing.guard_entries(name);
END $$;
COMMENT ON FUNCTION pacing.make_month(timestamptz) IS 'Makes the partition of an instant''s month.';

SELECT pacing.make_month(month AT TIME ZONE 'UTC') FROM (SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC') AS month FROM pacing.ledger_entries_before) AS m;
INSERT INTO pacing.ledger_entries SELECT seq, at, run_id, kind, subject, leaf, body FROM pacing.ledger_entries_before ORDER BY seq;
DROP TABLE pacing.ledger_entries_before;

-- append

CREATE FUNCTION pacing.grown(size bigint, frontier bytea, leaves bytea[]) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    hashes bytea[] := '{}';
    top int := 0;
    leaf bytea;
    carry bigint;
BEGIN
    WHILE top * 32 < length(frontier) LOOP
        hashes[top + 1] := substr(frontier, top * 32 + 1, 32);
        top := top + 1;
    END LOOP;
    FOREACH leaf IN ARRAY leaves LOOP
        carry := size;
        WHILE carry & 1 = 1 LOOP  -- each one bit that the new number carries over joins two subtrees of one size
            leaf := sha256('\x01'::bytea || hashes[top] || leaf);
            top := top - 1;
            carry := carry >> 1;
        END LOOP;
        top := top + 1;
        hashes[top] := leaf;
        size := size + 1;
    END LOOP;
    RETURN coalesce((SELECT string_agg(hash, ''::bytea ORDER BY n) FROM unnest(hashes[1:top]) WITH ORDINALITY AS f (hash, n)), ''::bytea);
END $$;
COMMENT ON FUNCTION pacing.grown(bigint, bytea, bytea[]) IS 'The frontier of a tree with more leaves (RFC 9162), from that of its first ones.';

CREATE FUNCTION pacing.append(run text, at timestamptz, kinds text[], subjects text[], befores bytea[], afters bytea[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head pacing.ledger_head;
    leaves bytea[];
BEGIN
    LOCK TABLE pacing.ledger_entries IN ROW EXCLUSIVE MODE;
    SELECT * INTO head FROM pacing.ledger_head FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the ledger has no head' USING ERRCODE = 'PA001';
    END IF;
    IF to_regclass('pacing.ledger_entries_' || to_char(at AT TIME ZONE 'UTC', 'YYYY_MM')) IS NULL THEN
        PERFORM pacing.make_month(at);
    END IF;
    WITH put AS (
        INSERT INTO pacing.ledger_entries (seq, at, run_id, kind, subject, leaf, body)
        SELECT head.size + n - 1, append.at, run, kind, subject, sha256('\x00'::bytea || body), body
        FROM (SELECT n, kind, subject, before || convert_to((head.size + n - 1)::text, 'UTF8') || after AS body
              FROM unnest(kinds, subjects, befores, afters) WITH ORDINALITY AS e (kind, subject, before, after, n) OFFSET 0) AS whole
        RETURNING ledger_entries.seq, ledger_entries.leaf)
    SELECT coalesce(array_agg(put.leaf ORDER BY put.seq), '{}') INTO leaves FROM put;
    UPDATE pacing.ledger_head SET size = head.size + cardinality(leaves), frontier = pacing.grown(head.size, head.frontier, leaves);
    RETURN head.size;
END $$;
COMMENT ON FUNCTION pacing.append(text, timestamptz, text[], text[], bytea[], bytea[]) IS 'The only way onto the ledger: under the head row it numbers the entries (a body is what stands before its number, the number, and what stands after it), makes each leaf from the very bytes, and moves the head. Returns the first number.';

-- What the owner may take away again, each with an entry of its own that says so first

CREATE FUNCTION pacing.holds_the_record(kind text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT kind IN ('run_opened', 'run_sealed', 'inputs_recorded', 'policy_adopted', 'body_withheld', 'partition_detached', 'ledger_recovered')
$$;
COMMENT ON FUNCTION pacing.holds_the_record(text) IS 'Kinds of entries that others are verified by: they keep their bodies.';

CREATE FUNCTION pacing.say(kind text, subject text, facts jsonb) RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at timestamptz := pacing.pacing_now();
    before text := format('{"at":"%s","kind":%s,"run_id":null,"seq":', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), to_json(kind));
    after text := format(',"subject":%s,%s', to_json(subject), substr(facts::text, 2));
BEGIN
    RETURN pacing.append(NULL, at, ARRAY[kind], ARRAY[subject], ARRAY[convert_to(before, 'UTF8')], ARRAY[convert_to(after, 'UTF8')]);
END $$;
COMMENT ON FUNCTION pacing.say(text, text, jsonb) IS 'Appends one entry with these facts (an object that is not empty) and returns its number.';

CREATE FUNCTION pacing.withhold(entry bigint, reason text, by jsonb DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old record;
    said bigint;
BEGIN
    SELECT e.kind, e.body IS NULL AS gone INTO old FROM pacing.ledger_entries AS e WHERE e.seq = entry;
    IF old.kind IS NULL OR old.gone OR pacing.holds_the_record(old.kind) OR coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'entry % cannot be withheld: %', entry, CASE
            WHEN old.kind IS NULL THEN 'there is none'
            WHEN old.gone THEN 'its body is not here any more'
            WHEN pacing.holds_the_record(old.kind) THEN 'others are verified by ' || old.kind
            ELSE 'no reason is given' END USING ERRCODE = 'PA001';
    END IF;
    said := pacing.say('body_withheld', 'entry ' || entry, jsonb_build_object('entry', entry, 'reason', reason, 'login', session_user, 'by', by));
    UPDATE pacing.ledger_entries SET body = NULL, subject = '' WHERE seq = entry;
    RETURN said;
END $$;
COMMENT ON FUNCTION pacing.withhold(bigint, text, jsonb) IS 'Drops the body and the subject of an entry (personal data), after an entry of its own that says so; the leaf stays, and the tree verifies. Returns the number of its entry.';

CREATE FUNCTION pacing.detach(month date, entries bigint, file text, file_sha256 text, by jsonb DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first timestamp := date_trunc('month', month);
    begins timestamptz := first AT TIME ZONE 'UTC';
    ends timestamptz := (first + interval '1 month') AT TIME ZONE 'UTC';
    part text := 'ledger_entries_' || to_char(first, 'YYYY_MM');
    light text := part || '_light';
    whole record;
    said bigint;
BEGIN
    IF to_regclass('pacing.' || part) IS NULL OR ends + interval '1 day' > pacing.pacing_now() THEN
        RAISE EXCEPTION 'month % cannot be detached: %', to_char(first, 'YYYY-MM'), CASE
            WHEN to_regclass('pacing.' || part) IS NULL THEN 'it has no entries' ELSE 'it is not over for a day yet' END USING ERRCODE = 'PA001';
    END IF;
    EXECUTE format('LOCK TABLE pacing.%I IN SHARE MODE', part);
    EXECUTE format('SELECT count(*) AS entries, min(seq) AS first, max(seq) AS last, bool_or(body IS NOT NULL AND NOT pacing.holds_the_record(kind)) AS bodies '
                   'FROM pacing.%I', part) INTO whole;
    IF whole.entries <> entries OR NOT whole.bodies THEN
        RAISE EXCEPTION 'month % cannot be detached: %', to_char(first, 'YYYY-MM'), CASE
            WHEN whole.bodies THEN format('it has %s entries, not %s', whole.entries, entries) ELSE 'it is detached already' END USING ERRCODE = 'PA001';
    END IF;
    EXECUTE format('CREATE TABLE pacing.%I (LIKE pacing.ledger_entries INCLUDING ALL, CONSTRAINT in_month CHECK (at >= %L AND at < %L))', light, begins, ends);
    EXECUTE format('INSERT INTO pacing.%I SELECT seq, at, run_id, kind, subject, leaf, CASE WHEN pacing.holds_the_record(kind) THEN body END '
                   'FROM pacing.%I ORDER BY seq', light, part);
    LOCK TABLE pacing.ledger_entries IN ACCESS EXCLUSIVE MODE;  -- from here on it is short
    said := pacing.say('partition_detached', to_char(first, 'YYYY-MM'), jsonb_build_object('entries', whole.entries, 'first', whole.first, 'last', whole.last,
        'file', file, 'file_sha256', file_sha256, 'login', session_user, 'by', by));
    EXECUTE format('ALTER TABLE pacing.ledger_entries DETACH PARTITION pacing.%I', part);
    EXECUTE format('DROP TABLE pacing.%I', part);
    EXECUTE format('ALTER TABLE pacing.%I RENAME TO %I', light, part);
    EXECUTE format('ALTER TABLE pacing.ledger_entries ATTACH PARTITION pacing.%I FOR VALUES FROM (%L) TO (%L)', part, begins, ends);
    EXECUTE format('ALTER TABLE pacing.%I DROP CONSTRAINT in_month', part);  -- it saved the attachment from reading every row
    PERFORM pacing.guard_entries(part);
    RETURN said;
END $$;
COMMENT ON FUNCTION pacing.detach(date, bigint, text, text, jsonb) IS 'Replaces a month''s partition by one without bodies, after an entry of its own that names the file which holds them (pacing audit detach writes it); leaves and the entries that others are verified by stay. Returns the number of its entry.';

-- Who may do what

REVOKE EXECUTE ON FUNCTION pacing.guard_entries(text), pacing.make_month(timestamptz), pacing.grown(bigint, bytea, bytea[]),
    pacing.append(text, timestamptz, text[], text[], bytea[], bytea[]), pacing.holds_the_record(text), pacing.say(text, text, jsonb),
    pacing.withhold(bigint, text, jsonb), pacing.detach(date, bigint, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pacing.append(text, timestamptz, text[], text[], bytea[], bytea[]) TO pacing_app;
GRANT SELECT ON pacing.ledger_entries TO pacing_app, pacing_reader;
REVOKE UPDATE (size, frontier) ON pacing.ledger_head FROM pacing_app;
