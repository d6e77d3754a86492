"""Read image files in class folders, on disk or in an archive."""
