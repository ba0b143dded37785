-- Quarantined rows of one dataset (parameter: dataset) by reason; a row with two reasons counts for both.
SELECT reason, count(*) AS rows, count(DISTINCT batch_id) AS batches, max(quarantined_at) AS latest
FROM quarantined_rows
CROSS JOIN UNNEST(reasons) AS each_row (reason)
WHERE dataset = ?
GROUP BY reason
ORDER BY rows DESC, reason
