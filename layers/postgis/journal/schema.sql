-- What onemap keeps in a department's database. Everything is in this schema, but
-- for the triggers on captured tables.
CREATE SCHEMA IF NOT EXISTS onemap;
COMMENT ON SCHEMA onemap IS 'onemap: change capture and the log of changes; "onemap layer detach" removes triggers';

CREATE TABLE onemap.state (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  version int NOT NULL,                   -- of this file
  epoch text NOT NULL,
  identity text NOT NULL,                 -- of the database: see onemap.identity
  position bigint NOT NULL DEFAULT 0,     -- of the newest change
  floor bigint NOT NULL DEFAULT 0,        -- the log holds what is after it
  origin bigint NOT NULL DEFAULT 0,       -- where the epoch began: no feature's version is lower
  segment int NOT NULL DEFAULT 1);        -- where the log is written

-- Ids count in the order of writing. A transaction's *last* id orders it: it lies
-- before its commit and after the commit of all that it waited for.
CREATE SEQUENCE onemap.outbox_id;
CREATE TABLE onemap.outbox (
  id bigint NOT NULL,
  xid xid8 NOT NULL,
  at timestamptz NOT NULL,
  relation oid NOT NULL,                  -- 0: a note
  op "char" NOT NULL,                     -- I, U, D, T, or N for a note
  actor text,
  old text, new text,                     -- rows in text form; a note: layer, kind
  watch int,                              -- for which of onemap.captured it was seen by polling; NULL: it was captured
  PRIMARY KEY (xid, id))                  -- the mover looks for transactions, see mover.go
  WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000000,
        toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 5000, toast.autovacuum_vacuum_cost_delay = 0);

