"""Make SVGs of matplotlib fit for a page: colours of its theme, and marks that tell their values."""

import re
from html import escape
from itertools import count

from tlbench_reports.palette import BLACK, theme, variable

_POINT = "point|"  # what the id of a mark that tells a value begins with; the value follows
_REACH = 11  # points around a mark in which the pointer, or a finger, finds it
_COLOUR = re.compile(r"\b(fill|stroke): (#[0-9a-f]{6})\b")
_ID = re.compile(r'(\bid="|href="#|url\(#)')
_MARK = re.compile(r'<g id="point\|([^"]*)">(.*?<use [^>]*?x="([^"]*)" y="([^"]*)")', re.DOTALL)
_TOLD = re.compile(r'<g id="[^"]*" class="point"><title>([^<]*)</title>')


def point(said: str) -> str:
    """Return the id (`gid`) by which matplotlib marks what tells this value."""
    return _POINT + said


def with_values(picture: bytes) -> bytes:
    """Say the value of each mark that tells one, and give it room to be found in."""
    numbers = count(1)

    def told(match: re.Match[str]) -> str:
        said, inside, x, y = match.groups()
        room = f'<circle cx="{x}" cy="{y}" r="{_REACH}" style="fill-opacity: 0"/>'
        return f'<g id="point-{next(numbers)}" class="point"><title>{said}</title>{room}{inside}'

    return _MARK.sub(told, picture.decode()).encode()


def has_values(picture: bytes) -> bool:
    """Tell whether any mark of a picture tells a value."""
    return b'class="point"' in picture


def embedded(picture: bytes, prefix: str, title: str) -> str:
    """Return a picture as part of a page, whose ids begin with `prefix`, whose colours are variables of the page.

    Each mark that tells a value has the class `point` and `data-tip` with the value, and can be reached by keyboard.
    """
    text = _in_variables(picture)
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], count=1, flags=re.DOTALL)
    text = _ID.sub(rf"\g<1>{prefix}-", text)
    text = _TOLD.sub(
        r'<g class="point" tabindex="0" role="img" aria-label="\1" data-tip="\1">', text
    )  # fmt: skip
    head = f'class="chart" role="group" aria-label="{escape(title)}" style="fill: {variable(BLACK)}"'
    return re.sub(r'\bwidth="[^"]*" height="[^"]*"', lambda _: head, text, count=1).strip()


def themed(picture: bytes) -> bytes:
    """Return a picture that stands in a page as an image, light or dark as the screen is."""
    style = f"<style>{theme()} svg {{ fill: {variable(BLACK)} }}</style>"
    return re.sub(r"<svg\b[^>]*>", lambda match: match[0] + style, _in_variables(picture), count=1).encode()


def _in_variables(picture: bytes) -> str:
    return _COLOUR.sub(lambda match: f"{match[1]}: {variable(match[2])}", picture.decode())
