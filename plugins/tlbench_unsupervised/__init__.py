"""Offer clustering of frozen features: no label at all."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer `agglomerative`, `pca-kmeans` and `spectral`."""
    from tlbench_unsupervised.agglomerative import Agglomerative
    from tlbench_unsupervised.pca_kmeans import PcaKMeans
    from tlbench_unsupervised.spectral import Spectral

    return [Agglomerative, PcaKMeans, Spectral]
