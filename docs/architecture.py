"""Draw the house of the core: its wings as boxes on their floors, imports between them as arrows.

`python docs/architecture.py` writes docs/pictures/architecture.svg from the imports as they are; with `--check` it
writes nothing, and the exit code is 1 where the picture in the repository is another one.
"""

import sys
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from imports import FLOORS, imports, modules, wing  # noqa: E402

PICTURE = ROOT / "docs" / "pictures" / "architecture.svg"
WIDTH, HEIGHT, FLOOR = 760, 44, 78
INK, PAPER, FAINT = "#1f2933", "#ffffff", "#9aa5b1"


def arrows() -> Counter[tuple[str, str]]:
    """Return how many names of a wing each other wing imports; the ground, which all stand on, is left out."""
    found, known = Counter(), {name for names in FLOORS[:-2] for name in names}
    for module in modules("tlbench"):
        for each in imports(module):
            if {wing(module), wing(each.home)} <= known and wing(module) != wing(each.home) and not each.for_types:
                found[wing(module), wing(each.home)] += 1
    return found


def boxes() -> dict[str, tuple[float, float, float]]:
    """Return the left, the top and the width of each box."""
    found = {}
    for floor, names in enumerate(FLOORS):
        width = min(170.0, (WIDTH - 60) / len(names) - 20)
        start = (WIDTH - len(names) * (width + 20) + 20) / 2
        for number, name in enumerate(names):
            found[name] = (start + number * (width + 20), 20.0 + floor * FLOOR, width)
    return found


def files(name: str) -> str:
    """Return how many modules a wing has, as its box says it."""
    count = sum(wing(module) == name and module.count(".") > 1 for module in modules("tlbench"))
    return f"{count} files" if count else "1 file"


def picture() -> str:
    """Return the picture as SVG: an arrow's strength is the number of imports."""
    placed = boxes()
    height = 20 + len(FLOORS) * FLOOR
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="14">',
        "<title>The wings of tlbench: every import points down</title>",
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{FAINT}"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
    ]
    for (upper, lower), count in sorted(arrows().items()):
        (x, y, w), (u, v, o) = placed[upper], placed[lower]
        middle, end = x + w / 2, u + o / 2
        bend = 90 * ((v - y) // FLOOR - 1)  # past what stands between
        side = bend if middle >= WIDTH / 2 else -bend
        lines.append(
            f'<path d="M{middle:.0f} {y + HEIGHT:.0f} C{middle + side:.0f} {y + HEIGHT + 20:.0f} '
            f'{end + side:.0f} {v - 24:.0f} {end:.0f} {v:.0f}" fill="none" stroke="{FAINT}" '
            f'stroke-width="{min(4.0, 0.6 + count / 25):.1f}" marker-end="url(#tip)">'
            f"<title>{upper} imports {count} names of {lower}</title></path>"
        )
    for name, (x, y, w) in placed.items():
        lines.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{HEIGHT}" rx="6" fill="{PAPER}" stroke="{INK}"/>'
            f'<text x="{x + w / 2:.0f}" y="{y + 19:.0f}" text-anchor="middle" fill="{INK}">{escape(name)}</text>'
            f'<text x="{x + w / 2:.0f}" y="{y + 36:.0f}" text-anchor="middle" fill="{INK}" font-size="11">'
            f"{files(name)}</text>"
        )
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    drawn = picture()
    if "--check" not in sys.argv:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(drawn, encoding="utf-8")
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != drawn:
        sys.exit(f"{PICTURE.relative_to(ROOT)} is not what the imports make: run `python docs/architecture.py`.")
