-- Mean arrival delay and flights by carrier, over all months.
SELECT carrier, count(*) AS flights, round(avg(arr_delay), 2) AS mean_arrival_delay
FROM flights
GROUP BY carrier
ORDER BY mean_arrival_delay DESC NULLS LAST, carrier
