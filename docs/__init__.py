"""The site: `python -m docs` (`make docs`) executes the notebooks in a copy and writes the pages into `_docs`."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("DOCS_BUILD", ROOT / "build" / "docs"))  # what is kept between two calls
SITE = ROOT / "_docs"

#: folders of `nbs` that are not part of the house, in the order of the site; each may be missing
STORIES = {"tutorials": "Tutorials", "howto": "How to", "studies": "Studies", "compat": "From MotorNet"}
#: folders of the house, from the ground up
ROOMS = (
    "core",
    "fused",
    "body",
    "task",
    "control",
    "results",
    "learning",
    "page",
    "views",
    "live",
    "studies",
    "panels",
)
