-- One statement a line: every function and aggregate that the quick engine translates.
SELECT id, length(text), lower(text), upper(text), reverse(text) FROM kinds ORDER BY id
SELECT id, trim(text), ltrim(text), rtrim(text), trim(text, 'S7'), ltrim(text, ' '), rtrim(text, ' 7') FROM kinds ORDER BY id
SELECT id, replace(text, 'a'), replace(text, 'a', 'xyz'), starts_with(text, 'Str'), strpos(text, 'a') FROM kinds ORDER BY id
SELECT id, translate(text, 'abc', 'xyz'), concat_ws('-', text, 'x', text) FROM kinds ORDER BY id
SELECT codepoint('A'), codepoint('ß'), chr(8364)
SELECT id, to_hex(md5(raw)), to_hex(sha256(raw)), to_hex(sha1(raw)), to_hex(raw), to_base64(raw), length(raw) FROM kinds ORDER BY id
SELECT from_hex('00ff'), from_base64('YWJj'), to_utf8('ß'), from_utf8(to_utf8('ß'))
SELECT id, abs(tiny), abs(small), abs(whole), abs(big), abs(price), abs(single), abs(twice) FROM kinds ORDER BY id
SELECT sqrt(2), cbrt(27), exp(1), power(2, 0.5), pow(2, 10), sin(1), cos(1), tan(1), atan(1), atan2(1, 2)
SELECT sqrt(-1), ln(0), ln(-1), log(2, 8), log10(1000), log2(1024), degrees(1), radians(180), pi(), e()
SELECT nan(), infinity(), -infinity(), is_nan(nan()), is_finite(1), is_infinite(infinity())
SELECT nan() = nan(), nan() <> nan(), nan() > 1, nan() < 1, 1 < infinity()
SELECT bitwise_and(12, 10), bitwise_or(12, 10), bitwise_xor(12, 10), bitwise_not(12)
SELECT id, year(day), quarter(day), month(day), week(day), week_of_year(day), day(day), day_of_month(day) FROM kinds ORDER BY id
SELECT id, day_of_week(day), dow(day), day_of_year(day), doy(day), year_of_week(day), yow(day), last_day_of_month(day) FROM kinds ORDER BY id
SELECT id, year(at), month(at), day(at), hour(at), minute(at), second(at), millisecond(at), last_day_of_month(at), to_unixtime(at) FROM kinds ORDER BY id
SELECT id, cardinality(list), cardinality(counts), array_sort(list), array_sort(counts), reverse(list) FROM kinds ORDER BY id
SELECT id, array_join(list, '-'), array_position(list, 'b'), array_position(counts, 9), array_remove(list, 'a'), contains(list, 'c'), contains(counts, 5) FROM kinds ORDER BY id
SELECT array_max(ARRAY[1, 3, 2]), array_min(ARRAY[3, NULL]), flatten(ARRAY[ARRAY[1], ARRAY[2, 3]]), slice(ARRAY[1, 2, 3], 2, 5), repeat(7, 3)
SELECT id, array_max(counts), array_min(counts), element_at(counts, 1), element_at(counts, -1), element_at(list, 2) FROM kinds ORDER BY id
SELECT cardinality(MAP(ARRAY['a', 'b'], ARRAY[1, 2])), map_keys(MAP(ARRAY['a'], ARRAY[1])), map_values(MAP(ARRAY['a'], ARRAY[1])), MAP(ARRAY['a'], ARRAY[1])
SELECT sequence(1, 9, 3), sequence(5, 1), sequence(0, 10, 5)
SELECT split('a-b-c', '-'), split_part('a-b-c', '-', 1), split_part('a-b-c', '-', 4)
SELECT id, coalesce(tiny, big), coalesce(price, money), coalesce(text, 'none'), nullif(tiny, 5), nullif(text, '') FROM kinds ORDER BY id
SELECT id, greatest(tiny, small), least(price, money), greatest(text, 'b'), least(day, DATE '2013-01-01'), greatest(at, TIMESTAMP '2013-01-01 00:00:00') FROM kinds ORDER BY id
SELECT id, concat(text, '!'), substr(text, 2), substr(text, 2, 3), substr(text, -2), substring(text, 1, 1), lpad(text, 12, '*'), rpad(text, 3, 'x') FROM kinds ORDER BY id
SELECT id, regexp_like(text, '[0-9]'), regexp_extract(text, '[a-z]+'), regexp_extract(text, '(\d)', 1), regexp_extract_all(text, '[a-c]'), regexp_replace(text, '\s'), regexp_replace(text, '(a)', '<$1>'), regexp_split(text, ','), regexp_count(text, ',') FROM kinds ORDER BY id
SELECT id, round(price), round(money, 1), round(twice), round(single), round(big), ceil(price), ceiling(twice), floor(money), floor(single), sign(price), sign(tiny), truncate(money), truncate(twice) FROM kinds ORDER BY id
SELECT round(2.5), round(-2.5), round(3.5e0), round(-2.5e0), round(1234.5678, 2), round(1234.5678e0, 1), round(1234, -2), round(0.5), floor(-0.5), ceil(0.1)
SELECT mod(7, 3), mod(-7, 3), mod(7.5, 2), mod(7, -3)
SELECT json_extract_scalar('{"a": "b", "n": 1.5, "t": true, "z": null, "l": [1, 2]}', '$.a'), json_extract_scalar('{"n": 1.5}', '$.n'), json_extract_scalar('{"l": [1, 2]}', '$.l[1]'), json_extract_scalar('{"t": true}', '$.t'), json_extract_scalar('{"z": null}', '$.z'), json_extract_scalar('no json', '$.a')
SELECT ROW(1, 'a', 2.5), ROW(ARRAY[1])
SELECT typeof(price), typeof(list), typeof(at), typeof(day), typeof(single) FROM kinds WHERE id = 1
SELECT id, date_trunc('year', day), date_trunc('quarter', day), date_trunc('month', day), date_trunc('week', day), date_trunc('day', day) FROM kinds ORDER BY id
SELECT id, date_trunc('month', at), date_trunc('week', at), date_trunc('day', at), date_trunc('hour', at), date_trunc('minute', at), date_trunc('second', at) FROM kinds ORDER BY id
SELECT id, date_add('day', 3, day), date_add('week', -1, day), date_add('month', 1, day), date_add('quarter', 1, day), date_add('year', 1, day) FROM kinds ORDER BY id
SELECT id, date_add('hour', 3, at), date_add('minute', -1, at), date_add('second', 1, at), date_add('millisecond', 7, at), date_add('month', 1, at), date_add('year', -1, at) FROM kinds ORDER BY id
SELECT id, date_diff('day', day, DATE '2013-03-01'), date_diff('month', day, DATE '2013-03-01'), date_diff('year', day, DATE '2013-03-01'), date_diff('week', day, DATE '2013-03-01'), date_diff('quarter', day, DATE '2013-03-01') FROM kinds ORDER BY id
SELECT id, date_diff('hour', at, TIMESTAMP '2013-03-11 06:00:00'), date_diff('minute', at, TIMESTAMP '2013-03-11 06:00:00'), date_diff('second', at, TIMESTAMP '2013-03-11 06:00:00'), date_diff('day', at, TIMESTAMP '2013-03-11 06:00:00'), date_diff('month', at, TIMESTAMP '2013-04-09 06:00:00'), date_diff('millisecond', at, TIMESTAMP '2013-03-11 06:00:00') FROM kinds ORDER BY id
SELECT date_diff('month', DATE '2013-01-31', DATE '2013-02-28'), date_diff('month', DATE '2013-02-28', DATE '2013-01-31'), date_diff('year', DATE '2012-02-29', DATE '2013-02-28'), date_diff('day', TIMESTAMP '2013-01-02 00:00:00', TIMESTAMP '2013-01-01 12:00:00')
SELECT id, date_format(at, '%Y-%m-%d %H:%i:%s'), date_format(at, '%y %b %M %a %W %j %p %h %e %c %k %l'), date_format(day, '%d/%m/%Y') FROM kinds ORDER BY id
SELECT id, format_datetime(at, 'yyyy-MM-dd''T''HH:mm:ss.SSS'), format_datetime(at, 'EEE, d MMM yyyy h:mm a'), format_datetime(at, 'yy/M/d H:m:s DDD EEEE MMMM') FROM kinds ORDER BY id
SELECT date_parse('2013-05-06', '%Y-%m-%d'), date_parse('06/05/2013 07:08:09', '%d/%m/%Y %H:%i:%s'), date('2013-05-06'), date(TIMESTAMP '2013-05-06 07:08:09'), from_iso8601_date('2013-05-06')
SELECT from_unixtime(0), from_unixtime(1.5e0), from_unixtime(1357016400)
SELECT with_timezone(TIMESTAMP '2013-07-01 12:00:00', 'America/New_York'), at_timezone(TIMESTAMP '2013-07-01 12:00:00 UTC', 'America/New_York'), TIMESTAMP '2013-07-01 12:00:00' AT TIME ZONE 'Asia/Kolkata'
SELECT hour(TIMESTAMP '2013-07-01 12:00:00 UTC' AT TIME ZONE 'America/New_York'), CAST(TIMESTAMP '2013-07-01 02:00:00 UTC' AT TIME ZONE 'America/New_York' AS date), date_trunc('day', TIMESTAMP '2013-07-01 02:00:00 UTC' AT TIME ZONE 'America/New_York')
SELECT CAST(TIMESTAMP '2013-07-01 12:00:00.5 America/New_York' AS timestamp), CAST(TIMESTAMP '2013-07-01 12:00:00 UTC' AS varchar), TIMESTAMP '2013-07-01 12:00:00 UTC' = TIMESTAMP '2013-07-01 12:00:00'
SELECT now() >= current_timestamp, year(now()) >= 2026, current_date <= CAST(now() AS date)
SELECT TIMESTAMP '2013-01-01 00:00:00' - TIMESTAMP '2012-12-31 12:30:00', INTERVAL '3' DAY * 2, INTERVAL '1' HOUR + INTERVAL '30' MINUTE, INTERVAL '1' YEAR + INTERVAL '2' MONTH, -INTERVAL '1' DAY
SELECT id, at + INTERVAL '1' DAY, at - INTERVAL '90' SECOND, day + INTERVAL '1' MONTH, day - INTERVAL '1' YEAR, INTERVAL '2' DAY + day FROM kinds ORDER BY id
SELECT id, EXTRACT(YEAR FROM at), EXTRACT(QUARTER FROM at), EXTRACT(MONTH FROM at), EXTRACT(WEEK FROM at), EXTRACT(DAY FROM at), EXTRACT(DOW FROM at), EXTRACT(DOY FROM at), EXTRACT(HOUR FROM at), EXTRACT(MINUTE FROM at), EXTRACT(SECOND FROM at), EXTRACT(YOW FROM at) FROM kinds ORDER BY id
SELECT trim(LEADING '0' FROM '007'), trim(TRAILING 'x' FROM 'axx'), trim(BOTH FROM ' a '), position('b' IN 'abc'), substring('abcdef' FROM 3)
SELECT transform(ARRAY[1, 2], x -> x * 1.5), filter(ARRAY['a', NULL, 'b'], x -> x IS NOT NULL), reduce(ARRAY[5, 20], 0, (s, x) -> s + x, s -> s * 2)
SELECT id, transform(counts, x -> coalesce(x, 0) + id), filter(counts, x -> x > 1), any_match(counts, x -> x > 2), all_match(counts, x -> x > 0), none_match(counts, x -> x > 9) FROM kinds ORDER BY id
SELECT id, transform(list, x -> upper(x)), any_match(list, x -> x = 'a'), transform(transform(counts, x -> x + 1), y -> y * 2) FROM kinds ORDER BY id
SELECT sum(tiny), sum(small), sum(whole), sum(big), sum(price), sum(money), sum(single), sum(twice) FROM kinds
SELECT avg(tiny), avg(small), avg(whole), avg(big), avg(price), avg(money), avg(single), avg(twice) FROM kinds
SELECT min(tiny), max(big), min(price), max(money), min(single), max(twice), min(text), max(text), min(day), max(at), min(yes) FROM kinds
SELECT count(*), count(1), count(tiny), count(DISTINCT yes), count_if(yes), bool_and(yes), bool_or(yes), every(yes) FROM kinds
SELECT arbitrary(carrier), any_value(carrier) FROM airlines WHERE carrier = 'AA'
SELECT max_by(name, carrier), min_by(name, carrier) FROM airlines
SELECT array_agg(tiny ORDER BY id), array_agg(text ORDER BY id DESC), array_agg(id ORDER BY twice DESC NULLS LAST, id) FROM kinds
SELECT array_sort(array_agg(DISTINCT origin)) FROM flights
SELECT stddev(arr_delay), stddev_samp(arr_delay), stddev_pop(arr_delay), variance(arr_delay), var_samp(arr_delay), var_pop(arr_delay) FROM flights
SELECT corr(CAST(dep_delay AS double), CAST(arr_delay AS double)), covar_pop(CAST(dep_delay AS double), CAST(arr_delay AS double)), covar_samp(CAST(dep_delay AS double), CAST(arr_delay AS double)) FROM flights
SELECT regr_slope(CAST(arr_delay AS double), CAST(dep_delay AS double)), regr_intercept(CAST(arr_delay AS double), CAST(dep_delay AS double)) FROM flights
SELECT bitwise_and_agg(day), bitwise_or_agg(day) FROM flights
SELECT map_agg(carrier, name)['AA'], histogram(substr(carrier, 1, 1))['A'] FROM airlines
SELECT origin, listagg(carrier, ',') WITHIN GROUP (ORDER BY carrier) FROM (SELECT DISTINCT origin, carrier FROM flights) GROUP BY origin ORDER BY origin
SELECT origin, count(*) FILTER (WHERE arr_delay > 30), sum(distance) FILTER (WHERE month = '7'), avg(arr_delay) FILTER (WHERE carrier = 'UA') FROM flights GROUP BY origin ORDER BY origin
SELECT id, row_number() OVER (ORDER BY id), rank() OVER (ORDER BY yes), dense_rank() OVER (ORDER BY yes), percent_rank() OVER (ORDER BY id), cume_dist() OVER (ORDER BY id), ntile(3) OVER (ORDER BY id) FROM kinds ORDER BY id
SELECT id, first_value(tiny) OVER (ORDER BY id), last_value(tiny) OVER (ORDER BY id), nth_value(tiny, 2) OVER (ORDER BY id), lag(tiny) OVER (ORDER BY id), lag(tiny, 2) OVER (ORDER BY id), lead(tiny, 1, tiny) OVER (ORDER BY id) FROM kinds ORDER BY id
SELECT id, last_value(tiny) IGNORE NULLS OVER (ORDER BY id), lag(tiny) IGNORE NULLS OVER (ORDER BY id), first_value(tiny) IGNORE NULLS OVER (ORDER BY id DESC) FROM kinds ORDER BY id
SELECT id, sum(tiny) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), count(*) OVER (ORDER BY id RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), max(id) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING), sum(price) OVER () FROM kinds ORDER BY id
SELECT grouping(origin), origin, count(*) FROM flights GROUP BY ROLLUP (origin) ORDER BY 1, 2
SELECT id, CAST(tiny AS boolean), CAST(yes AS integer), CAST(price AS integer), CAST(money AS decimal(10,1)), CAST(twice AS real), CAST(single AS decimal(10,2)), CAST(day AS timestamp), CAST(at AS date), CAST(at AS varchar), CAST(day AS varchar) FROM kinds ORDER BY id
SELECT try_cast('x' AS double), try_cast('1e3' AS double), try_cast('2013-02-30' AS date), try_cast('2013-02-28' AS date), try_cast('t' AS boolean), try_cast('2' AS boolean), try_cast('300' AS tinyint)
SELECT CAST('1.005' AS decimal(5,2)), CAST('-1.005' AS decimal(5,2)), CAST(1.005 AS decimal(5,2)), CAST(1.5 AS integer), CAST(-1.5 AS integer), CAST(0.1e0 AS decimal(10,5))
SELECT CAST(1 AS decimal(10,2)) / 3, CAST(2 AS decimal(5,1)) / CAST(3 AS decimal(5,3)), 10.00 / 4, 1 / 3.0, 2.0 / 3, -2.0 / 3, 1.5 * 1.5, 1.5 + 1.25, 1.5 - 3, 7.5 % 2.0
SELECT levenshtein_distance('abc', 'abd')
SELECT count(*) FILTER (WHERE yes) OVER (ORDER BY id) FROM kinds
SELECT codepoint(text) FROM kinds
