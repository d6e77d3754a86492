"""Read images from WebDataset shards."""
