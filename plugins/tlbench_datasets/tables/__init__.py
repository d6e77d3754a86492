"""Read images and labels from CSV and Parquet tables."""
