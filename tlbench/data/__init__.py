"""Read, split, encode and cache data, and find copies between splits."""
