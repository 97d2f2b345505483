-- The roles of the record. They belong to the whole server, so several databases, and several upgrades at once, may meet here.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['pacing_owner', 'pacing_app', 'pacing_reader'] LOOP
        IF to_regrole(name) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another upgrade was first
            END;
        END IF;
    END LOOP;
    IF NOT pg_has_role(current_user, 'pacing_owner', 'USAGE') THEN
        EXECUTE format('GRANT pacing_owner TO %I', current_user);
    END IF;
END $$;
