-- The ten busiest routes of one month (parameters: year, month), with the names of carrier and destination.
SELECT a.name AS carrier, f.origin, p.name AS destination, count(*) AS flights,
       round(avg(f.arr_delay), 2) AS mean_arrival_delay
FROM flights f
JOIN airlines a ON a.carrier = f.carrier
JOIN airports p ON p.faa = f.dest
WHERE f.year = ? AND f.month = ?
GROUP BY a.name, f.origin, p.name
ORDER BY flights DESC, carrier, f.origin, destination
LIMIT 10
