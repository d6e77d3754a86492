"""Report sizes, channels, types and brightness of the images, and which of them are odd."""

from collections import Counter
from collections.abc import Callable, Sequence
from math import isfinite
from statistics import median

from tlbench import plural, shown, some
from tlbench.contract import fields_of, option_name
from tlbench_data.document import Block, Facts, Paragraph, Remark, Section, Table
from tlbench_data.look import Look
from tlbench_data.survey import Row, Survey

_SMALLER = 4  # a shorter side that many times below the median's is odd
_LARGER = 4  # likewise a longer side above
_STRETCHED = 4  # long side over short side, and twice what is usual in the data
_FLAT = 1.0  # standard deviation, of 255: nothing is to be seen
_DARK, _BRIGHT = 16, 239  # of 255: mean of a flat image that is called black or white
_DTYPES = ("uint8", "uint16", "float32")  # what image backbones are told about
_FULL = {"uint8": 255, "uint16": 65535, "float32": 255}
_NAMED = 5

Odd = tuple[str, list[tuple[Row, Look]], bool]  # what they are, which, and whether to show their sizes


def images_section(survey: Survey) -> Section:
    """Return the section; of texts, how long they are."""
    images = [(row, look) for row, look in survey.looks if look.is_image]
    others = Counter(look.kind for _, look in survey.looks if not look.is_image)
    if not images:
        return _of_others(survey, others)
    looks = [look for _, look in images]
    sizes = Counter(look.size for look in looks)
    usual, times = sizes.most_common()[0]
    facts = [
        ("looked at", f"{survey.looked_at:,} of {len(survey.rows):,}" + (", a sample" if survey.sampled else "")),
        ("sizes", f"{len(sizes):,} different; {usual} pixels most often ({times:,} times)"),
        ("channels", _counted(Counter(look.colour for look in looks))),
        ("values", _counted(Counter(look.dtype for look in looks)) + "; " + "; ".join(_ranges(looks))),
    ]
    rows = [
        _spread("width", [look.width for look in looks]),
        _spread("height", [look.height for look in looks]),
        _spread("long side / short side", [_aspect(look) for look in looks]),
        _spread("mean brightness, 0 to 255", [look.mean for look in looks if look.mean == look.mean]),
    ]
    blocks: list[Block] = [Facts(tuple(facts)), Table("Sizes", ("", "min", "median", "max"), tuple(filter(None, rows)))]
    odd = odd_images(survey)
    if odd:
        table = [(what, f"{len(found):,}", _named(found, sized)) for what, found, sized in odd]
        blocks.append(Table("Odd images", ("what", "images", "which"), tuple(table), texts=1))
    else:
        blocks.append(Paragraph("No image is odd in size, shape or brightness."))
    remarks = [*_of_types(looks, survey), *_of_colours(images), *_of_odd(odd)]
    if others:
        remarks.append(Remark("error", f"Besides images there are {_counted(others)}."))
    return Section("Images", tuple(blocks), tuple(remarks))


def odd_images(survey: Survey) -> list[Odd]:
    """Return, by what is odd about them, the images that stand out; none of these lists is empty."""
    images = [(row, look) for row, look in survey.looks if look.is_image]
    if not images:
        return []
    short = median(min(look.width, look.height) for _, look in images)
    long = median(max(look.width, look.height) for _, look in images)
    aspect = median(_aspect(look) for _, look in images)

    def those(test: Callable[[Look], bool]) -> list[tuple[Row, Look]]:
        return [(row, look) for row, look in images if test(look)]

    def is_flat(look: Look) -> bool:
        return look.deviation <= _FLAT and look.width * look.height > 1

    channels = Counter(look.channels for _, look in images)
    found: list[Odd] = [
        ("much smaller than the others", those(lambda look: min(look.width, look.height) * _SMALLER <= short), True),
        ("much larger than the others", those(lambda look: max(look.width, look.height) >= long * _LARGER), True),
        ("long and narrow", those(lambda look: _aspect(look) >= max(_STRETCHED, 2 * aspect)), True),
        ("nothing to see: black", those(lambda look: is_flat(look) and look.mean <= _DARK), False),
        ("nothing to see: white", those(lambda look: is_flat(look) and look.mean >= _BRIGHT), False),
        ("nothing to see: one tone", those(lambda look: is_flat(look) and _DARK < look.mean < _BRIGHT), False),
        ("values that are not numbers", those(lambda look: not isfinite(look.mean)), False),
    ]  # fmt: skip
    usual = channels.most_common()[0][0]
    for count in sorted(set(channels) - {usual}):
        different = those(lambda look, count=count: look.channels == count)  # type: ignore[misc]
        colour, others = different[0][1].colour, Look(channels=usual).colour
        found.append((f"{colour} among {others}", different, False))
    return [(what, which, sized) for what, which, sized in found if which]


