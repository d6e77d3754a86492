"""Draw the datasets that come with tlbench."""
