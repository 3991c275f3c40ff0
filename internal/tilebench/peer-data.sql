-- Repeatable synthetic data, bbox lon 104.4..112.1, lat 20.9..26.4. No command of psql's
-- own, and a statement ends where a line does. bench.part = 1000 makes a thousandth,
-- and bench.times = 10 ten times as many points.
SET max_parallel_workers_per_gather = 0;
DROP TABLE IF EXISTS pts, polys, lines, centers;
SELECT setseed(0.42);
-- 80 cluster centres ("towns") with different sizes
CREATE TABLE centers AS
  SELECT row_number() over () AS cid, 104.6+random()*7.3 AS cx, 21.1+random()*5.1 AS cy,
         0.02+0.18*random()^2 AS sd
  FROM generate_series(1,80);
CREATE INDEX ON centers(cid);
-- (a) 1,000,000 points: 85 % gaussian clusters, 15 % uniform; 7 attributes
SELECT setseed(0.43);
CREATE TABLE pts AS
WITH r AS MATERIALIZED (
  SELECT i, random() u, 1+floor(80*random()^1.7)::int c, random() a, random() b, random() x, random() y,
         random() k1, random() k2, random() k3, random() k4
  FROM generate_series(1, 1000000 * coalesce(current_setting('bench.times', true), '1')::int / coalesce(current_setting('bench.part', true), '1')::int) i)
SELECT i::int AS id,
  'site-'||i AS name,
  'cat'||(1+floor(k1*12))::int AS category,
  'dept'||(1+floor(k2*20))::int AS dept,
  (ARRAY['ok','warn','alarm','offline'])[1+floor(k3*k3*4)::int] AS status,
  round((k4*1000)::numeric,2)::float8 AS value,
  (floor(k1*k4*500))::int AS cnt,
  timestamptz '2026-01-01' + (i%31536000)*interval '1 second' AS updated,
  ST_SetSRID(ST_MakePoint(
    CASE WHEN u<0.85 THEN least(112.1,greatest(104.4, cx+sd*sqrt(-2*ln(greatest(a,1e-12)))*cos(2*pi()*b))) ELSE 104.4+7.7*x END,
    CASE WHEN u<0.85 THEN least(26.4,greatest(20.9, cy+sd*sqrt(-2*ln(greatest(a,1e-12)))*sin(2*pi()*b))) ELSE 20.9+5.5*y END),4326)::geometry(Point,4326) AS geom
FROM r JOIN centers ON cid=c;
-- (b) 100,000 irregular polygons of 20..60 vertices, radius about 100 m .. 2 km
SELECT setseed(0.44);
CREATE TABLE polys AS
WITH r AS MATERIALIZED (
  SELECT i, random() u, 1+floor(80*random()^1.7)::int c, random() a, random() b, random() x, random() y,
         20+floor(random()*41)::int n, 0.001+0.019*random()^3 AS rad, random() k1, random() k2, random() k3
  FROM generate_series(1, 100000 / coalesce(current_setting('bench.part', true), '1')::int) i),
p AS MATERIALIZED (
  SELECT r.*, CASE WHEN u<0.7 THEN cx+1.5*sd*sqrt(-2*ln(greatest(a,1e-12)))*cos(2*pi()*b) ELSE 104.4+7.7*x END px,
              CASE WHEN u<0.7 THEN cy+1.5*sd*sqrt(-2*ln(greatest(a,1e-12)))*sin(2*pi()*b) ELSE 20.9+5.5*y END py
  FROM r JOIN centers ON cid=c),
v AS (
  SELECT i, n, px, py, rad, k1, k2, k3, j, random() w FROM p, generate_series(0,n-1) j),
g AS (
  SELECT i, k1, k2, k3, n, array_agg(ST_MakePoint(px+rad*(0.6+0.4*w)*cos(2*pi()*j/n), py+rad*(0.6+0.4*w)*sin(2*pi()*j/n)) ORDER BY j) pa
  FROM v GROUP BY i,k1,k2,k3,n)