-- Writers capture up to this id. The mover raises it; while nobody moves, it bounds
-- the outbox. A transaction that wrote more leaves a row in missed instead: one a
-- backend, used again, so that this is bounded and nobody waits for anybody.
CREATE TABLE onemap.lease (until bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO onemap.lease VALUES (1000000);
CREATE TABLE onemap.missed (backend int NOT NULL, xid xid8 NOT NULL) WITH (fillfactor = 50);
CREATE INDEX ON onemap.missed (backend);
-- Or a publication FOR ALL TABLES would make the trigger and the mover fail.
ALTER TABLE onemap.lease REPLICA IDENTITY FULL;
ALTER TABLE onemap.missed REPLICA IDENTITY FULL;

CREATE TABLE onemap.log (
  segment int NOT NULL,
  position bigint NOT NULL,
  last bigint NOT NULL,                   -- position of the commit's last change
  xid xid8 NOT NULL, time timestamptz NOT NULL, actor text NOT NULL,
  layer text NOT NULL, kind text NOT NULL, key text,
  old_version bigint,
  old_geometry bytea, new_geometry bytea, same_geometry boolean NOT NULL DEFAULT false, -- EWKB in 4326
  old_attributes json, new_attributes json,
  moved timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (position, segment)) PARTITION BY LIST (segment);
CREATE INDEX ON onemap.log (xid);
CREATE TABLE onemap.segment (
  no int PRIMARY KEY, first bigint NOT NULL, started timestamptz NOT NULL DEFAULT clock_timestamp());
INSERT INTO onemap.segment VALUES (1, 1);
CREATE TABLE onemap.log_1 PARTITION OF onemap.log FOR VALUES IN (1);

-- A new segment takes what is moved from now on.
CREATE FUNCTION onemap.next_segment() RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE n int;
BEGIN
  UPDATE onemap.state SET segment = segment + 1 RETURNING segment INTO n;
  -- To attach a table locks less than to make it as a partition.
  EXECUTE format('CREATE TABLE onemap.%I (LIKE onemap.log INCLUDING ALL)', 'log_' || n);
  EXECUTE format('ALTER TABLE onemap.log ATTACH PARTITION onemap.%I FOR VALUES IN (%s)', 'log_' || n, n);
  INSERT INTO onemap.segment SELECT n, position + 1 FROM onemap.state;
END $$;

-- Drops the oldest segment if the log is long enough without it; false if not.
CREATE FUNCTION onemap.trim(keep_changes bigint, keep_since timestamptz) RETURNS boolean LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE oldest onemap.segment; next onemap.segment; s onemap.state;
BEGIN
  SELECT * INTO s FROM onemap.state;
  SELECT * INTO oldest FROM onemap.segment ORDER BY no LIMIT 1;
  SELECT * INTO next FROM onemap.segment WHERE no > oldest.no ORDER BY no LIMIT 1;
  IF next.no IS NULL OR NOT (next.started < keep_since OR s.position - next.first + 1 >= keep_changes OR next.first <= s.origin + 1) THEN
    RETURN false;
  END IF;
  EXECUTE format('DROP TABLE onemap.%I', 'log_' || oldest.no);
  DELETE FROM onemap.segment WHERE no = oldest.no;
  UPDATE onemap.state SET floor = greatest(floor, next.first - 1);
  RETURN true;
END $$;

CREATE TABLE onemap.version (
  layer text COLLATE "C", key text COLLATE "C", position bigint NOT NULL, time timestamptz NOT NULL,
  PRIMARY KEY (layer, key)) WITH (fillfactor = 80);
CREATE TABLE onemap.reset (
  layer text COLLATE "C" PRIMARY KEY, position bigint NOT NULL, time timestamptz NOT NULL);

-- A captured relation: a table, or a partition of one. onemap.image_<no> is its
-- row as it was when shape was taken, onemap.decode_<no> reads an image.
CREATE TABLE onemap.captured (
  no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  relation regclass NOT NULL, root regclass NOT NULL, layer text COLLATE "C" NOT NULL,
  key text NOT NULL, geometry text NOT NULL, columns text[] NOT NULL, srid int NOT NULL,
  shape text,                             -- NULL: the relation is gone
  schema text NOT NULL, name text NOT NULL, -- of the root when it was captured
  watched boolean NOT NULL,               -- polled; else its triggers tell
  UNIQUE (relation, layer));
CREATE INDEX ON onemap.captured (layer);

-- What can't be captured is watched, see watch.sql: these layers, and their rows as
-- they were seen last. A relation may be both: each layer hears its own.
CREATE TABLE onemap.watched (
  layer text COLLATE "C" PRIMARY KEY,
  every interval NOT NULL,
  version text NOT NULL,                  -- column that grows with each change of a row; empty: there is none
  due timestamptz NOT NULL,               -- when to look next
  basis text NOT NULL DEFAULT '',         -- relation and shape of which the rows in seen are; empty: none were seen
  since text,                             -- most looks read rows from this version on; NULL: all rows
  newest text, ran pg_snapshot,           -- the newest version, and the transactions that ran when it was read
  quick int NOT NULL DEFAULT 0);          -- looks since all rows were read
CREATE TABLE onemap.seen (
  layer text COLLATE "C", key text COLLATE "C", image text NOT NULL, PRIMARY KEY (layer, key)) WITH (fillfactor = 80);

-- Which database this is: another system, another timeline, another database or
-- another log table mean that history may have forked.
CREATE FUNCTION onemap.identity() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/' ||
    (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || 'onemap.log'::regclass::oid $$;
CREATE FUNCTION onemap.new_epoch() RETURNS text LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT left(replace(gen_random_uuid()::text, '-', ''), 16) $$;
INSERT INTO onemap.state (version, epoch, identity) VALUES (1, onemap.new_epoch(), onemap.identity());

-- The trigger of every captured table. It must never fail a department's write, so
-- it knows nothing of the row but its text form, which every type has. That form
-- keeps everything, given these settings. It is not got by a cast to text: for their
-- own table's type, anybody may define that, and it would run with our rights.
CREATE FUNCTION onemap.capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC' SET extra_float_digits = 1 AS $$
BEGIN
  INSERT INTO onemap.outbox (id, xid, at, relation, op, actor, old, new)
    SELECT n, pg_current_xact_id(), clock_timestamp(), TG_RELID, left(TG_OP, 1)::"char", current_setting('onemap.actor', true), textin(record_out(OLD)), textin(record_out(NEW))
    FROM (SELECT nextval('onemap.outbox_id') AS n OFFSET 0) i, onemap.lease WHERE n <= until;
  IF NOT FOUND THEN
    PERFORM onemap.miss();
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION onemap.miss() RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM onemap.missed WHERE backend = pg_backend_pid() AND xid = pg_current_xact_id()) THEN
    RETURN;
  END IF;
  -- With a higher isolation level, to update what the mover has just deleted would fail.
  IF current_setting('transaction_isolation') = 'read committed' THEN
    UPDATE onemap.missed SET xid = pg_current_xact_id()
      WHERE ctid = (SELECT ctid FROM onemap.missed WHERE backend = pg_backend_pid() LIMIT 1 FOR UPDATE SKIP LOCKED);
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  INSERT INTO onemap.missed VALUES (pg_backend_pid(), pg_current_xact_id());
END $$;

-- A define, drop or reset mark in the caller's transaction. It is never left out.
CREATE FUNCTION onemap.note(layer text, kind text) RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO onemap.outbox (id, xid, at, relation, op, actor, old, new)
    VALUES (nextval('onemap.outbox_id'), pg_current_xact_id(), clock_timestamp(), 0, 'N', current_setting('onemap.actor', true), layer, kind) $$;

-- The columns of a relation as they are now. A dropped column's number never
-- comes back, so a relation never returns to a shape that it left.
CREATE FUNCTION onemap.shape(relation oid) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(attnum || ' ' || atttypid || ' ' || atttypmod || ' ' || attname, E'\n' ORDER BY attnum)
  FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped $$;

-- A type for an image's column that depends on nothing of the department's.
CREATE FUNCTION onemap.plain_type(type oid) RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE t pg_type; e text;
BEGIN
  SELECT * INTO t FROM pg_type WHERE oid = type;
  IF t.typtype = 'd' THEN
    RETURN onemap.plain_type(t.typbasetype);
  ELSIF t.typcategory = 'A' AND t.typelem <> 0 THEN
    e := onemap.plain_type(t.typelem);
    RETURN CASE WHEN e LIKE '%[]' THEN e ELSE e || '[]' END;
  ELSIF t.typnamespace = 'pg_catalog'::regnamespace OR t.typname IN ('geometry', 'geography') AND t.typnamespace =
      (SELECT extnamespace FROM pg_extension WHERE extname = 'postgis') THEN
    RETURN format_type(type, -1);
  END IF;
  RETURN 'text';
END $$;

-- Makes (again) the image type and the decoder of captured relation no.
CREATE FUNCTION onemap.learn(captured_no int) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c onemap.captured; fields text; attributes text; geom text := 'NULL::bytea'; postgis text;
BEGIN
  SELECT * INTO STRICT c FROM onemap.captured WHERE no = captured_no;
  SELECT quote_ident(nspname) INTO postgis FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'postgis';
  SELECT string_agg(format('%I %s', attname, onemap.plain_type(atttypid)), ', ' ORDER BY attnum) INTO fields
    FROM pg_attribute WHERE attrelid = c.relation AND attnum > 0 AND NOT attisdropped;
  SELECT string_agg(format('(x.i).%I', name), ', ' ORDER BY n) INTO attributes FROM unnest(c.columns) WITH ORDINALITY u(name, n);
  IF c.geometry <> '' THEN
    geom := format('onemap.crs84((i).%I::%s.geometry, %s)', c.geometry, postgis, c.srid);
    IF c.srid = 4326 AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.relation AND attname = c.geometry
        AND format_type(atttypid, atttypmod) ~ '\((Multi)?(Point|LineString|Polygon)[ZM]*,4326\)$') THEN
      geom := format('%s.ST_AsEWKB((i).%I::%s.geometry)', postgis, c.geometry, postgis); -- as it is, and so without a call
    END IF;
  END IF;
  EXECUTE format('DROP FUNCTION IF EXISTS onemap.%I(text)', 'decode_' || c.no);
  EXECUTE format('DROP TYPE IF EXISTS onemap.%I', 'image_' || c.no);
  EXECUTE format('CREATE TYPE onemap.%I AS (%s)', 'image_' || c.no, fields);
  -- A set-returning function in plain SQL is inlined; OFFSET 0 makes the cast happen once a row.
  EXECUTE format('CREATE FUNCTION onemap.%I(image text) RETURNS TABLE (key text, geometry bytea, attributes json) LANGUAGE sql STABLE AS %L',
    'decode_' || c.no, format('SELECT (i).%I::text, %s, (SELECT row_to_json(a.*) FROM (SELECT %s) a) FROM (SELECT image::onemap.%I AS i OFFSET 0) x',
      c.key, geom, attributes, 'image_' || c.no));
  UPDATE onemap.captured SET shape = onemap.shape(relation) WHERE no = c.no;
