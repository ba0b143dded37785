-- Mean departure delay by visibility at the origin, in whole miles.
SELECT CAST(floor(w.visib) AS integer) AS visibility_miles, count(*) AS flights,
       round(avg(f.dep_delay), 2) AS mean_departure_delay
FROM flights f
JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour AND w.year = f.year AND w.month = f.month
GROUP BY 1
ORDER BY 1
