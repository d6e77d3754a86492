"""How Sphinx makes the site from these pages: `sphinx-build -W --keep-going -b html docs OUT`.

The pages are plain Markdown and read the same on a code host. What only a site needs is added here: the contents beside
each page come from the lists of index.md, and links that leave docs/ become downloads or plain words.
"""

import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "plugins")]

from sphinx import addnodes  # noqa: E402

from tlbench import __version__  # noqa: E402

project = "tlbench"
author = copyright = "the tlbench authors"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"tlbench {release}"
html_show_sourcelink = False
html_copy_source = False

myst_heading_anchors = 4  # so that page.md#a-heading leads where a code host leads

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "exclude-members": "__new__, __init__"}
default_role = "code"  # docstrings write `names` as the pages do
python_use_unqualified_type_names = True


def _contents(app, docname, source):
    """Give index.md the contents of the site: a part for each of its headings, with the pages that it lists there."""
    if docname != app.config.root_doc:
        return
    for part in re.split(r"^## ", source[0], flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        pages = re.findall(r"^- \[[^]]+\]\(([\w-]+)\.(?:md|rst)\)", body, re.MULTILINE)
        lines = "\n".join(pages)
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{lines}\n```\n"


def _leave(app, doctree):
    """Make of each link that leaves docs/ a download, if it leads to a file, or else its words."""
    folder = Path(app.env.doc2path(app.env.docname)).parent
    for link in list(doctree.findall(addnodes.pending_xref)):
        target = (folder / (link["reftarget"] + (".md" if link.get("refdomain") == "doc" else ""))).resolve()
        if link.get("reftype") != "myst" or target.is_relative_to(HERE) or not target.exists():
            continue
        words = link.children[0]
        if target.is_file():
            path = os.path.relpath(target, folder)
            words = addnodes.download_reference("", "", words, refdoc=app.env.docname, reftarget=path)
        link.replace_self(words)


def setup(app):
    """Register the above."""
    app.connect("source-read", _contents)
    app.connect("doctree-read", _leave, priority=100)  # before the downloads are collected
