"""Write one self-contained page: the report with its contact sheet."""

import base64
import io

from jinja2 import Environment, PackageLoader, StrictUndefined

from tlbench_data.contact_sheet import Sheet
from tlbench_data.document import Commands, Facts, Paragraph, Report, Table

_LARGE = 1_500_000  # bytes of a PNG that the page holds as JPEG instead; the file beside it stays


def page(report: Report, sheet: Sheet | None, pairs: Sheet | None) -> str:
    """Return the page. Every text that comes from a dataset or an exception is escaped by the template."""
    loader = Environment(
        loader=PackageLoader("tlbench_data"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    loader.tests["table"] = lambda block: isinstance(block, Table)
    loader.tests["facts"] = lambda block: isinstance(block, Facts)
    loader.tests["paragraph"] = lambda block: isinstance(block, Paragraph)
    loader.tests["commands"] = lambda block: isinstance(block, Commands)
    return loader.get_template("inspect.html").render(
        report=report,
        sheet=sheet,
        picture=_data_uri(sheet.png) if sheet else "",
        pairs=pairs,
        pairs_picture=_data_uri(pairs.png) if pairs else "",
    )


def _data_uri(png: bytes) -> str:
    kind, data = "png", png
    if len(png) > _LARGE:
        from PIL import Image

        file = io.BytesIO()
        Image.open(io.BytesIO(png)).save(file, "JPEG", quality=85)
        kind, data = "jpeg", file.getvalue()
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
