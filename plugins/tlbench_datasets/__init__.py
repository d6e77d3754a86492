"""First-party datasets: two drawn on demand, and a user's own images in folders, archives, arrays and tables."""

from collections.abc import Iterable

from tlbench import Dataset, hookimpl


@hookimpl
def tlbench_datasets() -> Iterable[type[Dataset]]:
    """Return the dataset classes; imported here so that finding the plugin stays cheap."""
    from tlbench_datasets.archive import Zip
    from tlbench_datasets.arrays import Npz
    from tlbench_datasets.csv_table import Csv
    from tlbench_datasets.digits import Digits
    from tlbench_datasets.folder import Folder
    from tlbench_datasets.glyphs import Glyphs
    from tlbench_datasets.parquet_table import Parquet
    from tlbench_datasets.tar_archive import Tar
    from tlbench_datasets.webdataset import WebDataset

    return [Csv, Digits, Folder, Glyphs, Npz, Parquet, Tar, WebDataset, Zip]
