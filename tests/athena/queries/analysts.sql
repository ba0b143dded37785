-- One statement a line, as analysts and BI tools write them, over the demo's data.
SELECT count(*) FROM flights
SELECT count(*) FROM flights WHERE month = '7'
SELECT count(*) FROM flights WHERE month = 7
SELECT count(*) FROM flights WHERE month IN ('1', '2')
SELECT count(*) FROM flights WHERE month IN (1, 2)
SELECT avg(arr_delay) FROM flights WHERE month = '1'
SELECT date_format(time_hour, '%Y-%m-%d %H:%i') FROM flights WHERE month = '1' ORDER BY time_hour, carrier, flight LIMIT 3
SELECT format_datetime(time_hour, 'yyyy/MM/dd HH:mm') FROM flights WHERE month = '1' ORDER BY time_hour, carrier, flight LIMIT 3
SELECT date_diff('hour', min(time_hour), max(time_hour)) FROM flights
SELECT approx_distinct(tailnum) FROM flights
SELECT try_cast('12x' AS integer), try_cast('12' AS integer)
SELECT count(*) FROM planes WHERE regexp_like(tailnum, '^N\d+$')
SELECT 1/0
SELECT carrier AS c, count(*) FROM flights GROUP BY c
SELECT carrier AS c, count(*) FROM flights GROUP BY 1 ORDER BY c
SELECT carrier AS c, count(*) AS n FROM flights GROUP BY carrier HAVING n > 10 ORDER BY 1
SELECT carrier AS c, count(*) AS n FROM flights GROUP BY carrier HAVING count(*) > 10 ORDER BY 1
SELECT arr_delay AS d FROM flights WHERE d > 100
SELECT count(*) FROM planes WHERE engine = "Turbo-fan"
SELECT count(*) FROM planes WHERE engine = 'Turbo-fan'
SELECT carrier FROM flights QUALIFY row_number() OVER (PARTITION BY carrier ORDER BY flight) = 1
SELECT faa FROM airports ORDER BY faa LIMIT 3 OFFSET 2
SELECT faa FROM airports ORDER BY faa OFFSET 2 LIMIT 3
SELECT faa FROM airports ORDER BY faa OFFSET 2 ROWS FETCH FIRST 3 ROWS ONLY
SELECT faa FROM airports ORDER BY faa FETCH FIRST ROW ONLY
SELECT count(DISTINCT "$path") FROM flights
SELECT DISTINCT "$path" FROM airlines
SELECT count(*) FROM airports WHERE name LIKE '%\_%' ESCAPE '\'
SELECT count(*) FROM airports WHERE name LIKE 'San %'
SELECT count(*) FROM airports WHERE name NOT LIKE '%a_r%'
SELECT count(*) FROM airports WHERE name ILIKE 'san %'
SELECT count(*) FROM airports WHERE lower(name) LIKE 'san %'
SHOW TABLES
SHOW TABLES LIKE 'a%'
SHOW TABLES FROM lake
SHOW COLUMNS FROM flights
DESCRIBE airports
DESCRIBE flights
DESCRIBE nowhere
SELECT * FROM "flights$partitions" ORDER BY 1, 2
SELECT table_name FROM information_schema.tables WHERE table_schema = 'lake' ORDER BY 1
SELECT column_name, data_type, ordinal_position FROM information_schema.columns WHERE table_schema = 'lake' AND table_name = 'kinds' ORDER BY 3
SELECT schema_name FROM information_schema.schemata WHERE schema_name = 'lake'
SELECT r, count(*) FROM quarantined_rows CROSS JOIN UNNEST(reasons) AS t(r) GROUP BY 1 ORDER BY 1
SELECT map_agg(origin, n)['JFK'] FROM (SELECT origin, count(*) n FROM flights GROUP BY 1)
SELECT CAST(1 AS decimal(10,2)) / 3, CAST('1.005' AS decimal(10,2))
SELECT sum(distance) FROM flights
SELECT time_hour FROM weather ORDER BY time_hour, origin LIMIT 2
WITH a AS (SELECT carrier, count(*) n FROM flights GROUP BY 1) SELECT max_by(carrier, n), min_by(carrier, n) FROM a
SELECT from_unixtime(0), to_unixtime(timestamp '1970-01-02 00:00:00')
SELECT sequence(1, 5), cardinality(sequence(1, 5)), element_at(sequence(1,5), -1)
SELECT mod(-5, 3), -5 % 3, -5 / 3
SELECT count(*) FROM flights WHERE time_hour >= '2013-06-01'
SELECT count(*) FROM flights WHERE time_hour >= TIMESTAMP '2013-06-01 00:00:00'
SELECT count(*) FROM flights WHERE time_hour >= DATE '2013-06-01'
SELECT count(*) FROM flights WHERE CAST(time_hour AS date) = DATE '2013-01-02'
SELECT dataset, outcome, files, rows_read, rows_curated, rows_quarantined, violations FROM runs ORDER BY dataset
SELECT count(*) FROM runs WHERE month < '2025-01'
SELECT dataset, reason, key, size FROM quarantined_files ORDER BY key
SELECT dataset, source_file, line, raw_record, reasons FROM quarantined_rows ORDER BY 2, 3
SELECT quarantined_at FROM quarantined_rows ORDER BY line LIMIT 1
SELECT created_at, finished_at > created_at FROM runs WHERE dataset = 'flights'
SELECT min(time_hour) AT TIME ZONE 'America/New_York' FROM flights
SELECT hour(min(time_hour) AT TIME ZONE 'America/New_York') FROM flights
SELECT nvl(arr_delay, 0) FROM flights LIMIT 1
SELECT ifnull(arr_delay, 0) FROM flights LIMIT 1
SELECT isnull(arr_delay) FROM flights LIMIT 1
SELECT string_agg(carrier, ',') FROM airlines
SELECT listagg(carrier, ',') WITHIN GROUP (ORDER BY carrier) FROM airlines
SELECT array_join(array_agg(carrier ORDER BY carrier DESC), '-') FROM airlines
SELECT group_concat(carrier) FROM airlines
SELECT carrier::varchar FROM airlines
SELECT len(name) FROM airlines
SELECT length(name) FROM airlines ORDER BY carrier
SELECT getdate()
SELECT datediff('day', DATE '2013-01-01', DATE '2013-01-05')
SELECT to_date('2013-01-01')
SELECT strftime('%Y', DATE '2013-01-01')
SELECT current_date = CAST(now() AS date)
SELECT year(current_date) > 2020
SELECT carrier || ' ' || name FROM airlines ORDER BY carrier
SELECT carrier || 1 FROM airlines
SELECT concat(carrier, '-', name) FROM airlines ORDER BY 1 LIMIT 2
SELECT concat(carrier, 1) FROM airlines
SELECT carrier + 1 FROM airlines
SELECT sum(carrier) FROM airlines
SELECT max(carrier), min(name) FROM airlines
SELECT nothing FROM airlines
SELECT a.nothing FROM airlines a
SELECT airlines.name FROM airlines a
SELECT name FROM nowhere
SELECT name FROM nowhere.airlines
SELECT lake.airlines.name FROM lake.airlines ORDER BY 1 LIMIT 1
SELECT name FROM awsdatacatalog.lake.airlines ORDER BY 1 LIMIT 1
SELECT carrier, name FROM airlines a JOIN airlines b ON a.carrier = b.carrier
SELECT a.carrier, b.name FROM airlines a JOIN airlines b ON a.carrier = b.carrier ORDER BY 1 LIMIT 2
SELECT carrier, a.name FROM airlines a JOIN airlines b USING (carrier) ORDER BY 1 LIMIT 2
SELECT * FROM airlines a JOIN airlines b USING (carrier) ORDER BY carrier LIMIT 2
SELECT a.carrier FROM airlines a JOIN airlines b USING (carrier)
SELECT * FROM airlines NATURAL JOIN flights
SELECT count(*) FROM flights f LEFT JOIN planes p ON f.tailnum = p.tailnum WHERE p.tailnum IS NULL
SELECT count(*) FROM flights f, planes p WHERE f.tailnum = p.tailnum
SELECT count(*) FROM flights f FULL JOIN airports p ON f.dest = p.faa
SELECT count(*) FROM flights f RIGHT JOIN airports p ON f.dest = p.faa
SELECT count(*) FROM airlines CROSS JOIN airports
SELECT count(*) FROM airlines a JOIN airports b
SELECT count(*) FROM flights f JOIN airlines a ON f.carrier = a.carrier AND f.flight > 1000
SELECT count(*) FROM flights f JOIN planes p ON f.tailnum = p.year
SELECT origin, dest, count(*) FROM flights GROUP BY origin
SELECT origin, count(*) FROM flights
SELECT origin, carrier, count(*) FROM flights GROUP BY ROLLUP (origin, carrier) ORDER BY 1, 2
SELECT origin, carrier, count(*) FROM flights GROUP BY CUBE (origin, carrier) ORDER BY 1, 2, 3
SELECT origin, carrier, count(*), grouping(origin, carrier) FROM flights GROUP BY GROUPING SETS ((origin), (carrier), ()) ORDER BY 1, 2
SELECT origin, count(*) FROM flights GROUP BY GROUPING SETS (origin, ()) ORDER BY 1
SELECT upper(origin) AS o, count(*) FROM flights GROUP BY upper(origin) ORDER BY o
SELECT upper(origin), count(*) FROM flights GROUP BY origin ORDER BY 1
SELECT count(*) FROM flights GROUP BY origin ORDER BY origin
SELECT origin FROM flights GROUP BY origin ORDER BY count(*) DESC, origin
SELECT origin FROM flights ORDER BY count(*)
SELECT DISTINCT origin FROM flights ORDER BY origin
SELECT DISTINCT origin FROM flights ORDER BY dest
SELECT DISTINCT ON (origin) dest FROM flights
SELECT origin, dest FROM flights GROUP BY ALL
SELECT origin FROM flights GROUP BY 2
SELECT origin FROM flights ORDER BY 2
SELECT count(*) FILTER (WHERE arr_delay > 0), count_if(arr_delay > 0) FROM flights
SELECT count(arr_delay), count(DISTINCT carrier), count(*) FROM flights
SELECT count(DISTINCT carrier, origin) FROM flights
SELECT sum(DISTINCT hour) FROM flights
SELECT carrier, round(avg(arr_delay), 2) FROM flights GROUP BY carrier ORDER BY 2 DESC NULLS LAST, 1
SELECT carrier, avg(dep_delay) m FROM flights GROUP BY carrier HAVING avg(dep_delay) > 10 ORDER BY m
SELECT stddev(arr_delay), variance(dep_delay), corr(dep_delay, arr_delay) FROM flights
SELECT approx_percentile(arr_delay, 0.5) FROM flights
SELECT max(arr_delay) - min(arr_delay) FROM flights
SELECT count(*) FROM flights WHERE arr_delay IS NULL
SELECT count(*) FROM flights WHERE arr_delay = NULL
SELECT count(*) FROM flights WHERE arr_delay IS NOT NULL AND NOT arr_delay > 0
SELECT count(*) FROM flights WHERE arr_delay BETWEEN 0 AND 10
SELECT count(*) FROM flights WHERE arr_delay BETWEEN '0' AND '10'
SELECT count(*) FROM flights WHERE carrier IN (SELECT carrier FROM airlines WHERE name LIKE 'U%')
SELECT count(*) FROM flights WHERE carrier NOT IN (SELECT carrier FROM airlines WHERE name LIKE 'U%')
SELECT count(*) FROM flights f WHERE EXISTS (SELECT 1 FROM planes p WHERE p.tailnum = f.tailnum)
SELECT count(*) FROM flights f WHERE NOT EXISTS (SELECT 1 FROM planes p WHERE p.tailnum = f.tailnum)
SELECT count(*) FROM flights WHERE arr_delay > (SELECT avg(arr_delay) FROM flights)
SELECT count(*) FROM flights WHERE arr_delay >= ALL (SELECT arr_delay FROM flights WHERE arr_delay IS NOT NULL)
SELECT (SELECT carrier FROM airlines)
SELECT (SELECT max(carrier) FROM airlines), (SELECT 1 WHERE false)
SELECT name, (SELECT count(*) FROM flights f WHERE f.carrier = a.carrier) FROM airlines a ORDER BY 1
SELECT a.carrier FROM airlines a WHERE a.carrier = (SELECT max(f.carrier) FROM flights f WHERE f.carrier = a.carrier) ORDER BY 1
SELECT carrier, flight, row_number() OVER (PARTITION BY carrier ORDER BY time_hour, flight, tailnum) n FROM flights WHERE month = '2' AND day = 1 ORDER BY 1, 3, 2 LIMIT 5
SELECT carrier, n, rank() OVER (ORDER BY n DESC), dense_rank() OVER (ORDER BY n DESC) FROM (SELECT carrier, count(*) n FROM flights GROUP BY carrier) ORDER BY n DESC, carrier
SELECT d, n, sum(n) OVER (ORDER BY d), avg(n) OVER (ORDER BY d ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (SELECT day d, count(*) n FROM flights GROUP BY day) ORDER BY d
SELECT d, lag(n) OVER (ORDER BY d), lead(n, 1, 0) OVER (ORDER BY d), first_value(n) OVER (ORDER BY d), n * 100.0 / sum(n) OVER () FROM (SELECT day d, count(*) n FROM flights GROUP BY day) ORDER BY d
SELECT d, ntile(2) OVER (ORDER BY d), percent_rank() OVER (ORDER BY d), cume_dist() OVER (ORDER BY d), last_value(d) OVER (ORDER BY d ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM (SELECT DISTINCT day d FROM flights) ORDER BY d
SELECT count(DISTINCT carrier) OVER () FROM airlines
SELECT row_number() FROM airlines
SELECT carrier FROM airlines WHERE row_number() OVER () = 1
SELECT carrier FROM airlines UNION SELECT faa FROM airports WHERE faa < '0A' ORDER BY 1
SELECT carrier FROM airlines UNION ALL SELECT 'x' ORDER BY carrier LIMIT 2
SELECT carrier FROM airlines EXCEPT SELECT carrier FROM flights ORDER BY 1
SELECT carrier FROM airlines INTERSECT SELECT carrier FROM flights ORDER BY 1
SELECT carrier FROM airlines UNION SELECT 1
SELECT carrier, name FROM airlines UNION SELECT carrier FROM airlines
SELECT 1 UNION SELECT 2.5 ORDER BY 1
VALUES (1, 'a'), (2, 'b')
VALUES 1, 2, 3
SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS t(n, s) ORDER BY n
SELECT n FROM (VALUES (1, 'a'), ('x', 'b')) AS t(n, s)
SELECT * FROM (VALUES 1) AS t(a, b)
TABLE airlines ORDER BY 1 LIMIT 1
WITH a(x) AS (SELECT carrier FROM airlines), b AS (SELECT max(x) m FROM a) SELECT m FROM b
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t
SELECT x, n FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t(x, n)
SELECT k, v FROM UNNEST(MAP(ARRAY['a', 'b'], ARRAY[1, 2])) AS t(k, v) ORDER BY k
SELECT a, b FROM UNNEST(ARRAY[1, 2, 3], ARRAY['x']) AS t(a, b) ORDER BY a
SELECT id, x FROM kinds CROSS JOIN UNNEST(list) AS t(x) ORDER BY id, x
SELECT id, x FROM kinds LEFT JOIN UNNEST(list) AS t(x) ON TRUE ORDER BY id, x
SELECT * FROM UNNEST(1) AS t(x)
SELECT count(*) FROM airlines TABLESAMPLE BERNOULLI (50)
SELECT * EXCLUDE (name) FROM airlines
SELECT * EXCEPT (name) FROM airlines
SELECT TOP 5 * FROM airlines
SELECT carrier, FROM airlines
SELECT FROM airlines
SELECT * FROM airlines LIMIT '3'
SELECT * FROM airlines WHERE carrier == 'AA'
SELECT * FROM airlines WHERE carrier != 'AA' ORDER BY 1 LIMIT 1
SELECT * FROM airlines WHERE NOT carrier LIKE 'A%' ORDER BY 1 LIMIT 1
SELECT * FROM airlines WHERE carrier IS TRUE
SELECT * FROM airlines WHERE carrier
SELECT * FROM airlines WHERE 1
SELECT * FROM airlines WHERE carrier ~ 'A'
SELECT * FROM airlines WHERE carrier RLIKE 'A'
SELECT * FROM airlines WHERE carrier SIMILAR TO 'A'
SELECT CASE WHEN arr_delay > 15 THEN 'late' WHEN arr_delay IS NULL THEN 'none' ELSE 'fine' END s, count(*) FROM flights GROUP BY 1 ORDER BY 1
SELECT CASE carrier WHEN 'AA' THEN 1 ELSE 0.5 END FROM airlines ORDER BY carrier LIMIT 2
SELECT CASE carrier WHEN 'AA' THEN 1 ELSE 'x' END FROM airlines
SELECT CASE carrier WHEN 1 THEN 1 END FROM airlines
SELECT IF(carrier = 'AA', 'yes', 'no') FROM airlines ORDER BY carrier LIMIT 2
SELECT coalesce(arr_delay, 0) FROM flights ORDER BY time_hour, carrier, flight LIMIT 3
SELECT coalesce(arr_delay, 'none') FROM flights
SELECT nullif(carrier, 'AA') FROM airlines ORDER BY carrier LIMIT 3
SELECT greatest(1, 2.5, 3), least('a', 'b'), greatest(1, NULL)
SELECT transform(ARRAY[1, 2], x -> x * 2), filter(ARRAY[1, 2, 3], x -> x > 1)
SELECT reduce(ARRAY[1, 2, 3], 0, (s, x) -> s + x, s -> s)
SELECT any_match(ARRAY[1, 2], x -> x > 1), all_match(ARRAY[1, 2], x -> x > 1), none_match(ARRAY[1, 2], x -> x > 5)
SELECT any_match(ARRAY[1, NULL], x -> x > 1), all_match(ARRAY[]::array(integer), x -> x > 1)
SELECT id, transform(counts, x -> x + id) FROM kinds ORDER BY id
SELECT array_sort(ARRAY[3, 1, 2], (a, b) -> IF(a < b, 1, -1))
SELECT regexp_replace('ab12', '(\d)(\d)', '$2$1'), regexp_extract('ab12', '(\d)(\d)', 2), regexp_extract('ab', '\d')
SELECT CAST('abcdef' AS varchar(3)), CAST(12 AS varchar), CAST(12345 AS varchar(3))
SELECT CAST(' 12' AS integer)
SELECT CAST('1.5' AS integer)
SELECT CAST(2.5e0 AS integer), CAST(-2.5e0 AS integer), CAST(2.5 AS integer), CAST(3.5e0 AS bigint)
SELECT CAST('x' AS date)
SELECT CAST(1.5e0 AS varchar)
SELECT CAST(DATE '2013-01-01' AS varchar), CAST(TIMESTAMP '2013-01-01 10:00:00' AS varchar), CAST(true AS varchar)
SELECT DATE '2013-02-28' + INTERVAL '1' DAY, TIMESTAMP '2013-01-31 00:00:00' + INTERVAL '1' MONTH
SELECT DATE '2013-01-01' + 1
SELECT DATE '2013-01-01' - DATE '2012-01-01'
SELECT date_add('day', 1, DATE '2013-02-28'), date_trunc('month', DATE '2013-02-28'), date_trunc('hour', TIMESTAMP '2013-02-28 10:30:00')
SELECT date_add('hour', 1, DATE '2013-02-28')
SELECT DATE_ADD(DATE '2013-02-28', INTERVAL 1 DAY)
SELECT EXTRACT(YEAR FROM DATE '2013-02-28'), EXTRACT(DOW FROM DATE '2013-02-28'), day_of_week(DATE '2013-03-03'), week(DATE '2012-12-31')
SELECT DATE '2013-02-30'
SELECT DATE 'x'
SELECT '2013-01-01' > DATE '2012-01-01'
SELECT 1 = '1'
SELECT true = 1
SELECT true AND 1
SELECT NOT 1
SELECT -'a'
SELECT NULL = NULL, NULL IS NULL, 1 IS DISTINCT FROM NULL
SELECT NULL + 1, NULL || 'a', 1 / NULL
SELECT '' IS NULL, length('')
SELECT 5 / 2, -5 / 2, 5.0 / 2, 5 % 2, 5.5 % 2, 5e0 / 2
SELECT 1e0 / 0, 0e0 / 0
SELECT 1.0 / 0
SELECT 2147483647 + 1
SELECT 2147483648 + 1
SELECT 9223372036854775807 + 1
SELECT 9223372036854775808
SELECT CAST(300 AS tinyint)
SELECT abs(-5), ceil(1.2), floor(-1.2), round(2.5), round(-2.567, 2), sign(-3), truncate(1.9e0)
SELECT power(2, 3), sqrt(16), exp(0), ln(1), log10(100), log2(8), pi(), mod(7, 3)
SELECT ARRAY[1, 2, 3][4]
SELECT ARRAY[1, 2, 3][0]
SELECT element_at(ARRAY[1, 2, 3], 4), element_at(MAP(ARRAY['a'], ARRAY[1]), 'b')
SELECT MAP(ARRAY['a'], ARRAY[1])['b']
SELECT contains(ARRAY[1, 2], 2), contains(ARRAY[1, NULL], 2), array_position(ARRAY[1, 2], 3), cardinality(ARRAY[1])
SELECT array_max(ARRAY[1, 3, 2]), array_min(ARRAY[1, NULL]), array_distinct(ARRAY[1, 1]), slice(ARRAY[1, 2, 3], 2, 2)
SELECT json_extract_scalar('{"a": {"b": [1, "x"]}}', '$.a.b[1]'), json_extract_scalar('{"a": {}}', '$.a')
SELECT json_extract('{"a": 1}', '$.a')
SELECT ROW(1, 'x')
SELECT typeof(1), typeof('a'), typeof(1.5), typeof(NULL)
SELECT version()
SELECT split('a,b,,c', ','), split_part('a,b', ',', 2), split_part('a,b', ',', 3)
SELECT substr('flights', 3), substr('flights', -3), substr('flights', 0), substring('flights' FROM 2 FOR 3), substr('ab', -5, 2)
SELECT lpad('7', 3, '0'), rpad('abc', 2, 'x'), trim('  a '), ltrim('xxa', 'x'), trim(BOTH 'x' FROM 'xax'), replace('aba', 'b'), reverse('abc')
SELECT strpos('hello', 'l'), position('l' IN 'hello'), upper('straße'), starts_with('abc', 'ab'), chr(65), codepoint('A')
SELECT to_hex(to_utf8('a')), to_hex(md5(to_utf8('a'))), from_utf8(X'61')
SELECT 'it''s', U&'\0041', 'ü', X'00ff'
SELECT * FROM kinds ORDER BY id
SELECT "id", "KINDS"."Id" FROM kinds ORDER BY ID
SELECT `id` FROM kinds
SELECT id FROM 'kinds'
SELECT ID AS "Mixed Case" FROM kinds ORDER BY 1
SELECT id end FROM kinds
SELECT id AS order FROM kinds
SELECT count(*) c FROM kinds k WHERE k.id > 1
SELECT sum(price), avg(price), sum(money), avg(money) FROM kinds
SELECT sum(tiny), sum(single), avg(small), sum(twice), max(big), min(day), max(at), min(text) FROM kinds
SELECT id FROM kinds ORDER BY text, id
SELECT id FROM kinds ORDER BY twice DESC, id
SELECT id FROM kinds ORDER BY twice DESC NULLS FIRST, id
SELECT id, list[1] FROM kinds WHERE cardinality(list) > 0 ORDER BY id
SELECT id FROM kinds WHERE contains(list, 'a')
SELECT * FROM kinds FOR VERSION AS OF 1
SELECT 1; SELECT 2
SELECT 1;
SELECT 1 -- a comment
/* a comment */ SELECT 1
EXPLAIN SELECT 1
UPDATE airlines SET name = 'x'
DELETE FROM airlines
GRANT SELECT ON airlines TO x
SELECT CURRENT_TIMESTAMP > TIMESTAMP '2020-01-01 00:00:00 UTC', localtimestamp > TIMESTAMP '2020-01-01 00:00:00'
SELECT date_parse('2013-05-06 07:08', '%Y-%m-%d %H:%i'), date('2013-05-06'), from_iso8601_date('2013-05-06')
SELECT from_unixtime(1.5), with_timezone(TIMESTAMP '2013-01-01 00:00:00', 'Europe/Berlin'), at_timezone(TIMESTAMP '2013-01-01 00:00:00 UTC', 'Asia/Tokyo')
SELECT TIMESTAMP '2013-01-01 00:00:00' AT TIME ZONE 'Nowhere/At_all'
SELECT date_format(TIMESTAMP '2013-01-02 03:04:05', '%W %M %e %c %k %l %p %j %y %b')
SELECT last_day_of_month(DATE '2012-02-05'), day_of_year(DATE '2012-12-31'), quarter(DATE '2012-12-31'), year_of_week(DATE '2012-12-31')
SELECT bool_and(yes), bool_or(yes), every(yes), arbitrary(id) IS NOT NULL FROM kinds
SELECT max_by(text, id), min_by(id, twice), map_agg(id, text)[2] FROM kinds
SELECT histogram(yes)[true] FROM kinds
SELECT bitwise_and(5, 3), bitwise_or(5, 3), bitwise_xor(5, 3), bitwise_not(5)
SELECT id, CASE WHEN whole > 0 THEN price ELSE money END FROM kinds ORDER BY id
SELECT a.id, b.id FROM kinds a JOIN kinds b ON a.id = b.id + 1 ORDER BY 1
SELECT id FROM kinds WHERE (whole, big) = (70000, 5000000000)
SELECT id FROM kinds WHERE whole = ANY (VALUES 70000, 3)
SELECT sum(n) FROM (SELECT id n FROM kinds UNION ALL SELECT id FROM kinds) t
SELECT k.* FROM kinds k WHERE false
SELECT x.* FROM kinds k
SELECT avg(id) FROM kinds WHERE id > 100
SELECT sum(id), count(id), array_agg(id) FROM kinds WHERE id > 100
SELECT count(*) FROM kinds GROUP BY id HAVING id > 2
SELECT 1 FROM kinds HAVING count(*) > 1
SELECT max(sum(id)) FROM kinds
SELECT sum(sum(id)) OVER () FROM kinds
SELECT id, sum(count(*)) OVER (ORDER BY id) FROM kinds GROUP BY id ORDER BY id
SELECT sum(id) OVER w FROM kinds WINDOW w AS (ORDER BY id) ORDER BY 1
SELECT length(1)
SELECT upper(1)
SELECT no_such_function(1)
SELECT round('a')
SELECT substr(1, 2)
SELECT year('2013-01-01')
SELECT date_trunc('day', '2013-01-01')
SELECT date_diff('fortnight', DATE '2013-01-01', DATE '2013-01-02')
SELECT json_parse('{"a":1}')
