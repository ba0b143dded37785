-- Batches of one dataset (parameter: dataset) of this month and the last, the latest first, with their accounting.
SELECT batch_id, outcome, purpose, created_at, finished_at, files, files_quarantined,
       rows_read, rows_curated, rows_quarantined, rows_duplicate, rows_replaced, seconds_to_published, violations, error
FROM runs
WHERE dataset = ? AND month >= date_format(date_add('month', -1, current_date), '%Y-%m')
ORDER BY created_at DESC, batch_id
LIMIT 100
