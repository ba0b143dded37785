-- Rows of one run of the smoke test (parameters: day, run).
SELECT count(*) AS rows
FROM canary
WHERE CAST(day AS varchar) = ? AND run = ?
