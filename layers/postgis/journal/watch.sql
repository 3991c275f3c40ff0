-- What can't be captured is watched: one node compares the rows with those that it
-- saw last, and writes the difference to the outbox.

-- Compares the rows with those seen last; only those whose version is not below
-- since, if it is not null. Returns how many differ, and tells them if it is asked to.
CREATE FUNCTION onemap.compare(layer_id text, since text, tell boolean) RETURNS bigint LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC' SET extra_float_digits = 1 AS $$
DECLARE c onemap.captured; w onemap.watched; newer text := 'true'; n bigint;
BEGIN
  SELECT * INTO STRICT c FROM onemap.captured WHERE layer = layer_id;
  SELECT * INTO STRICT w FROM onemap.watched WHERE layer = layer_id;
  IF since IS NOT NULL THEN
    SELECT format('t.%I >= $4::%s', attname, format_type(atttypid, -1)) INTO STRICT newer FROM pg_attribute WHERE attrelid = c.relation AND attname = w.version;
  END IF;
  -- A view may have two rows of one key, or rows without one.
  EXECUTE format($q$
    WITH now AS MATERIALIZED (SELECT DISTINCT ON (key) key, image FROM (SELECT t.%1$I::text COLLATE "C" AS key, textin(record_out(t.*)) AS image FROM %2$s t WHERE %3$s) x WHERE key IS NOT NULL ORDER BY key, image),
    differ AS MATERIALIZED (SELECT coalesce(n.key, s.key) AS key, s.image AS old, n.image AS new FROM now n FULL JOIN (SELECT key, image FROM onemap.seen WHERE layer = $1) s ON s.key = n.key
      WHERE s.image IS DISTINCT FROM n.image AND (n.key IS NOT NULL OR $2)),
    gone AS (DELETE FROM onemap.seen s USING differ d WHERE s.layer = $1 AND s.key = d.key AND d.new IS NULL),
    kept AS (INSERT INTO onemap.seen SELECT $1, key, new FROM differ WHERE new IS NOT NULL ON CONFLICT (layer, key) DO UPDATE SET image = excluded.image),
    told AS (INSERT INTO onemap.outbox (id, xid, at, relation, op, old, new)
      SELECT nextval('onemap.outbox_id'), pg_current_xact_id(), clock_timestamp(), %4$s, CASE WHEN old IS NULL THEN 'I' WHEN new IS NULL THEN 'D' ELSE 'U' END::"char", old, new FROM differ WHERE $3)
    SELECT count(*) FROM differ $q$, c.key, c.relation, newer, c.relation::oid) INTO n USING layer_id, since IS NULL, tell, since;
  RETURN n;
END $$;

-- Looks at a watched layer. With a version column most looks read little: what is
-- new by it, and everything only when rows must have gone.
CREATE FUNCTION onemap.look(layer_id text) RETURNS bigint LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC' SET extra_float_digits = 1 AS $$
DECLARE c onemap.captured; w onemap.watched; rows bigint; top text; n bigint := 0;
BEGIN
  SELECT * INTO STRICT c FROM onemap.captured WHERE layer = layer_id;
  SELECT * INTO STRICT w FROM onemap.watched WHERE layer = layer_id;
  IF w.version = '' THEN
    RETURN onemap.compare(layer_id, NULL, true);
  END IF;
  EXECUTE format('SELECT count(DISTINCT %1$I), max(%2$I)::text FROM %3$s', c.key, w.version, c.relation) INTO rows, top;
  IF w.newest IS NOT NULL THEN
    n := onemap.compare(layer_id, w.newest, true);
  END IF;
  IF w.newest IS NULL OR rows <> (SELECT count(*) FROM onemap.seen WHERE layer = layer_id) THEN
    n := n + onemap.compare(layer_id, NULL, true);
  END IF;
  UPDATE onemap.watched SET newest = top WHERE layer = layer_id;
  RETURN n;
END $$;

-- Takes what is there now as seen.
CREATE FUNCTION onemap.begin_watch(layer_id text) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM onemap.seen WHERE layer = layer_id;
  UPDATE onemap.watched SET newest = NULL, due = clock_timestamp() + every WHERE layer = layer_id;
  PERFORM onemap.compare(layer_id, NULL, false);
END $$;
