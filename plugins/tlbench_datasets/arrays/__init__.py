"""Read images from NumPy's files and from TIFF files of many bands."""
