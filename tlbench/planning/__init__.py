"""Make a suite into a plan: cells with every name resolved, and skips with their reasons."""
