"""Offer extraction: the backbone is frozen, and something small learns on its features."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer `linear-probe`, `mlp-probe`, `nearest-mean`, `nearest-neighbours` and `ridge-probe`."""
    from tlbench_extract.linear_probe import LinearProbe
    from tlbench_extract.mlp_probe import MlpProbe
    from tlbench_extract.nearest_mean import NearestMean
    from tlbench_extract.nearest_neighbours import NearestNeighbours
    from tlbench_extract.ridge_probe import RidgeProbe

    return [LinearProbe, MlpProbe, NearestMean, NearestNeighbours, RidgeProbe]
