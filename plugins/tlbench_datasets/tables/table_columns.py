"""Say which column of a table is what: as the user says, or by the usual names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tlbench import DataError, shown
from tlbench_datasets.place import near

NONE = "none"  # what a user writes for a column that is not to be used
_MOST_LISTED = 20

# By role, what its column is usually called: compared without case, spaces, dashes and underscores.
_USUAL = {
    "image": (
        "image", "images", "img", "file", "path", "filename", "filepath", "imagepath", "imagefile", "imagename",
        "imgpath", "imgfile",
    ),
    "label": ("label", "labels", "class", "classname", "target", "category"),
    "split": ("split", "subset", "partition", "fold"),
    "domain": ("domain",),
    "group": ("group", "groupid", "patient", "patientid", "subject", "subjectid"),
}  # fmt: skip
_NEEDED = ("image", "label")


@dataclass(frozen=True)
class Columns:
    """Describe the columns that are used; empty where there is none for a role."""

    image: str
    label: str
    split: str = ""
    domain: str = ""
    group: tuple[str, ...] = ()  # what must not be parted
    also: tuple[str, ...] = ()  # further labels
    guessed: tuple[tuple[str, str], ...] = ()  # (role, column), for those that the user did not name
    unused: tuple[str, ...] = ()

    def out(self, role: str) -> str:
        """Return ` ?role=none leaves column 'x' out.` for a column that was taken by its name."""
        names = [column for of, column in self.guessed if of == role]
        return f" Column '{shown(names[0])}' was taken by its name; ?{role}={NONE} leaves it out." if names else ""

    def without(self, role: str) -> "Columns":
        """Return the columns without that of one guessed role."""
        told = {**vars(self), role: "", "guessed": tuple(pair for pair in self.guessed if pair[0] != role)}
        return Columns(**{**told, "unused": (*self.unused, getattr(self, role))})


def choose_columns(
    header: Sequence[str], told: Mapping[str, str], several: Mapping[str, str | tuple[str, ...]], place: str
) -> Columns:
    """Return the columns by role; raise DataError, with those that there are, where one is not there or in doubt.

    `told` are the user's answers for image, label, split and domain, `several` those for group and also: a name,
    several names joined by `+`, `none`, or nothing where the usual names decide.
    """
    chosen: dict[str, str] = {}
    guessed: list[tuple[str, str]] = []
    for role, name in told.items():
        if name and (name != NONE or role in _NEEDED):
            chosen[role] = _told(name, role, header, place)
        elif not name and (found := _usual(role, header, place)):
            chosen[role] = found
            guessed.append((role, found))
    group = _listed(several["group"], "group", header, place)
    if not several["group"] and (found := _usual("group", header, place)):
        group = (found,)
        guessed.append(("group", found))
    also = _listed(several["also"], "also", header, place)
    _refuse_two_uses(chosen, also, place)
    used = {*chosen.values(), *group, *also}
    unused = tuple(name for name in header if name and name not in used)
    return Columns(**chosen, group=group, also=also, guessed=tuple(guessed), unused=unused)


def _told(name: str, role: str, header: Sequence[str], place: str) -> str:
    if name not in header:
        raise DataError(f"{place} has no column '{shown(name)}' (?{role}).{near(name, _named(header))}{_has(header)}")
    if list(header).count(name) > 1:
        raise DataError(f"{place} has two columns '{shown(name)}'. Rename one.")
    return name


def _listed(value: str | tuple[str, ...], role: str, header: Sequence[str], place: str) -> tuple[str, ...]:
    if not value or value == NONE:
        return ()
    names = value if isinstance(value, tuple) else (value,) if value in header else tuple(value.split("+"))
    return tuple(dict.fromkeys(_told(name.strip(), role, header, place) for name in names))


def _usual(role: str, header: Sequence[str], place: str) -> str:
    """Return the one column that is called as such columns are, or nothing where none is needed."""
    found = [name for name in header if _plain(name) in _USUAL[role]]
    if role == "split" and len(found) > 1:  # a number of a fold often stands beside the split itself
        found = [name for name in found if _plain(name) != "fold"]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        choices = " or ".join(f"?{role}={shown(name)}" for name in found)
        less = "" if role in _NEEDED else f" or ?{role}={NONE}"
        raise DataError(f"{place} has {len(found)} columns that could be the {role}. Write {choices}{less}.")
    if role not in _NEEDED:
        return ""
    kind = "the images (paths or bytes)" if role == "image" else "the labels"
    hint = " The first row must name the columns." if _looks_like_data(header) else ""
    close = next((text for usual in _USUAL[role][:4] if (text := near(usual, _named(header)))), "")
    raise DataError(
        f"{place}: no column is called as {kind} usually are.{close} Write ?{role}=COLUMN.{hint}{_has(header)}"
    )


def _refuse_two_uses(chosen: Mapping[str, str], also: Sequence[str], place: str) -> None:
    """Raise where one column is to be two things that cannot be one; a site may be both domain and group."""
    uses = [(role, chosen[role]) for role in ("image", "label", "split") if role in chosen]
    uses += [("also", name) for name in also]
    first: dict[str, str] = {}
    for role, name in uses:
        if name in first:
            raise DataError(f"{place}: column '{shown(name)}' is both ?{first[name]} and ?{role}. Name another.")
        first[name] = role


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def _named(header: Sequence[str]) -> list[str]:
    return [name for name in header if name]


def _looks_like_data(header: Sequence[str]) -> bool:
    return any("/" in name or name.lower().endswith((".jpg", ".png", ".jpeg")) for name in header)


def _has(header: Sequence[str]) -> str:
    names = [shown(name) if len(name) <= 40 else shown(name[:37]) + "..." for name in _named(header)]
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return f" It has: {', '.join(names[:_MOST_LISTED])}{more}."
