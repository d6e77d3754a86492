"""Offer datasets: two drawn on demand, and a user's own images in folders, archives, arrays and tables."""

from collections.abc import Iterable

from tlbench import Dataset, hookimpl


@hookimpl
def tlbench_datasets() -> Iterable[type[Dataset]]:
    """Return the dataset classes; imported here so that finding the plugin stays cheap."""
    from tlbench_datasets.arrays.npz import Npz
    from tlbench_datasets.embedded.digits import Digits
    from tlbench_datasets.embedded.glyphs import Glyphs
    from tlbench_datasets.folders.folder import Folder
    from tlbench_datasets.folders.tar_archive import Tar
    from tlbench_datasets.folders.zip_archive import Zip
    from tlbench_datasets.shards.webdataset import WebDataset
    from tlbench_datasets.tables.csv_table import Csv
    from tlbench_datasets.tables.parquet_table import Parquet

    return [Csv, Digits, Folder, Glyphs, Npz, Parquet, Tar, WebDataset, Zip]
