"""The Spark job that stages a batch."""
