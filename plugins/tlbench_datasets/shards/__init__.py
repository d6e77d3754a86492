"""Read images and labels from WebDataset shards."""
