-- Version 2: a plain table is captured by statement, which costs the writer of many
-- rows half: the function, its settings and the plan are paid once.

-- The triggers of a plain table for INSERT, UPDATE and DELETE, with the statement's
-- rows as old_table and new_table. As onemap.capture(), it knows no column: "o.*" is
-- the row even if the table has a column of that name.
CREATE FUNCTION onemap.capture_statement() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET jit = off AS $$
DECLARE
  before text[]; complete boolean; last bigint := (SELECT until FROM onemap.lease); -- once: it may be raised meanwhile
  event "char" := left(TG_OP, 1);
  tx xid8 := pg_current_xact_id_if_assigned(); moment timestamptz := clock_timestamp(); who text := current_setting('onemap.actor', true);
BEGIN
  -- These mostly are what they should be, and to set them each time is dear.
  IF current_setting('DateStyle') NOT LIKE 'ISO%' OR current_setting('IntervalStyle') <> 'postgres' OR current_setting('extra_float_digits')::int < 1 THEN
    before := ARRAY[current_setting('DateStyle'), current_setting('IntervalStyle'), current_setting('extra_float_digits')];
    PERFORM set_config('DateStyle', 'ISO', true), set_config('IntervalStyle', 'postgres', true), set_config('extra_float_digits', '1', true);
  END IF;
  <<rows>> BEGIN
    -- One row is what most updates change.
    IF TG_OP = 'UPDATE' THEN
      INSERT INTO onemap.outbox (id, xid, at, relation, op, actor, old, new)
        SELECT id, tx, moment, TG_RELID, event, who, was, becomes
        FROM (SELECT nextval('onemap.outbox_id') AS id, textin(record_out(o.*)) AS was, textin(record_out(n.*)) AS becomes FROM old_table o, new_table n
          WHERE NOT EXISTS (SELECT FROM new_table OFFSET 1) OFFSET 0) i WHERE id <= last;
      EXIT rows WHEN FOUND;
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
    PERFORM set_config('DateStyle', before[1], true), set_config('IntervalStyle', before[2], true), set_config('extra_float_digits', before[3], true);
  END IF;
  RETURN NULL;
END $$;

-- Whether a relation is captured by row: statement triggers do not fire for what is
-- written to a table by way of its parent, and know the rows of its children as its own.
CREATE FUNCTION onemap.by_row(relation oid) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_class WHERE oid = relation AND (relkind <> 'r' OR relispartition))
    OR EXISTS (SELECT FROM pg_inherits WHERE relation IN (inhrelid, inhparent)) $$;

-- Whether a relation has the triggers that it should have. A plain table's row trigger
-- is for those who write as a replica, as the apply worker does: it fires row triggers only.
CREATE FUNCTION onemap.armed(relation oid) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(string_agg(tgname || ' ' || tgenabled::text, ', ' ORDER BY tgname::text COLLATE "C"), '') = CASE WHEN onemap.by_row(relation)
    THEN '00_onemap_capture A, 00_onemap_truncate A'
    ELSE '00_onemap_capture R, 00_onemap_delete O, 00_onemap_insert O, 00_onemap_truncate A, 00_onemap_update O' END
  FROM pg_trigger WHERE tgrelid = relation AND tgname LIKE '00\_onemap\_%' $$;

CREATE OR REPLACE VIEW onemap.ailing AS
  SELECT layer, root FROM onemap.captured WHERE shape IS NOT NULL AND (shape IS DISTINCT FROM onemap.shape(relation) OR NOT watched AND NOT onemap.armed(relation))
  UNION SELECT layer, root FROM onemap.captured c WHERE relation = root AND (onemap.named(schema, name, watched) <> root::oid
    OR shape IS NOT NULL AND NOT watched AND ARRAY(SELECT leaf FROM onemap.leaves(root) UNION SELECT root ORDER BY 1)
      <> ARRAY(SELECT relation::oid FROM onemap.captured l WHERE l.layer = c.layer ORDER BY 1));

-- Sets the triggers of a captured table that are missing. Row triggers come to
-- partitions by themselves, others do not. The name sorts before others: what
-- fires first writes first, so images of one row stay in order.
CREATE OR REPLACE FUNCTION onemap.arm(root regclass) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE r oid; event text; image text; plain boolean := NOT onemap.by_row(root);
BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = root AND tgname = '00_onemap_capture') THEN
    EXECUTE format('CREATE TRIGGER "00_onemap_capture" AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION onemap.capture()', root);
  END IF;
  IF EXISTS (SELECT FROM pg_trigger WHERE tgname = '00_onemap_capture' AND tgenabled <> CASE WHEN plain THEN 'R' ELSE 'A' END AND
      (tgrelid = root OR tgrelid IN (SELECT relid FROM pg_partition_tree(root)))) THEN
    EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER "00_onemap_capture"', root, CASE WHEN plain THEN 'REPLICA' ELSE 'ALWAYS' END);
  END IF;
  FOR event, image IN VALUES ('insert', 'NEW TABLE AS new_table'), ('update', 'OLD TABLE AS old_table NEW TABLE AS new_table'), ('delete', 'OLD TABLE AS old_table') LOOP
    IF plain AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = root AND tgname = '00_onemap_' || event AND tgenabled = 'O') THEN
      EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s REFERENCING %s FOR EACH STATEMENT EXECUTE FUNCTION onemap.capture_statement()', '00_onemap_' || event, event, root, image);
      EXECUTE format('ALTER TABLE %s ENABLE TRIGGER %I', root, '00_onemap_' || event);
    ELSIF NOT plain AND EXISTS (SELECT FROM pg_trigger WHERE tgrelid = root AND tgname = '00_onemap_' || event) THEN
      EXECUTE format('DROP TRIGGER %I ON %s', '00_onemap_' || event, root);
    END IF;
  END LOOP;
  FOR r IN SELECT root UNION SELECT relid FROM pg_partition_tree(root) LOOP
    IF (SELECT relkind FROM pg_class WHERE oid = r) <> 'f' AND
        NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = r AND tgname = '00_onemap_truncate' AND tgenabled = 'A') THEN
      EXECUTE format('DROP TRIGGER IF EXISTS "00_onemap_truncate" ON %s', r::regclass);
      EXECUTE format('CREATE TRIGGER "00_onemap_truncate" AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION onemap.capture()', r::regclass);
      EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER "00_onemap_truncate"', r::regclass);
    END IF;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION onemap.disarm(root regclass) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE r oid; event text;
BEGIN
  FOREACH event IN ARRAY ARRAY['capture', 'insert', 'update', 'delete'] LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', '00_onemap_' || event, root);
  END LOOP;
  FOR r IN SELECT root UNION SELECT relid FROM pg_partition_tree(root) LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS "00_onemap_truncate" ON %s', r::regclass);
  END LOOP;
END $$;