def value_range(looks: Sequence[Look]) -> tuple[float, float]:
    """Return the least and the greatest raw value of all; NaN is passed over."""
    return (
        min((look.low for look in looks if look.low == look.low), default=0.0),
        max((look.high for look in looks if look.high == look.high), default=0.0),
    )


def full_range(dtype: str) -> float:
    """Return the greatest value that a dtype's white has."""
    return float(_FULL.get(dtype, 255))


def _aspect(look: Look) -> float:
    return max(look.width, look.height) / min(look.width, look.height)


def _counted(counter: "Counter[str]") -> str:
    ordered = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{shown(name)} {count:,}" for name, count in ordered)


def _spread(name: str, values: Sequence[float]) -> tuple[str, ...] | None:
    if not values:
        return None
    return (name, *(f"{value:,.1f}".removesuffix(".0") for value in (min(values), median(values), max(values))))


def _ranges(looks: Sequence[Look]) -> list[str]:
    found = []
    for dtype in sorted({look.dtype for look in looks}):
        low, high = value_range([look for look in looks if look.dtype == dtype])
        found.append(f"{dtype} from {low:,.6g} to {high:,.6g}")
    return found


def _named(found: list[tuple[Row, Look]], sized: bool) -> str:
    return some([f"{row.source} ({look.size})" if sized else row.source for row, look in found], _NAMED)


def _of_types(looks: Sequence[Look], survey: Survey) -> list[Remark]:
    remarks = []
    strange = sorted({look.dtype for look in looks} - set(_DTYPES))
    if strange:
        remarks.append(
            Remark("error", f"Images are {', '.join(strange)}; backbones take uint8, uint16 or float32 (0 to 255).")
        )
    first = [look for look in looks if look.channels > 16 and look.height in (1, 3, 4)]
    if first:
        remarks.append(
            Remark("error", f"{plural(len(first), 'image')} seem to have the channels first; (H, W, C) is needed.")
        )
    for dtype in _DTYPES:
        low, high = value_range([look for look in looks if look.dtype == dtype])
        full = full_range(dtype)
        if not any(look.dtype == dtype for look in looks) or high == 0 or high > full / 2:
            continue
        hint = " Write 0 to 255." if dtype == "float32" and high <= 1 else ""
        hint = hint or _hint(survey, low, high, dtype)
        remarks.append(
            Remark(
                "warning",
                f"{dtype} values use a part of 0 to {full:,.0f} only, {low:,.6g} to {high:,.6g}: a backbone sees "
                f"dark images.{hint}",
            )
        )
    return remarks


def _hint(survey: Survey, low: float, high: float, dtype: str) -> str:
    """Return what to write where the dataset can spread its values, in the values that its files hold."""
    options = {option_name(field) for field in fields_of(survey.dataset)}
    if "range" not in options:
        return ""
    if dtype == "uint16":
        return f" Add the option range={low:.0f}-{high:.0f} to spread them."
    return " Where the files hold 16 bits, add the option range=LOW-HIGH in their values to spread them."


def _of_colours(images: Sequence[tuple[Row, Look]]) -> list[Remark]:
    colour = [look for _, look in images if look.channels == 3]
    grey = sum(look.is_grey and look.deviation > _FLAT for look in colour)
    if not grey:
        return []
    of = "all" if grey == len(colour) else f"{grey:,} of {len(colour):,}"
    return [Remark("note", f"Grey in truth, with three equal channels: {of} RGB images.")]


def _of_odd(odd: list[Odd]) -> list[Remark]:
    remarks = []
    for what, found, sized in odd:
        level = "error" if "not numbers" in what else "warning" if "nothing" in what or "smaller" in what else "note"
        remarks.append(Remark(level, f"{plural(len(found), 'image')}: {what} ({_named(found[:3], sized)}"  # type: ignore[arg-type]
                              f"{f' and {len(found) - 3:,} more' if len(found) > 3 else ''})."))  # fmt: skip
    return remarks


def _of_others(survey: Survey, others: "Counter[str]") -> Section:
    texts = [(row, look) for row, look in survey.looks if look.kind == "text"]
    if not texts:
        shapes = Counter(look.dtype for _, look in survey.looks)
        return Section("Examples", (Facts((("kinds", _counted(others)), ("values", _counted(shapes)))),))
    rows = [_spread("characters", [look.width for _, look in texts])]
    empty = [row.source for row, look in texts if look.width == 0]
    remarks = (
        [Remark("warning", f"{plural(len(empty), 'text is', 'texts are')} empty: {some(empty)}.")] if empty else []
    )
    return Section(
        "Texts", (Table("Lengths", ("", "min", "median", "max"), tuple(filter(None, rows))),), tuple(remarks)
    )
