-- What was done to the attached tables and to what they look up, row by row, as any audit by triggers has it: nothing of bugevents is used.
CREATE SCHEMA audit;
CREATE TABLE audit.changes (n bigserial PRIMARY KEY, xid xid8 DEFAULT pg_current_xact_id(), tbl text, op text, old jsonb, new jsonb);
CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit.changes (tbl, op, old, new) VALUES (TG_TABLE_NAME, TG_OP,
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END $$;
DO $$
DECLARE
    one regclass;
BEGIN
    FOR one IN SELECT a.tbl FROM bugevents.attachments AS a UNION SELECT f.lookup FROM bugevents.follows AS f LOOP
        EXECUTE format('CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION audit.note()', one);
    END LOOP;
END $$;
-- What each transaction did to each row, in the end.
CREATE VIEW audit.net AS
    SELECT xid, tbl, key, before, after FROM (
        SELECT xid, tbl, coalesce(new, old) ->> 'id' AS key,
            (array_agg(old ORDER BY n))[1] AS before, (array_agg(new ORDER BY n DESC))[1] AS after
          FROM audit.changes GROUP BY xid, tbl, coalesce(new, old) ->> 'id') AS rows
     WHERE before IS NOT NULL OR after IS NOT NULL;