END $$;

CREATE FUNCTION onemap.unlearn(captured_no int) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('DROP FUNCTION IF EXISTS onemap.%I(text)', 'decode_' || captured_no);
  EXECUTE format('DROP TYPE IF EXISTS onemap.%I', 'image_' || captured_no);
  DELETE FROM onemap.captured WHERE no = captured_no;
END $$;

-- A relation and its partitions, as far as they hold rows.
CREATE FUNCTION onemap.leaves(root oid) RETURNS TABLE (leaf oid) LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT root WHERE EXISTS (SELECT FROM pg_class WHERE oid = root AND relkind = 'r')
  UNION SELECT relid::oid FROM pg_partition_tree(root) JOIN pg_class c ON c.oid = relid WHERE isleaf AND relkind IN ('r', 'f') $$;

-- Sets the triggers of a captured table that are missing. Row triggers come to
-- partitions by themselves, those for TRUNCATE do not. The name sorts before
-- others: what fires first writes first, so images of one row stay in order.
CREATE FUNCTION onemap.arm(root regclass) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE r oid;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = root AND tgname = '00_onemap_capture') THEN
    EXECUTE format('CREATE TRIGGER "00_onemap_capture" AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION onemap.capture()', root);
  END IF;
  IF EXISTS (SELECT FROM pg_trigger WHERE tgname = '00_onemap_capture' AND tgenabled <> 'A' AND
      (tgrelid = root OR tgrelid IN (SELECT relid FROM pg_partition_tree(root)))) THEN
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER "00_onemap_capture"', root);
  END IF;
  FOR r IN SELECT root UNION SELECT relid FROM pg_partition_tree(root) LOOP
    IF (SELECT relkind FROM pg_class WHERE oid = r) <> 'f' AND
        NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = r AND tgname = '00_onemap_truncate' AND tgenabled = 'A') THEN
      EXECUTE format('DROP TRIGGER IF EXISTS "00_onemap_truncate" ON %s', r::regclass);
      EXECUTE format('CREATE TRIGGER "00_onemap_truncate" AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION onemap.capture()', r::regclass);
      EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER "00_onemap_truncate"', r::regclass);
    END IF;
  END LOOP;
