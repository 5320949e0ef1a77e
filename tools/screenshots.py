"""Write the pictures of the documentation: the first screens of a sweep's page and of its winner's.

python src/train.py -m sweeper=asha search_space=high sweeper.n_trials=40 study=demo
python tools/screenshots.py logs/train/sweeps/demo

It needs Chromium, playwright and Pillow (`make install EXTRAS=all`).
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ASSETS = Path(__file__).parents[1] / "docs" / "assets"
PAGES = {"report.png": "report.html", "run.png": "best/report.html"}
SIZE = {"width": 1400, "height": 1200}
COLORS = 256
"""Number of colours, enough for text and lines; it makes pictures two thirds smaller."""


def taken(chromium: Browser, page: Path) -> bytes:
    """Return the first screen of a page, down to the end of its first chart."""
    tab = chromium.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
    tab.goto(page.resolve().as_uri())
    tab.wait_for_selector("html[data-drawn=true]")
    box = tab.locator("figure.chart").first.bounding_box()
    end = box["y"] + box["height"] + 8 if box else SIZE["height"]
    return tab.screenshot(clip={"x": 0, "y": 0, "width": SIZE["width"], "height": end})


def main(sweep: Path) -> None:
    """Write each picture."""
    with sync_playwright() as tool:
        chromium = tool.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, page in PAGES.items():
            picture = Image.open(io.BytesIO(taken(chromium, sweep / page))).convert("RGB")
            picture.quantize(COLORS).save(ASSETS / name, optimize=True)
        chromium.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
