-- Steps in their order. TRINO: a statement for Trino alone, which writes. {0}: the id of the first snapshot, {t}: when the third was made.
TRINO CREATE TABLE iceberg.lake.ice (id integer, name varchar, day date, at timestamp(6), seen timestamp(6) with time zone, price decimal(10,2), person row(name varchar, age integer), tags array(varchar), counts map(varchar, bigint), raw varbinary, twice double, single real, yes boolean) WITH (location = 's3://lake-bucket/ice/', partitioning = ARRAY['day'])
SELECT * FROM ice
TRINO INSERT INTO iceberg.lake.ice VALUES (1, 'a', DATE '2013-01-01', TIMESTAMP '2013-01-01 01:02:03.123456', TIMESTAMP '2013-01-01 01:02:03.123456 UTC', 1.50, ROW('x', 3), ARRAY['p', NULL], MAP(ARRAY['k'], ARRAY[7]), X'00ff', 1.5, REAL '2.5', true), (2, 'b', DATE '2013-01-02', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
TRINO INSERT INTO iceberg.lake.ice (id, name, day) VALUES (3, 'c', DATE '2013-01-02'), (4, 'd', NULL)
SELECT * FROM ice ORDER BY id
SELECT id, name, day FROM ice WHERE day = DATE '2013-01-02' ORDER BY id
SELECT typeof(at), typeof(seen), typeof(person), typeof(price) FROM ice WHERE id = 1
SELECT person.name, tags[1], counts['k'] FROM ice WHERE id = 1
SELECT date_trunc('hour', at), at + INTERVAL '1' DAY, seen AT TIME ZONE 'America/New_York' FROM ice WHERE id = 1
SELECT k.id, i.name FROM kinds k JOIN ice i ON i.id = k.id ORDER BY 1
TRINO ALTER TABLE iceberg.lake.ice RENAME COLUMN name TO label
TRINO ALTER TABLE iceberg.lake.ice ADD COLUMN added bigint
TRINO ALTER TABLE iceberg.lake.ice ALTER COLUMN id SET DATA TYPE bigint
TRINO INSERT INTO iceberg.lake.ice (id, label, day, added) VALUES (5000000000, 'e', DATE '2013-01-03', 9)
SELECT id, label, added, day FROM ice ORDER BY id
SELECT name FROM ice
TRINO DELETE FROM iceberg.lake.ice WHERE id = 1
TRINO DELETE FROM iceberg.lake.ice WHERE label = 'c'
SELECT id, label FROM ice ORDER BY id
TRINO UPDATE iceberg.lake.ice SET label = 'z' WHERE id = 2
SELECT id, label FROM ice ORDER BY id
SELECT count(*), max(at) FROM ice
TRINO ALTER TABLE iceberg.lake.ice DROP COLUMN label
TRINO ALTER TABLE iceberg.lake.ice ADD COLUMN label integer
SELECT id, label FROM ice ORDER BY id
SHOW COLUMNS FROM ice
DESCRIBE ice
SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'ice' ORDER BY ordinal_position
SELECT count(*) FROM "ice$partitions"
SELECT count(*) FROM "ice$snapshots"
SELECT "$path" LIKE 's3://lake-bucket/ice/%' FROM ice
SELECT * FROM ice FOR VERSION AS OF {0} ORDER BY id
SELECT id, name FROM ice FOR VERSION AS OF {2} i ORDER BY i.id
SELECT id, label FROM ice FOR VERSION AS OF {3} AS i ORDER BY i.id
SELECT id, label FROM ice FOR VERSION AS OF {5} ORDER BY id
SELECT count(*) FROM ice FOR VERSION AS OF 7
SELECT count(*) FROM ice FOR VERSION AS OF 'nothing'
SELECT count(*) FROM ice FOR VERSION AS OF 'main'
SELECT count(*) FROM ice FOR VERSION AS OF 1.5
SELECT count(*) FROM ice FOR TIMESTAMP AS OF TIMESTAMP '2013-01-01 00:00:00 UTC'
SELECT count(*) FROM ice FOR TIMESTAMP AS OF {t}
SELECT count(*) FROM ice FOR TIMESTAMP AS OF 7
SELECT count(*) FROM kinds FOR VERSION AS OF 7
SELECT count(*) FROM ice FOR TIMESTAMP AS OF current_timestamp - INTERVAL '1' DAY
SELECT a.id FROM ice FOR VERSION AS OF {2} a LEFT JOIN ice b ON a.id = b.id WHERE b.id IS NULL ORDER BY 1
SELECT * FROM ice FOR TIMESTAMP AS OF TIMESTAMP '2099-01-01 00:00:00 UTC'
SELECT * FROM ice FOR TIMESTAMP AS OF DATE '2099-01-01'
SELECT * FROM ice FOR TIMESTAMP AS OF current_timestamp - INTERVAL '1' SECOND
SELECT * FROM ice FOR TIMESTAMP AS OF localtimestamp - INTERVAL '1' SECOND
SELECT * FROM ice FOR TIMESTAMP AS OF NULL
SELECT * FROM ice FOR VERSION AS OF NULL
SELECT * FROM ice FOR VERSION AS OF id
SELECT * FROM ice i FOR VERSION AS OF 'main'
SELECT * FROM ice FOR VERSION AS OF CAST(7 AS bigint)
TRINO CREATE VIEW iceberg_view AS SELECT id, day FROM ice
SELECT * FROM iceberg_view ORDER BY id