END $$;

CREATE FUNCTION onemap.disarm(root regclass) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE r oid;
BEGIN
  EXECUTE format('DROP TRIGGER IF EXISTS "00_onemap_capture" ON %s', root);
  FOR r IN SELECT root UNION SELECT relid FROM pg_partition_tree(root) LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS "00_onemap_truncate" ON %s', r::regclass);
  END LOOP;
END $$;

-- Takes a layer's triggers away, but for those that another layer of the table needs.
CREATE FUNCTION onemap.release(layer_id text) RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT onemap.disarm(root) FROM (SELECT DISTINCT root FROM onemap.captured c WHERE layer = layer_id AND NOT watched
    AND EXISTS (SELECT FROM pg_class WHERE oid = c.root) AND NOT EXISTS (SELECT FROM onemap.captured o WHERE o.root = c.root AND o.layer <> layer_id AND NOT o.watched)) r $$;

-- Records the partitions of captured tables, as they are now; true if something
-- was not as recorded.
CREATE FUNCTION onemap.enlist(layer_id text, root_table regclass) RETURNS boolean LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE c onemap.captured; l oid; n int; changed boolean := false;
BEGIN
  SELECT * INTO STRICT c FROM onemap.captured WHERE layer = layer_id AND root = root_table ORDER BY no LIMIT 1;
  FOR l IN SELECT leaf FROM onemap.leaves(c.root) EXCEPT SELECT relation FROM onemap.captured WHERE layer = c.layer AND root = c.root LOOP
    INSERT INTO onemap.captured (relation, root, layer, key, geometry, columns, srid, shape, schema, name, watched)
      VALUES (l, c.root, c.layer, c.key, c.geometry, c.columns, c.srid, '', c.schema, c.name, false) RETURNING no INTO n;
    PERFORM onemap.learn(n);
    changed := true;
  END LOOP;
  FOR n IN SELECT no FROM onemap.captured WHERE layer = c.layer AND root = c.root AND relation <> root AND relation::oid NOT IN (SELECT leaf FROM onemap.leaves(c.root)) LOOP
    PERFORM onemap.unlearn(n);
    changed := true;
  END LOOP;
  RETURN changed;
