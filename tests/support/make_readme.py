"""Make README.md from nbs/index.ipynb: markdown and code, without outputs."""

import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]


def readme() -> str:
    """The text of the README."""
    parts = []
    for cell in nbformat.read(ROOT / "nbs" / "index.ipynb", as_version=4).cells:
        source = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.MULTILINE).strip()
        if source:
            parts.append(source if cell.cell_type == "markdown" else f"```python\n{source}\n```")
    # neighbouring code cells read as one
    return "\n\n".join(parts).replace("\n```\n\n```python\n", "\n") + "\n"


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(readme())
    else:
        (ROOT / "README.md").write_text(readme())