SELECT i::int AS id, 'parcel-'||i AS name, 'use'||(1+floor(k1*15))::int AS landuse,
  'county'||(1+floor(k2*111))::int AS county, round((k3*100)::numeric,2)::float8 AS score, n AS nverts,
  ST_SetSRID(ST_MakePolygon(ST_MakeLine(pa||pa[1])),4326)::geometry(Polygon,4326) AS geom
FROM g;
-- (c) 50,000 linestrings of 50..200 vertices (random walk, about 60..300 m steps)
SELECT setseed(0.45);
CREATE TABLE lines AS
WITH r AS MATERIALIZED (
  SELECT i, random() u, 1+floor(80*random()^1.7)::int c, random() a, random() b, random() x, random() y,
         50+floor(random()*151)::int n, 0.0006+0.0024*random() AS step, random()*2*pi() AS dir, random() k1, random() k2
  FROM generate_series(1, 50000 / coalesce(current_setting('bench.part', true), '1')::int) i),
p AS MATERIALIZED (
  SELECT r.*, CASE WHEN u<0.7 THEN cx+1.5*sd*sqrt(-2*ln(greatest(a,1e-12)))*cos(2*pi()*b) ELSE 104.4+7.7*x END px,
              CASE WHEN u<0.7 THEN cy+1.5*sd*sqrt(-2*ln(greatest(a,1e-12)))*sin(2*pi()*b) ELSE 20.9+5.5*y END py
  FROM r JOIN centers ON cid=c),
v AS MATERIALIZED (
  SELECT i,n,px,py,step,dir,k1,k2,j, dir + sum((random()-0.5)*0.9) OVER (PARTITION BY i ORDER BY j) AS h
  FROM p, generate_series(0,n-1) j),
w AS (
  SELECT i,n,k1,k2,j, px+sum(step*cos(h)) OVER (PARTITION BY i ORDER BY j) AS lx, py+sum(step*sin(h)) OVER (PARTITION BY i ORDER BY j) AS ly
  FROM v)
SELECT i::int AS id, 'road-'||i AS name, 'class'||(1+floor(k1*6))::int AS class, (1+floor(k2*4))::int AS lanes, n AS nverts,
  ST_SetSRID(ST_MakeLine(ST_MakePoint(lx,ly) ORDER BY j),4326)::geometry(LineString,4326) AS geom
FROM w GROUP BY i,n,k1,k2;
ALTER TABLE pts ADD PRIMARY KEY (id); ALTER TABLE polys ADD PRIMARY KEY (id); ALTER TABLE lines ADD PRIMARY KEY (id);
CREATE INDEX pts_gix ON pts USING gist(geom);
CREATE INDEX polys_gix ON polys USING gist(geom);
CREATE INDEX lines_gix ON lines USING gist(geom);
-- 3857 copies (best case for the SQL path: no ST_Transform), clustered on the index
CREATE SCHEMA IF NOT EXISTS m;
DROP TABLE IF EXISTS m.pts_m, m.polys_m, m.lines_m;
CREATE TABLE m.pts_m AS SELECT id,name,category,dept,status,value,cnt,updated, ST_Transform(geom,3857)::geometry(Point,3857) geom FROM pts;
CREATE TABLE m.polys_m AS SELECT id,name,landuse,county,score,nverts, ST_Transform(geom,3857)::geometry(Polygon,3857) geom FROM polys;
CREATE TABLE m.lines_m AS SELECT id,name,class,lanes,nverts, ST_Transform(geom,3857)::geometry(LineString,3857) geom FROM lines;
ALTER TABLE m.pts_m ADD PRIMARY KEY (id); ALTER TABLE m.polys_m ADD PRIMARY KEY (id); ALTER TABLE m.lines_m ADD PRIMARY KEY (id);
CREATE INDEX pts_m_gix ON m.pts_m USING gist(geom);
CREATE INDEX polys_m_gix ON m.polys_m USING gist(geom);
CREATE INDEX lines_m_gix ON m.lines_m USING gist(geom);
CLUSTER m.pts_m USING pts_m_gix; CLUSTER m.polys_m USING polys_m_gix; CLUSTER m.lines_m USING lines_m_gix;
VACUUM ANALYZE;
