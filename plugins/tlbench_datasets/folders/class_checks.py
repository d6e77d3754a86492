"""Say what class folders must hold, and which classes must agree."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from tlbench import DataError, plural, shown, some
from tlbench_datasets.images import EXTENSIONS, MOST_BYTES
from tlbench_datasets.listing import Member
from tlbench_datasets.place import near

Classes = dict[str, list[Member]]


def has_known_extension(member: Member) -> bool:
    """Tell whether a file's name is that of a supported image."""
    return PurePosixPath(member.path).suffix.lower().lstrip(".") in EXTENSIONS


def unfit(member: Member) -> str:
    """Return why a file in a class folder is no image, before it is read; nothing where it may be one."""
    if not has_known_extension(member):
        return "no supported image"
    if member.size == 0:
        return "zero bytes"
    return f"beyond {MOST_BYTES // 2**20} MiB" if member.size > MOST_BYTES else ""


def require_images(members: Sequence[Member], place: str) -> None:
    """Raise DataError for files in class folders that are no images, hold nothing or are absurdly large."""
    others = [member.path for member in members if not has_known_extension(member)]
    if others:
        verb = "is no supported image" if len(others) == 1 else "are no supported images"
        raise DataError(
            f"{place}: {plural(len(others), 'file')} in class folders {verb}: {some(others)}. "
            f"Convert or move away what is not {', '.join(EXTENSIONS)}, or add ?skip to leave it out."
        )
    empty = [member.path for member in members if member.size == 0]
    if empty:
        raise DataError(
            f"{place}: {plural(len(empty), 'image file')} of zero bytes: {some(empty)}. "
            "Delete or replace them, or add ?skip to leave them out."
        )
    large = [member.path for member in members if member.size > MOST_BYTES]
    if large:
        raise DataError(
            f"{place}: {plural(len(large), 'image file')} beyond {MOST_BYTES // 2**20} MiB: {some(large)}. "
            "Make them smaller, or add ?skip to leave them out."
        )


def require_same_in_splits(splits: Mapping[str, Classes], place: str) -> None:
    """Raise DataError where train and test differ in their classes, or val has one that train has not."""
    for split, one, other in (("test", "test", "train"), ("test", "train", "test"), ("val", "val", "train")):
        if split in splits and (extra := sorted(set(splits[one]) - set(splits[other]))):
            where = splits[one][extra[0]][0].path
            raise DataError(
                f"{place}: class '{shown(extra[0])}' is in {one} (with '{shown(where)}') but not in {other}."
                f"{near(extra[0], set(splits[other]) - set(splits[one]))} Every class needs images in both."
            )


def require_same_in_domains(domains: Mapping[str, Mapping[str, Classes]], place: str) -> None:
    """Raise DataError where two domains differ in their classes."""
    first, *others = domains
    for other in others:
        for one, two in ((first, other), (other, first)):
            has, lacks = set(domains[one]["train"]), set(domains[two]["train"])
            if extra := sorted(has - lacks):
                raise DataError(
                    f"{place}: domain '{shown(one)}' has the class '{shown(extra[0])}' and domain '{shown(two)}' has "
                    f"not.{near(extra[0], lacks - has)} All domains need the same classes; for folders of classes "
                    "that are no domains, write ?nested in place of ?domains."
                )
