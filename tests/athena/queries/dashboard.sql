-- A dashboard's worth: twelve questions of the size that BI tools send, over the demo's data; statements end with ';'.
-- Delays by carrier and month, with each carrier's share and the change against the month before.
WITH monthly AS (
    SELECT f.carrier, f.month, count(*) AS flights, avg(f.arr_delay) AS mean_delay,
           count_if(f.arr_delay > 15) AS late, count_if(f.arr_delay IS NULL) AS missing
    FROM flights f WHERE f.year = '2013' GROUP BY f.carrier, f.month)
SELECT a.name, m.month, m.flights, round(m.mean_delay, 2) AS mean_delay,
       round(100e0 * m.late / m.flights, 1) AS late_percent,
       round(100e0 * m.flights / sum(m.flights) OVER (PARTITION BY m.month), 2) AS share,
       m.flights - lag(m.flights) OVER (PARTITION BY m.carrier ORDER BY m.month) AS change
FROM monthly m JOIN airlines a ON a.carrier = m.carrier
ORDER BY a.name, m.month;
-- The three most frequent destinations of each origin.
SELECT origin, dest, flights, place FROM (
    SELECT origin, dest, count(*) AS flights,
           row_number() OVER (PARTITION BY origin ORDER BY count(*) DESC, dest) AS place
    FROM flights GROUP BY origin, dest) ranked
WHERE place <= 3 ORDER BY origin, place;
-- Punctuality by the hour of the day.
SELECT hour, count(*) AS flights, count(dep_delay) AS departed,
       round(avg(CASE WHEN dep_delay <= 0 THEN 1e0 WHEN dep_delay > 0 THEN 0e0 END), 3) AS punctual,
       max(dep_delay) AS worst, min(dep_delay) AS best
FROM flights GROUP BY hour HAVING count(dep_delay) > 10 ORDER BY hour;
-- The fleet: planes by manufacturer and decade, and the flights that they made.
SELECT p.manufacturer, p.year / 10 * 10 AS decade, count(DISTINCT p.tailnum) AS planes, count(f.flight) AS flights,
       coalesce(sum(f.distance), 0) AS miles
FROM planes p LEFT JOIN flights f ON f.tailnum = p.tailnum
WHERE p.year IS NOT NULL
GROUP BY p.manufacturer, p.year / 10 * 10
HAVING count(f.flight) > 20 ORDER BY miles DESC, p.manufacturer, decade LIMIT 20;
-- Weather and delays, in buckets.
SELECT CASE WHEN w.wind_speed < 5 THEN 'calm' WHEN w.wind_speed < 15 THEN 'breeze' ELSE 'wind' END AS wind,
       CASE WHEN w.precip > 0 THEN 'wet' ELSE 'dry' END AS rain,
       count(*) AS flights, round(avg(f.dep_delay), 2) AS mean_delay, count_if(f.dep_time IS NULL) AS cancelled
FROM flights f JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour
GROUP BY 1, 2 ORDER BY 1, 2;
-- Totals with subtotals.
SELECT coalesce(origin, 'all') AS origin, coalesce(month, 'all') AS month, count(*) AS flights, sum(distance) AS miles,
       grouping(origin, month) AS level
FROM flights GROUP BY ROLLUP (origin, month) ORDER BY level, origin, month;
-- Routes that are flown in one direction only.
SELECT a.origin, a.dest, a.n FROM (SELECT origin, dest, count(*) AS n FROM flights GROUP BY 1, 2) a
WHERE NOT EXISTS (SELECT 1 FROM flights b WHERE b.origin = a.dest AND b.dest = a.origin) AND a.n > 12
ORDER BY a.n DESC, a.origin, a.dest;
-- Carriers above the mean of all.
SELECT carrier, flights, round(mean_air_time, 1) AS mean_air_time FROM (
    SELECT carrier, count(*) AS flights, avg(air_time) AS mean_air_time FROM flights GROUP BY carrier) c
WHERE mean_air_time > (SELECT avg(air_time) FROM flights) ORDER BY carrier;
-- A running total by day, and the mean of the last days.
SELECT day, flights, sum(flights) OVER (ORDER BY day) AS so_far,
       round(avg(flights) OVER (ORDER BY day ROWS BETWEEN 2 PRECEDING AND CURRENT ROW), 2) AS moving
FROM (SELECT CAST(time_hour AS date) AS day, count(*) AS flights FROM flights GROUP BY CAST(time_hour AS date)) d
ORDER BY day;
-- How delays are distributed.
SELECT bucket, count(*) AS flights, round(100e0 * count(*) / sum(count(*)) OVER (), 2) AS percent FROM (
    SELECT CASE WHEN arr_delay IS NULL THEN 'none' WHEN arr_delay < 0 THEN 'early' WHEN arr_delay <= 15 THEN 'punctual'
                WHEN arr_delay <= 60 THEN 'late' ELSE 'very late' END AS bucket FROM flights) b
GROUP BY bucket ORDER BY flights DESC, bucket;
-- Airports of the north with flights, and how far they are.
SELECT p.faa, upper(p.name) AS name, round(p.lat, 3) AS lat, p.alt, x.flights, x.distance
FROM airports p JOIN (SELECT dest, count(*) AS flights, max(distance) AS distance FROM flights GROUP BY dest) x ON x.dest = p.faa
WHERE p.lat > 40 AND p.tz BETWEEN -8 AND -5 ORDER BY x.flights DESC, p.faa LIMIT 15;
-- This month's flights beside those of the month before the summer, by weekday.
SELECT day_of_week(time_hour) AS weekday, count_if(month = '7') AS july, count_if(month = '2') AS february,
       date_format(min(time_hour), '%Y-%m-%d') AS first_day, date_diff('day', min(time_hour), max(time_hour)) AS days
FROM flights WHERE month IN ('2', '7') GROUP BY day_of_week(time_hour) ORDER BY weekday;
