"""Read domains, splits and classes from where files lie: one reading for folders and archives alike.

    <class>/*.jpg                                     <domain>/<class>/*.jpg
    {train,val,test}/<class>/*.jpg                    <domain>/{train,val,test}/<class>/*.jpg

Folders below a class folder belong to the class; with `nested`, each folder that holds images is a class of its
own, named by its path (`Greek/character01`). `training`, `valid`, `validation` and `testing` stand for train, val
and test, in any case of letters, but only where they are splits beyond doubt: `train` beside `bus` and `car` is
a class. Where a reading is in doubt it is refused, never guessed.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tlbench import DataError, plural, shown, some
from tlbench_datasets.folders.class_checks import (
    Classes,
    has_known_extension,
    require_images,
    require_same_in_domains,
    require_same_in_splits,
)
from tlbench_datasets.folders.split_folders import split_folders
from tlbench_datasets.folders.tree import Tree, tree_of
from tlbench_datasets.listing import Listing, Member, is_split

_CARD = "dataset-card.toml"  # see card.py


@dataclass(frozen=True)
class Layout:
    """Say which files make which class of which split of which domain."""

    domains: Mapping[str, Mapping[str, Classes]]  # domain -> split -> class -> files
    remarks: tuple[str, ...]
    left_out: tuple[str, ...] = ()  # files in class folders that were to be left out
    beside: tuple[str, ...] = ()  # files beside class folders

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes, sorted; the same in every domain."""
        return tuple(sorted(next(iter(self.domains.values()))["train"]))


def arrange(
    listing: Listing, by_domain: bool, nested: bool, unwrap: bool, without: Mapping[str, str] | None = None
) -> Layout:
    """Return the layout of a listing; raise DataError where it is none, or in doubt.

    A domain without a `test` split is left so: it has yet to be chosen from `train`. `without` are files to leave
    out, with the reason of each; without it, a file in a class folder that is no image is an error.
    """
    top = tree_of(listing)
    if unwrap:
        top = _unwrapped(top)
    _require_folders(top, listing)
    domains, left_out = {}, []
    for domain, tree in _domain_trees(top, by_domain, listing.place).items():
        splits = split_folders(tree, listing.place)
        found = {split: _classes(part, nested, listing.place, without) for split, part in splits.items()}
        domains[domain] = {split: classes for split, (classes, _) in found.items()}
        left_out += [path for _, left in found.values() for path in left]
        require_same_in_splits(domains[domain], listing.place)
    require_same_in_domains(domains, listing.place)
    used = {member.path for splits in domains.values() for part in splits.values() for member in _members(part)}
    accounted = {*used, *left_out, _CARD}
    beside = sorted(member.path for member in listing.members if member.path not in accounted)
    remarks = _remarks(listing, top, by_domain or nested, beside)
    return Layout(domains, tuple(remarks), tuple(sorted(left_out)), tuple(beside))


def _members(classes: Classes) -> list[Member]:
    return [member for members in classes.values() for member in members]


def _unwrapped(top: Tree) -> Tree:
    """Look through folders that hold everything else, as archives often have one."""
    while len(top.folders) == 1:
        (name, inner), *_ = top.folders.items()
        if is_split(name) or not inner.folders or _images(inner.files):
            break
        top = inner
    return top


def _images(members: Sequence[Member]) -> list[Member]:
    return [member for member in members if has_known_extension(member)]


def _require_folders(top: Tree, listing: Listing) -> None:
    if top.folders:
        return
    if not top.files:
        hidden = f" It holds {plural(len(listing.ignored), 'hidden file')} only." if listing.ignored else ""
        raise DataError(f"{listing.place} is empty.{hidden} Put one folder of images per class into it.")
    kind = plural(len(_images(top.files)), "image") if _images(top.files) else plural(len(top.files), "file")
    raise DataError(f"{listing.place} holds {kind} but no class folders. Sort the images into one folder per class.")


def _domain_trees(top: Tree, by_domain: bool, place: str) -> dict[str, Tree]:
    if not by_domain:
        _refuse_forgotten_domains(top, place)
        return {"all": top}
    if all(is_split(name) for name in top.folders):
        names = ", ".join(f"{shown(name)}/" for name in sorted(top.folders))
        raise DataError(
            f"{place} has the split folders {names} on top, where ?domains looks for domains. "
            "Leave ?domains away, or put the splits inside each domain's folder."
        )
    flat = [name for name, tree in sorted(top.folders.items()) if not tree.folders]
    if flat:
        raise DataError(
            f"{place}: '{shown(flat[0])}' has no class folders, so it is no domain. "
            + ("Leave ?domains away." if len(flat) == len(top.folders) else "Move it away, or sort it into classes.")
        )
    return {_composed(name): tree for name, tree in sorted(top.folders.items())}


