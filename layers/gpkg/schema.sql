-- What is onemap's own, behind standard.sql. No layer id may start with a name of ours:
-- the tables are prefixed with "onemap_", registered as an extension, and the
-- row gdal_aspatial tells GDAL not to list unregistered tables as layers.
CREATE TABLE IF NOT EXISTS onemap_meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT OR IGNORE INTO onemap_meta VALUES ('epoch', lower(hex(randomblob(8)))), ('floor', 0), ('catalogue', 0);
CREATE TABLE IF NOT EXISTS onemap_layer (
  no INTEGER PRIMARY KEY AUTOINCREMENT,   -- stands for the layer in outbox, log and version
  id TEXT NOT NULL, definition TEXT NOT NULL, fid_column TEXT NOT NULL, geom_column TEXT NOT NULL,
  updated INTEGER,                        -- newest data, Unix ms
  dropped INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS onemap_layer_id ON onemap_layer(id) WHERE NOT dropped;
CREATE TABLE IF NOT EXISTS onemap_outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, layer INTEGER NOT NULL, kind TEXT NOT NULL, fid INTEGER, id TEXT,
  old_geom BLOB, new_geom BLOB, same_geom INTEGER, old_props TEXT, new_props TEXT); -- a put with old_props and no new_props kept them
CREATE TABLE IF NOT EXISTS onemap_log (
  position INTEGER PRIMARY KEY, last INTEGER NOT NULL, -- last: the position of the commit's last change
  time INTEGER NOT NULL, actor TEXT NOT NULL,          -- time: Unix ms
  layer INTEGER NOT NULL, kind TEXT NOT NULL, fid INTEGER, id TEXT,
  old_version INTEGER, old_geom BLOB, new_geom BLOB, same_geom INTEGER, old_props TEXT, new_props TEXT);
CREATE TABLE IF NOT EXISTS onemap_version (
  layer INTEGER NOT NULL, fid INTEGER NOT NULL, version INTEGER NOT NULL, updated INTEGER NOT NULL,
  PRIMARY KEY (layer, fid)) WITHOUT ROWID;
INSERT OR IGNORE INTO gpkg_extensions SELECT NULL, NULL, 'gdal_aspatial', 'http://gdal.org/geopackage_aspatial.html', 'read-write'
  WHERE NOT EXISTS (SELECT 1 FROM gpkg_extensions WHERE extension_name = 'gdal_aspatial');
INSERT OR IGNORE INTO gpkg_extensions
  SELECT t, NULL, 'onemap_log', 'onemap: docs/adr/0003, change log', 'read-write'
  FROM (SELECT 'onemap_meta' t UNION SELECT 'onemap_layer' UNION SELECT 'onemap_outbox' UNION SELECT 'onemap_log' UNION SELECT 'onemap_version')
  WHERE NOT EXISTS (SELECT 1 FROM gpkg_extensions WHERE extension_name = 'onemap_log');
