"""Read images that a CSV or Parquet table names or holds."""
