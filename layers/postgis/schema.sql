-- What the store keeps beside the journal: the catalogue.
CREATE SCHEMA IF NOT EXISTS onemap;

CREATE TABLE onemap.store (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  version int NOT NULL,                   -- of this file
  catalogue bigint NOT NULL DEFAULT 1);   -- grows with each change of a definition
INSERT INTO onemap.store (version) VALUES (0);

-- A layer and the table that its rows are in.
CREATE TABLE onemap.layer (
  id text COLLATE "C" PRIMARY KEY,
  definition json NOT NULL,               -- json, not jsonb: it comes back as it was
  managed boolean NOT NULL,               -- the table is ours; else it is attached
  schema text NOT NULL, name text NOT NULL,
  key text NOT NULL,                      -- column whose text is the feature's id
  key_type text NOT NULL,
  num text NOT NULL,                      -- column with the feature's number; empty: made of the id
  geometry text NOT NULL, srid int NOT NULL,
  mixed boolean NOT NULL DEFAULT false,   -- the geometry column takes heights and measures
  columns json NOT NULL,                  -- column by attribute name
  types json NOT NULL,                    -- of an attached table: the column's type, by attribute name
  poll bigint NOT NULL,                   -- milliseconds between two looks at all rows; 0: writes are captured
  version text NOT NULL);                 -- column that grows with each change of a row, for polling

-- How new a layer's data are. Apart from the definition, because it changes often.
CREATE TABLE onemap.freshness (
  layer text COLLATE "C" PRIMARY KEY REFERENCES onemap.layer ON DELETE CASCADE,
  updated timestamptz) WITH (fillfactor = 50);

-- A box in longitude and latitude as one in another reference system, with a margin,
-- because its edges are curves there. What is too large for that, or out of the
-- system's reach, is everything.
DO $do$
DECLARE p text := (SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'postgis');
BEGIN
  EXECUTE format($f$
    CREATE FUNCTION onemap.box(b %1$s.geometry, srid int) RETURNS %1$s.geometry LANGUAGE plpgsql STABLE AS $b$
    DECLARE
      size float8 := greatest(%1$s.ST_XMax(b) - %1$s.ST_XMin(b), %1$s.ST_YMax(b) - %1$s.ST_YMin(b)); g %1$s.geometry;
    BEGIN
      IF size < 30 THEN
        g := %1$s.ST_Envelope(%1$s.ST_Transform(%1$s.ST_Segmentize(%1$s.ST_Expand(b, size / 128 + 1e-6), greatest(size / 32, 1e-3)), srid));
      END IF;
      IF abs(%1$s.ST_XMin(g)) < 1e9 AND abs(%1$s.ST_XMax(g)) < 1e9 AND abs(%1$s.ST_YMin(g)) < 1e9 AND abs(%1$s.ST_YMax(g)) < 1e9 THEN
        RETURN g;
      END IF;
      RETURN %1$s.ST_MakeEnvelope(-1e9, -1e9, 1e9, 1e9, srid);
    EXCEPTION WHEN OTHERS THEN
      RETURN %1$s.ST_MakeEnvelope(-1e9, -1e9, 1e9, 1e9, srid);
    END $b$ $f$, p);
END $do$;

-- A row that somebody inserts without an id gets its fid as one, unless that is taken.
CREATE FUNCTION onemap.give_id() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE taken boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE id = $1)', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO taken USING NEW.fid::text;
  NEW.id := NEW.fid::text || CASE WHEN taken THEN '-' || left(replace(gen_random_uuid()::text, '-', ''), 8) ELSE '' END;
  RETURN NEW;
END $$;
