"""Extraction: the backbone is frozen, and something small learns on its features."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer `linear-probe` and `nearest-neighbours`."""
    from tlbench_extract.linear_probe import LinearProbe
    from tlbench_extract.nearest_neighbours import NearestNeighbours

    return [LinearProbe, NearestNeighbours]
