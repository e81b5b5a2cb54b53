"""The house as a picture: folders of the package on their floors, arrows to what they stand on, each a link."""

import ast
import functools
import html

from docs import ROOMS, ROOT
from docs.dependencies import files, named

PLACED = (210, 66, 38, 66)  # width and height of a room, gaps beside and between floors
MARGIN = 80  # for arrows that pass by


def sentence(room: str) -> str:
    "What a room is, as its face says."
    text = ast.get_docstring(ast.parse((ROOT / "motornet_nb" / room / "__init__.py").read_text())) or ""
    return " ".join(text.split("\n\n")[0].split())


@functools.cache
def arrows() -> set[tuple[str, str]]:
    "Which room imports which."
    found = set()
    for module, path in files().items():
        above = module.partition(".")[0]
        if above in ROOMS and module != above:
            below = {m.partition(".")[0] for m in named(path.read_text(), module.rpartition(".")[0])}
            found |= {(above, b) for b in below if b in ROOMS and b != above}
    return found


def floors(given: set[tuple[str, str]]) -> dict[str, int]:
    "The floor of each room: one above the highest that it stands on."
    found: dict[str, int] = {}
    while left := [r for r in ROOMS if r not in found]:
        ready = [r for r in left if all(b in found for a, b in given if a == r)]
        if not ready:
            raise ValueError(f"rooms import each other in a circle: {left}")
        found |= {r: 1 + max((found[b] for a, b in given if a == r), default=-1) for r in ready}
    return found


def needed(given: set[tuple[str, str]]) -> set[tuple[str, str]]:
    "Arrows that say something which no two others say."
    below: dict[str, set[str]] = {r: {b for a, b in given if a == r} for r in ROOMS}
    for r in sorted(ROOMS, key=floors(given).__getitem__):
        below[r] |= {c for b in below[r] for c in below[b]}
    return {(a, b) for a, b in given if not any(b in below[c] for x, c in given if x == a)}


def picture(link: str = "api/{room}/index.html") -> str:
    "An SVG, drawn in the colour of the text around it."
    given = arrows()
    floor = floors(given)
    width, height, beside, between = PLACED
    rows = [[r for r in ROOMS if floor[r] == f] for f in range(max(floor.values()) + 1)]
    across = max(len(r) for r in rows) * (width + beside) - beside + 2 * MARGIN
    tall = len(rows) * (height + between) - between + 24
    at = {}
    for f, row in enumerate(rows):
        left = (across - len(row) * (width + beside) + beside) / 2  # in the middle
        for i, room in enumerate(row):
            at[room] = (left + i * (width + beside), tall - 12 - height - f * (height + between))
    lines = []
    for a, b in sorted(needed(given)):
        (x1, y1), (x2, y2) = at[a], at[b]
        x1, y1, x2 = x1 + width / 2, y1 + height, x2 + width / 2
        if floor[a] - floor[b] > 1:  # beside the rooms between them
            aside = across - 12 if x1 >= across / 2 else 12
            turn = between + height / 2
            middle = f"C {x1} {y1 + between}, {aside} {y1 + 10}, {aside} {y1 + turn} L {aside} {y2 - turn} C {aside} {y2 - 10}, {x2} {y2 - between}, {x2} {y2 - 4}"
        else:
            middle = f"C {x1} {y1 + between / 2}, {x2} {y2 - between / 2}, {x2} {y2 - 4}"
        lines.append(f'<path d="M {x1} {y1} {middle}" marker-end="url(#house-arrow)"/>')
    boxes = []
    for room, (x, y) in at.items():
        count = sum(1 for m in files() if m.startswith(f"{room}."))
        href = html.escape(link.format(room=room))
        boxes.append(
            f'<a href="{href}"><title>{html.escape(sentence(room))}</title>'
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'
            f'<text x="{x + width / 2}" y="{y + 29}" class="room">{room}</text>'
            f'<text x="{x + width / 2}" y="{y + 50}">{count} modules</text></a>'
        )
    return (
        f'<svg class="house" viewBox="0 0 {across} {tall}" role="img" aria-label="The folders of the package, each on what it imports">'
        '<defs><marker id="house-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        f'<path d="M 0 0 L 8 4 L 0 8 z"/></marker></defs><g class="arrows">{"".join(lines)}</g>{"".join(boxes)}</svg>'
    )


def page() -> str:
    "The page that shows it."
    rows = "\n".join(f"| [`{r}`](api/{r}/index.md) | {sentence(r)} |" for r in reversed(ROOMS))
    return f"""# The house

The package is twelve folders. An arrow leads from a folder to one that it imports; what follows from other arrows is left out. Nothing below knows what is above it.
Click a folder for its modules, in the order in which they need one another.

{picture()}

| folder | what it holds |
|:--|:--|
{rows}

Besides: the [package's public names](names.md), `mn.analysis`, the [demo](api/demo.ipynb), the [command line](api/main.ipynb), [where the names of version 0.1 are now](api/former.ipynb) and the [page for teaching](api/app.ipynb).
"""
