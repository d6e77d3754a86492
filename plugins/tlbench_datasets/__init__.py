"""First-party datasets: two that are drawn on demand, and a user's own images in folders, zips and arrays."""

from collections.abc import Iterable

from tlbench import Dataset, hookimpl


@hookimpl
def tlbench_datasets() -> Iterable[type[Dataset]]:
    """Return the dataset classes; imported here so that finding the plugin stays cheap."""
    from tlbench_datasets.archive import Zip
    from tlbench_datasets.arrays import Npz
    from tlbench_datasets.digits import Digits
    from tlbench_datasets.folder import Folder
    from tlbench_datasets.glyphs import Glyphs

    return [Digits, Folder, Glyphs, Npz, Zip]
