"""Make SVGs of matplotlib fit for a page: colours of its theme, and marks that tell their values."""

import re
from itertools import count

from tlbench_reports.palette import BLACK, theme, variable

_POINT = "point|"  # what the id of a mark that tells a value begins with; the value follows
_REACH = 11  # points around a mark in which the pointer, or a finger, finds it
_COLOUR = re.compile(r"\b(fill|stroke): (#[0-9a-f]{6})\b")
_MARK = re.compile(r'<g id="point\|([^"]*)">(.*?<use [^>]*?x="([^"]*)" y="([^"]*)")', re.DOTALL)


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


def themed(picture: bytes) -> bytes:
    """Return a picture that stands in a page as an image, light or dark as the screen is."""
    style = f"<style>{theme()} svg {{ fill: {variable(BLACK)} }}</style>"
    return re.sub(r"<svg\b[^>]*>", lambda match: match[0] + style, _in_variables(picture), count=1).encode()


def _in_variables(picture: bytes) -> str:
    return _COLOUR.sub(lambda match: f"{match[1]}: {variable(match[2])}", picture.decode())