def _refuse_forgotten_domains(top: Tree, place: str) -> None:
    """Raise where a folder on top has train and test folders of its own: as classes these would be mixed."""
    divided = [name for name, tree in top.folders.items() if {"train", "test"} <= set(map(is_split, tree.folders))]
    if divided:
        name = min(divided)
        raise DataError(
            f"{place}: '{shown(name)}' holds train and test folders, so it is a domain, not a class. "
            "Add ?domains" + (f", or name '{shown(name)}' itself." if len(top.folders) == 1 else ".")
        )


def _classes(tree: Tree, nested: bool, place: str, without: Mapping[str, str] | None) -> tuple[Classes, list[str]]:
    """Return the classes of one split, and what was left out of them.

    Raises DataError for a class alone, an empty one and, where nothing is to be left out, files that are no images.
    """
    here = f"{place}" + (f": '{shown(tree.path)}'" if tree.path else "")
    if not tree.folders:
        raise DataError(f"{here} holds no class folders. Put one folder of images per class into it.")
    folders = _leaves(tree) if nested else [(name, list(inner.everything())) for name, inner in tree.folders.items()]
    classes: Classes = {}
    left_out: list[str] = []
    for name, offered in folders:
        members = [member for member in offered if member.path not in (without or {})]
        gone = [member.path for member in offered if member.path in (without or {})]
        left_out += gone
        if not members and gone and nested and any(other.startswith(f"{name}/") for other, _ in folders):
            continue  # a folder around class folders, with a note beside them
        if not members:
            raise DataError(f"{here}: class folder '{shown(name)}' holds no images{_why(gone, without)}.")
        if without is None:
            require_images(members, place)
        classes.setdefault(_composed(_printable(name, here)), []).extend(members)
    if len(classes) == 1:
        raise DataError(
            f"{here} holds one class folder only, '{shown(next(iter(classes)))}'; two are needed.{_inside(tree)}"
        )
    return classes, left_out


def _why(gone: Sequence[str], without: Mapping[str, str] | None) -> str:
    """Return why a class folder is empty, and what to do."""
    if not gone or without is None:
        return ". Add some or delete it"
    files = "its file is" if len(gone) == 1 else f"its {len(gone):,} files are"
    return f": {files} left out, such as '{shown(gone[0])}' ({without[gone[0]]}). Add images or delete it"


def _leaves(tree: Tree) -> list[tuple[str, list[Member]]]:
    """Return every folder below that holds files or nothing at all, named by its path from here."""
    found = []
    for name, inner in tree.folders.items():
        if inner.files or not inner.folders:
            found.append((name, inner.files))
        found += [(f"{name}/{deeper}", members) for deeper, members in _leaves(inner)]
    return found


def _inside(tree: Tree) -> str:
    """Return what else to name, where the only folder holds folders itself."""
    inner = next(iter(tree.folders.values()))
    if len(inner.folders) < 2:
        return " Name the folder that holds the class folders."
    return f" If the classes lie in it, use '{shown(inner.path)}' itself."


def _printable(name: str, here: str) -> str:
    if not name.isprintable():
        raise DataError(f"{here}: the name of class folder '{shown(name)}' cannot be printed. Rename it.")
    return name


def _composed(name: str) -> str:
    """Return a name in one Unicode spelling: macOS writes accents apart from their letters, others do not."""
    return unicodedata.normalize("NFC", name)


def _remarks(listing: Listing, top: Tree, told: bool, beside: Sequence[str]) -> list[str]:
    sentences = []
    if listing.ignored:
        sentences.append(f"Hidden and system files ignored: {len(listing.ignored):,} ({some(listing.ignored)}).")
    if beside:
        sentences.append(f"Files beside class folders ignored: {len(beside):,} ({some(beside)}).")
    if listing.links:
        sentences.append(f"Symbolic links followed: {len(listing.links):,} ({some(listing.links)}).")
    inner = [set(tree.folders) for name, tree in top.folders.items() if not is_split(name)]
    if not told and len(inner) > 1 and len(inner[0]) > 1 and all(names == inner[0] for names in inner):
        sentences.append(
            f"Every folder on top holds the same folders ({some(sorted(inner[0]))}): "
            "where those are the classes, write ?domains."
        )
    return sentences
