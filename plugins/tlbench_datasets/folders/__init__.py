"""Read images from folders and archives whose places name the classes."""
