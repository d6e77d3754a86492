"""Read images and labels from numpy archives."""
