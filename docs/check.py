"""What must not be in a page: links that lead nowhere, requests to other hosts, raw markup, outputs that are heavy."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat

from docs.outputs import LIMIT

RAW = (
    r"\$\$",
    r"\\frac\b",
    r"\\begin\{",
    r"\bRow\(id=",
    r"\bColumn\(id=",
    r"<Parameter object at",
    r"Loading BokehJS",
    r"\{ref\}`",
    r"^:::",
    r"^```",
)
QUIET = {"script", "style", "code", "pre", "title", "svg"}
EMPTY = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
    "path",
    "rect",
    "use",
}


class _Page(HTMLParser):
    "Links, anchors, what is fetched, and words of a page."

    def __init__(self, text: str):
        super().__init__()
        self.links: set[str] = set()
        self.fetched: set[str] = set()
        self.anchors: set[str] = set()
        self.words: list[str] = []
        self.open: list[tuple[str, bool]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {k: v or "" for k, v in attrs}
        self.anchors |= {given[k] for k in ("id", "name") if given.get(k)}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        elif tag == "link" and "href" in given and given.get("rel") not in ("canonical",):
            self.fetched.add(given["href"])
        elif "src" in given:
            self.fetched.add(given["src"])
        if tag not in EMPTY:
            quiet = tag in QUIET or "math" in given.get("class", "").split() or bool(self.open and self.open[-1][1])
            self.open.append((tag, quiet))

    def handle_endtag(self, tag: str) -> None:
        while self.open and any(t == tag for t, _ in self.open):
            if self.open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if not (self.open and self.open[-1][1]):
            self.words.append(data)


def faults(site: Path) -> list[str]:
    "Everything wrong that can be seen without a browser, a line each."
    pages = {p: _Page(p.read_text()) for p in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        here = path.relative_to(site)
        for link in sorted(page.links | page.fetched):
            if link.startswith(("data:", "mailto:", "javascript:")):
                continue
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.fetched:
                    found.append(f"{here}: fetches {link}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                found.append(f"{here}: {link} leads nowhere")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                found.append(f"{here}: {link} has no such place")
        words = "\n".join(page.words)
        for raw in RAW:
            if seen := re.search(raw, words, re.MULTILINE):
                found.append(f"{here}: raw markup ...{words[max(0, seen.start() - 40) : seen.end() + 40]!r}")
    return found


def heavy(source: Path) -> list[str]:
    "Pages with an output above the limit, with the sizes of these."
    found = []
    for path in sorted(source.rglob("*.ipynb")):
        cells = nbformat.read(path, 4).cells
        sizes = [len(json.dumps(o)) for c in cells for o in c.get("outputs", ())]
        if large := [f"{s / 1000:.0f}" for s in sizes if s > LIMIT]:
            found.append(f"{path.relative_to(source)}: {', '.join(large)} kB")
    return found
