-- What can't be captured is watched: one node compares the rows with those that it
-- saw last, and writes the difference to the outbox.

-- Compares the rows with those seen last; only those whose version is not below
-- since, if it is not null, and those without one. Returns how many differ, and tells
-- them if it is asked to.
CREATE FUNCTION onemap.compare(layer_id text, since text, tell boolean) RETURNS bigint LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC' SET extra_float_digits = 1 AS $$
DECLARE c onemap.captured; w onemap.watched; newer text := 'true'; n bigint;
BEGIN
  SELECT * INTO STRICT c FROM onemap.captured WHERE layer = layer_id;
  SELECT * INTO STRICT w FROM onemap.watched WHERE layer = layer_id;
  IF since IS NOT NULL THEN
    SELECT format('(t.%1$I >= %2$L::%3$s OR t.%1$I IS NULL)', attname, since, format_type(atttypid, -1)) INTO STRICT newer FROM pg_attribute WHERE attrelid = c.relation AND attname = w.version;
  END IF;
  -- A view may have two rows of one key, or rows without one.
  EXECUTE format($q$
    WITH now AS MATERIALIZED (SELECT DISTINCT ON (key) key, image FROM (SELECT t.%1$I::text COLLATE "C" AS key, textin(record_out(t.*)) AS image FROM %2$s t WHERE %3$s) x WHERE key IS NOT NULL ORDER BY key, image),
    differ AS MATERIALIZED (SELECT coalesce(n.key, s.key) AS key, s.image AS old, n.image AS new FROM now n FULL JOIN (SELECT key, image FROM onemap.seen WHERE layer = $1) s ON s.key = n.key
      WHERE s.image IS DISTINCT FROM n.image AND (n.key IS NOT NULL OR $2)),
    gone AS (DELETE FROM onemap.seen s USING differ d WHERE s.layer = $1 AND s.key = d.key AND d.new IS NULL),
    kept AS (INSERT INTO onemap.seen SELECT $1, key, new FROM differ WHERE new IS NOT NULL ON CONFLICT (layer, key) DO UPDATE SET image = excluded.image),
    told AS (INSERT INTO onemap.outbox (id, xid, at, relation, op, old, new, watch)
      SELECT nextval('onemap.outbox_id'), pg_current_xact_id(), clock_timestamp(), %4$s, CASE WHEN old IS NULL THEN 'I' WHEN new IS NULL THEN 'D' ELSE 'U' END::"char", old, new, %5$s FROM differ WHERE $3)
    SELECT count(*) FROM differ $q$, c.key, c.relation, newer, c.relation::oid, c.no) INTO n USING layer_id, since IS NULL, tell;
  RETURN n;
END $$;

-- Looks at a watched layer. What is seen at the first look, and when the relation is not
-- what it was, is what later ones compare with. With a version column most looks read little: what has a
-- version from since on. What a transaction wrote before a look, with an older version
-- than the newest, it may commit after it: so since goes on only when all transactions
-- have ended that ran when that newest version was read. What can be missed even so (an
-- old row comes back when another goes; a version was drawn before its transaction
-- wrote anything) the next look finds that reads all rows, at least each tenth.
CREATE FUNCTION onemap.look(layer_id text) RETURNS bigint LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC' SET extra_float_digits = 1 AS $$
DECLARE c onemap.captured; w onemap.watched; rows bigint; top text; running pg_snapshot; n bigint := 0; entire boolean;
BEGIN
  SELECT * INTO STRICT c FROM onemap.captured WHERE layer = layer_id;
  SELECT * INTO STRICT w FROM onemap.watched WHERE layer = layer_id;
  IF w.basis <> c.relation::oid || ' ' || c.shape THEN
    -- What changed until now nobody can tell, and some may have read the layer already: a
    -- reset. When the first look is taken, that does not mean that the data are news.
    PERFORM set_config('onemap.actor', CASE WHEN w.basis = '' THEN 'onemap' ELSE '' END, true);
    n := onemap.compare(layer_id, NULL, false);
    PERFORM onemap.note(layer_id, 'reset');
    UPDATE onemap.watched SET basis = c.relation::oid || ' ' || c.shape, since = NULL, newest = NULL, ran = NULL WHERE layer = layer_id;
    RETURN n;
  END IF;
  IF w.version = '' THEN
    RETURN onemap.compare(layer_id, NULL, true);
  END IF;
  -- Nothing is newer than infinity: it is no version to go on from.
  EXECUTE format($q$SELECT n, CASE WHEN top IS NOT NULL THEN format('%%s', top) END
    FROM (SELECT count(DISTINCT %1$I) AS n, max(%2$I) FILTER (WHERE lower(format('%%s', %2$I)) NOT IN ('infinity', 'nan')) AS top FROM %3$s) x $q$, c.key, w.version, c.relation) INTO rows, top;
  running := pg_current_snapshot(); -- after the one that top was read by, and before the one that rows are
  entire := w.since IS NULL OR w.quick >= 9;
  IF NOT entire THEN
    n := onemap.compare(layer_id, w.since, true);
    entire := rows <> (SELECT count(*) FROM onemap.seen WHERE layer = layer_id);
  END IF;
  IF entire THEN
    n := n + onemap.compare(layer_id, NULL, true);
  END IF;
  UPDATE onemap.watched SET quick = CASE WHEN entire THEN 0 ELSE quick + 1 END WHERE layer = layer_id;
  IF w.ran IS NULL OR pg_snapshot_xmin(running) >= pg_snapshot_xmax(w.ran) THEN
    UPDATE onemap.watched SET since = newest, newest = top, ran = running WHERE layer = layer_id;
  END IF;
  RETURN n;
END $$;
