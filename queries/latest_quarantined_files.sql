-- Files in quarantine, the latest first, with the reason.
SELECT quarantined_at, dataset, reason, bucket, key, version, size, format, landed_at
FROM quarantined_files
ORDER BY quarantined_at DESC, bucket, key, version
LIMIT 100
