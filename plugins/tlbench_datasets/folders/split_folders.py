"""Tell split folders from class folders."""

from tlbench import DataError, shown
from tlbench_datasets.folders.tree import Tree
from tlbench_datasets.listing import is_split


def split_folders(tree: Tree, place: str) -> dict[str, Tree]:
    """Return the folder of each split; a tree without split folders is all `train`.

    Raises DataError where it is in doubt whether a folder is a split or a class.
    """
    here = place + (f": '{shown(tree.path)}'" if tree.path else "")
    named = [(name, split) for name in sorted(tree.folders) if (split := is_split(name))]
    splits = {split for _, split in named}
    others = sorted(name for name in tree.folders if not is_split(name))
    if not named:
        return {"train": tree}
    if others and len(splits) == 1:
        _require_a_class(tree.folders[named[0][0]], others[0], here)
        return {"train": tree}
    if others:
        raise DataError(
            f"{here}: folder '{shown(others[0])}' stands beside split folders ({_list(named)}). "
            "Move it into them, or away."
        )
    if len(splits) < len(named):
        raise DataError(f"{here} has two folders for one split ({_list(named)}). Keep one.")
    if "train" not in splits:
        raise DataError(f"{here} has no train folder beside {_list(named)}. Add one, or rename what holds it.")
    return {split: tree.folders[name] for name, split in named}


def _require_a_class(folder: Tree, other: str, here: str) -> None:
    """Raise where a folder named like a split, among others that are not, holds only folders."""
    if folder.folders and not folder.files:
        raise DataError(
            f"{here}: '{shown(folder.path)}' could be a split or a class beside '{shown(other)}'. "
            "Rename it if it is a class; move the others away if it is a split."
        )


def _list(named: list[tuple[str, str]]) -> str:
    return ", ".join(f"{shown(name)}/" for name, _ in named)
