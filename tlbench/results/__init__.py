"""Read a results folder, compare its rows with honest statistics, and have reports written."""
