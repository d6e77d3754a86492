"""What the documents show: their fenced blocks in order, and the commands in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "plugins" / "example-plugin"
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    ROOT / "results" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    EXAMPLE / "README.md",
]
_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w./-]+\.(?:py|toml|csv))`")


@dataclass(frozen=True)
class Fenced:
    """A fenced block: where it stands, its language, its text, the words before it, and the file that they name."""

    document: Path
    line: int
    language: str
    text: str
    before: str  # the paragraph that leads to it
    file: str | None

    @property
    def place(self):
        return f"{title(self.document)}:{self.line}"


def title(document):
    """Return the path of a document as a test names it."""
    return str(document.relative_to(ROOT))


def fenced(document):
    """Return the blocks of a document in their order."""
    text = document.read_text(encoding="utf-8")
    found, end = [], 0
    for match in _FENCE.finditer(text):
        before = text[end : match.start()].rstrip().rpartition("\n\n")[2]
        files = [name for name in _FILE.findall(before) if not name.startswith(("tests/", "tlbench/"))]
        line = text.count("\n", 0, match.start()) + 2
        file = files[-1] if files else None
        found.append(Fenced(document, line, match.group(1).strip(), match.group(2), before, file))
        end = match.end()
    return found


def command_lines(block):
    """Return the lines of a shell block without comments, prompts and continuations, each with its line number."""
    lines, number, begun = [], block.line, ""
    for raw in block.text.splitlines():
        begun += raw.removeprefix("$ ")
        if begun.endswith("\\"):
            begun = begun[:-1]
        else:
            line = re.sub(r"(^|\s)#\s.*$", "", begun).strip()
            if line:
                lines.append((number, line))
            begun = ""
        number += 1
    return lines


def simple_commands(line):
    """Return the parts of a line between `&&`, outside of quotes."""
    parts, begun, quote = [], "", ""
    position = 0
    while position < len(line):
        letter = line[position]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif line.startswith("&&", position):
            parts, begun, position = [*parts, begun.strip()], "", position + 2
            continue
        begun, position = begun + letter, position + 1
    return [*parts, begun.strip()]
