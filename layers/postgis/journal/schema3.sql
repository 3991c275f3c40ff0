-- Version 3: a row costs its writer less. The lease is a sequence, because a function reads that
-- without a query, and formats are set only for those who have others.
CREATE SEQUENCE onemap.lease_until;
SELECT setval('onemap.lease_until', greatest(until, 1)) FROM onemap.lease;
DROP TABLE onemap.lease;
ALTER SEQUENCE onemap.lease_until RENAME TO lease;

-- To cut the empty end off locks out writers, who then make the file grow again. See the mover's vacuum.
ALTER TABLE onemap.outbox SET (vacuum_truncate = false);

-- Text forms keep everything, given these settings: sets them and returns what they
-- were, for onemap.set_formats. They mostly are right, and to set them is dear.
CREATE FUNCTION onemap.exact_formats() RETURNS text[] LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE before text[] := ARRAY[current_setting('DateStyle'), current_setting('IntervalStyle'), current_setting('extra_float_digits')];
BEGIN
  PERFORM onemap.set_formats(ARRAY['ISO', 'postgres', '1']);
  RETURN before;
END $$;
CREATE FUNCTION onemap.set_formats(formats text[]) RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT set_config('DateStyle', formats[1], true), set_config('IntervalStyle', formats[2], true), set_config('extra_float_digits', formats[3], true) $$;

-- The trigger for a row, and for TRUNCATE.
CREATE OR REPLACE FUNCTION onemap.capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS $$
DECLARE
  before text[]; id bigint := nextval('onemap.outbox_id');
BEGIN
  IF id > pg_sequence_last_value('onemap.lease') THEN
    PERFORM onemap.miss();
    RETURN NULL;
  END IF;
  IF current_setting('DateStyle') NOT LIKE 'ISO%' OR current_setting('IntervalStyle') <> 'postgres' OR current_setting('extra_float_digits')::int < 1 THEN
    before := onemap.exact_formats();
  END IF;
  INSERT INTO onemap.outbox (id, xid, at, relation, op, actor, old, new)
    VALUES (id, pg_current_xact_id(), clock_timestamp(), TG_RELID, left(TG_OP, 1)::"char", current_setting('onemap.actor', true), textin(record_out(OLD)), textin(record_out(NEW)));
  IF before IS NOT NULL THEN
    PERFORM onemap.set_formats(before);
  END IF;
  RETURN NULL;
END $$;

-- The triggers of a plain table for INSERT, UPDATE and DELETE, with the statement's
-- rows as old_table and new_table. As onemap.capture(), it knows no column: "o.*" is
-- the row even if the table has a column of that name.
CREATE OR REPLACE FUNCTION onemap.capture_statement() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET jit = off AS $$
DECLARE
  before text[];
  last bigint := pg_sequence_last_value('onemap.lease'); -- once: it may be raised meanwhile
BEGIN
  IF current_setting('DateStyle') NOT LIKE 'ISO%' OR current_setting('IntervalStyle') <> 'postgres' OR current_setting('extra_float_digits')::int < 1 THEN
    before := onemap.exact_formats();
  END IF;
  <<rows>>
  DECLARE
    complete boolean; event "char"; tx xid8; moment timestamptz; who text;
  BEGIN
    -- One row is what most updates change, so it goes the shortest way. Those who do so at
    -- the same time may exceed the lease by a row each. (Before the first id there is none: NULL.)
    IF TG_OP = 'UPDATE' AND pg_sequence_last_value('onemap.outbox_id') < last THEN
      INSERT INTO onemap.outbox (id, xid, at, relation, op, actor, old, new)
        SELECT nextval('onemap.outbox_id'), pg_current_xact_id(), clock_timestamp(), TG_RELID, 'U', current_setting('onemap.actor', true), textin(record_out(o.*)), textin(record_out(n.*))
        FROM old_table o, new_table n WHERE NOT EXISTS (SELECT FROM new_table OFFSET 1);
      EXIT rows WHEN FOUND;
    END IF;
    event := left(TG_OP, 1);
    tx := pg_current_xact_id_if_assigned();
    moment := clock_timestamp();
    who := current_setting('onemap.actor', true);
    IF TG_OP = 'UPDATE' THEN
      -- Old and new rows come in the same order. If ever they did not, the mover
      -- would still tell the truth: it goes by the key.
      INSERT INTO onemap.outbox (id, xid, at, relation, op, actor, old, new)
        SELECT id, tx, moment, TG_RELID, event, who, was, becomes
        FROM (SELECT nextval('onemap.outbox_id') AS id, was, becomes
          FROM (SELECT row_number() OVER () AS nth, textin(record_out(o.*)) AS was FROM old_table o) o
          FULL JOIN (SELECT row_number() OVER () AS nth, textin(record_out(n.*)) AS becomes FROM new_table n) n USING (nth) OFFSET 0) i
        WHERE id <= last;
    ELSIF TG_OP = 'DELETE' THEN
      INSERT INTO onemap.outbox (id, xid, at, relation, op, actor, old)
        SELECT id, tx, moment, TG_RELID, event, who, image
        FROM (SELECT nextval('onemap.outbox_id') AS id, textin(record_out(o.*)) AS image FROM old_table o OFFSET 0) i WHERE id <= last;
    ELSE
      INSERT INTO onemap.outbox (id, xid, at, relation, op, actor, new)
        SELECT id, tx, moment, TG_RELID, event, who, image
        FROM (SELECT nextval('onemap.outbox_id') AS id, textin(record_out(n.*)) AS image FROM new_table n OFFSET 0) i WHERE id <= last;
    END IF;
    IF FOUND THEN -- ids only grow: if the last one fitted, all did
      complete := currval('onemap.outbox_id') <= last;
    ELSIF TG_OP = 'DELETE' THEN
      complete := NOT EXISTS (SELECT FROM old_table);
    ELSE
      complete := NOT EXISTS (SELECT FROM new_table);
    END IF;
    IF NOT complete THEN
      PERFORM onemap.miss();
    END IF;
  END rows;
  IF before IS NOT NULL THEN
    PERFORM onemap.set_formats(before);
  END IF;
  RETURN NULL;
END $$;