END $$;

-- The relation that now has the name of a layer's, if it is of a kind that can be.
CREATE FUNCTION onemap.named(schema text, name text, watched boolean) RETURNS oid LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = named.schema AND c.relname = named.name AND c.relkind::text = ANY(CASE WHEN watched THEN '{r,p,v,m,f}' ELSE '{r,p}' END::text[]) $$;

-- Layers whose table was changed below us: another of its name, columns, triggers, partitions.
CREATE VIEW onemap.ailing AS
  SELECT layer, root FROM onemap.captured WHERE shape IS NOT NULL AND (shape IS DISTINCT FROM onemap.shape(relation)
    OR NOT watched AND (SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid = relation AND tgname IN ('00_onemap_capture', '00_onemap_truncate') AND tgenabled = 'A') < 2)
  UNION SELECT layer, root FROM onemap.captured c WHERE relation = root AND (onemap.named(schema, name, watched) <> root::oid
    OR shape IS NOT NULL AND NOT watched AND ARRAY(SELECT leaf FROM onemap.leaves(root) UNION SELECT root ORDER BY 1)
      <> ARRAY(SELECT relation::oid FROM onemap.captured l WHERE l.layer = c.layer ORDER BY 1));

-- Mends one of them as far as possible. What was changed meanwhile nobody knows: a reset.
CREATE FUNCTION onemap.mend(layer_id text, root_table regclass) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE polled boolean; present oid;
BEGIN
  SELECT watched, onemap.named(schema, name, watched) INTO polled, present FROM onemap.captured WHERE layer = layer_id AND relation = root_table;
  IF present <> root_table THEN -- dropped and made again, or another table was given the name
    PERFORM onemap.release(layer_id);
    PERFORM onemap.unlearn(no) FROM onemap.captured WHERE layer = layer_id AND relation <> root;
    UPDATE onemap.captured SET relation = present, root = present, shape = '' WHERE layer = layer_id;
    root_table := present;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_class WHERE oid = root_table) THEN
    UPDATE onemap.captured SET shape = NULL WHERE layer = layer_id;
  ELSIF polled THEN
    PERFORM onemap.learn(no) FROM onemap.captured WHERE layer = layer_id;
    UPDATE onemap.watched SET due = clock_timestamp() WHERE layer = (SELECT layer FROM onemap.watched WHERE layer = layer_id FOR UPDATE SKIP LOCKED);
    RETURN; -- the reset comes with that look, see onemap.look
  ELSE
    PERFORM onemap.arm(root_table);
    PERFORM onemap.enlist(layer_id, root_table);
    PERFORM onemap.learn(no) FROM onemap.captured WHERE layer = layer_id AND shape IS DISTINCT FROM onemap.shape(relation);
  END IF;
  PERFORM onemap.note(layer_id, 'reset');
END $$;

-- A geometry as the log and the map have it: EWKB in 4326, curves as lines. What
-- PROJ can't convert is null rather than an error in the middle of a batch.
DO $do$
DECLARE p text := (SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'postgis');
BEGIN
  EXECUTE format($f$
    CREATE FUNCTION onemap.crs84(g %1$s.geometry, srid int) RETURNS bytea LANGUAGE plpgsql STABLE AS $b$
    BEGIN
      IF %1$s.ST_HasArc(g) THEN
        g := %1$s.ST_CurveToLine(g);
      END IF;
      IF %1$s.ST_SRID(g) = 0 THEN
        g := %1$s.ST_SetSRID(g, srid);
      END IF;
      RETURN %1$s.ST_AsEWKB(%1$s.ST_Transform(g, 4326));
    EXCEPTION WHEN OTHERS THEN
      RETURN NULL;
    END $b$ $f$, p);
END $do$;
