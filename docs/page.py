"""Take the picture of a report's first screen: `python docs/page.py`, where playwright and its chromium are installed.

Runs `tlbench report` for results/photographs into a temporary folder, and writes docs/pictures/page.png.
"""

import shutil
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tlbench import Results

DOCS = Path(__file__).resolve().parent
WIDTH, HEIGHT = 1400, 1000


def main() -> None:
    """Write the picture."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "photographs"
        shutil.copytree(DOCS.parent / "results" / "photographs", folder)
        subprocess.run([sys.executable, "-m", "tlbench", "report", str(folder), "--format", "html"], check=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto((folder / "index.html").as_uri())
            shot = page.screenshot()
            browser.close()
    said = PngInfo()  # by which a test sees that the picture is of these results
    said.add_text("answer", Results(DOCS.parent / "results" / "photographs").answer().sentence)
    Image.open(BytesIO(shot)).quantize(128).save(DOCS / "pictures" / "page.png", pnginfo=said, optimize=True)


if __name__ == "__main__":
    main()
