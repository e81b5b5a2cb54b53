"""From executed notebooks and texts to what Sphinx reads."""

import ast
import functools
import importlib
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat

from docs import ROOMS, ROOT, STORIES, house
from docs.definitions import declared, described, prose
from docs.dependencies import _places, files
from docs.names import LEFT_OUT, Index, Place, exports, read
from docs.outputs import cleaned

TEXTS = ROOT / "docs" / "texts"


@functools.cache
def parameters(module: str, name: str) -> list[dict[str, str]]:
    "The declared parameters of a class; nothing if it is no model."
    from motornet_nb.core.tables import parameter_rows

    made = getattr(importlib.import_module(f"motornet_nb.{module}"), name, None)
    return parameter_rows(made) if isinstance(made, type) and getattr(made, "declarations", None) else []


def public_faces() -> dict[str, dict[str, str]]:
    "Public names of the package and of its folders, and the modules that define them."
    found = {}
    for face in ("", *ROOMS):
        module = importlib.import_module(f"motornet_nb.{face}".rstrip("."))
        places = _places(face)
        names = getattr(module, "__all__", list(places)) if face else [n for n in dir(module) if not n.startswith("_")]
        found[face] = {n: places[n] for n in names if places.get(n) in files()}
    found["analysis"] = found["results"] | found["body"]
    return found


class Site:
    "The source of the pages, written where it differs from what is there."

    def __init__(self, executed: dict[Path, Any], folder: Path):
        self.folder = folder
        places = [read(path, notebook) for path, notebook in executed.items() if (ROOT / "nbs") in path.parents]
        self.places = [p for p in places if not (p.folder == "" and p.path.stem in LEFT_OUT)]
        self.index = Index(self.places, public_faces())
        self.executed = executed
        self.written: set[Path] = set()

    def write(self) -> None:
        "Everything."
        for place in self.places:
            self._put(f"{place.page}.ipynb", nbformat.writes(self.notebook(place)))
        for path, notebook in self.executed.items():
            if path.parent == TEXTS:
                self._put(path.name, nbformat.writes(self._told(path, notebook)))
        if TEXTS / "index.ipynb" not in self.executed:
            self._put("index.md", f"# A part of the site\n\n{self.contents()}\n")
        for path in sorted(TEXTS.rglob("*.md")):
            self._put(
                path.relative_to(TEXTS).as_posix(), self.index.linked(path.read_text().replace("@SPEED@", speed()))
            )
        for room in ROOMS:
            self._put(f"api/{room}/index.md", self.room(room))
        for folder in self.stories():
            self._put(f"{folder}/index.md", self.story(folder))
        self._put("house.md", house.page())
        self._put("names.md", self.names())
        self._put("parameters.md", self.parameters())
        self._put("equations.md", self.equations())
        self._put("changelog.md", self.index.linked((ROOT / "CHANGELOG.md").read_text()))
        self._put("contributing.md", self.index.linked((ROOT / "CONTRIBUTING.md").read_text()))
        self._put("benchmark.md", (ROOT / "benchmarks" / "RESULTS.md").read_text())
        self._copy(ROOT / "benchmarks" / "RESULTS.svg", "RESULTS.svg")
        for path in [p for p in self.folder.rglob("*") if p.is_file() and p not in self.written]:
            path.unlink()

    def _put(self, name: str, text: str) -> None:
        path = self.folder / name
        self.written.add(path)
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def _copy(self, path: Path, name: str) -> None:
        self.written.add(self.folder / name)
        if not (self.folder / name).exists() or (self.folder / name).read_bytes() != path.read_bytes():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, self.folder / name)

    # ---- notebooks -----------------------------------------------------------------------------------------------------

    def notebook(self, place: Place) -> Any:
        "A notebook as a page: definitions before their code, which is folded; links; outputs that need no kernel."
        cells = []
        for cell in place.notebook.cells:
            if re.search(r"^#\| ?hide\b", cell.source, re.MULTILINE):
                continue
            if cell.cell_type == "markdown":
                cells.append(_markdown(self._links(cell.source, place), cell.id))
                continue
            bare = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.MULTILINE).strip()
            if cell.cell_type != "code" or not bare:
                continue
            exported = re.search(r"^#\| ?exporti?\b", cell.source, re.MULTILINE)
            if tree := exports(cell):
                words = described(tree, cell.source, place, self.index, parameters)
                if words:
                    cells.append(_markdown(words, f"{cell.id[:50]}-doc"))
            cells.append(_shown(cell, bare, _summary(bare) if exported else ""))
        if place.module and cells:
            label = f"module-{place.module.replace('.', '-').replace('_', '-')}"
            cells[0].source = f"({label})=\n{cells[0].source}\n\n`motornet_nb.{place.module}`{{.module}}"
        return _made(cells)

    def _told(self, path: Path, notebook: Any) -> Any:
        "A notebook of the site's own."
        cells = []
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cells.append(_markdown(self.index.linked(cell.source), cell.id))
            else:
                bare = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.MULTILINE).strip()
                unseen = re.search(r"^#\| ?echo: false", cell.source, re.MULTILINE)
                cells.append(_shown(cell, bare, "", ["remove-input"] if unseen else ()))
        if path.stem == "index":
            cells.append(_markdown(self.contents(), "contents"))
        return _made(cells)

    def _links(self, text: str, place: Place) -> str:
        "Links to notebooks and to files lead to pages."

        def link(found: re.Match[str]) -> str:
            to, _, part = found[2].partition("#")
            path = (place.path.parent / to).resolve()
            other = next((p for p in self.places if p.path == path), None)
            if other is None:
                return found[0]
            return f"[{found[1]}](/{other.page}.ipynb{'#' + part if part else ''})"

        text = re.sub(r"\[([^\]]*)\]\(([^)\s]+\.ipynb[^)\s]*)\)", link, text)
        return self.index.linked(text, place)

    # ---- pages that are made -------------------------------------------------------------------------------------------

    def stories(self) -> dict[str, str]:
        "Folders of notebooks that tell something, with their titles, in order."
        there = dict.fromkeys(p.folder for p in self.places if p.folder and p.folder not in ROOMS) | {"studies": None}
        return {f: STORIES.get(f, f.capitalize()) for f in (*(s for s in STORIES if s in there), *there)}

    def _of(self, folder: str) -> list[Place]:
        return [p for p in self.places if p.folder == folder]

    def _table(self, places: list[Place], up: str, head: str) -> str:
        rows = [f"| [{p.title}]({up}{p.page}.ipynb) | {self._sentence(p)} |" for p in places]
        return "\n".join([f"| {head} | |", "|:--|:--|", *rows])

    def _sentence(self, place: Place) -> str:
        return self.index.linked(place.sentence, None).replace("|", "\\|")

    def story(self, folder: str) -> str:
        places = self._of(folder)
        more = "\n".join(p.page.rpartition("/")[2] for p in places)
        return f"# {STORIES.get(folder, folder.capitalize())}\n\n{self._table(places, '/', 'page')}\n\n```{{toctree}}\n:hidden:\n\n{more}\n```\n"

    def room(self, room: str) -> str:
        "The page of a folder: its modules in order, its neighbours."
        given = house.arrows()
        below = [r for r in ROOMS if (room, r) in given]
        above = [r for r in ROOMS if (r, room) in given]
        said = [
            f"{words} {', '.join(f'[`{r}`](/api/{r}/index.md)' for r in rooms)}."
            for words, rooms in (("Stands on", below), ("Carries", above))
            if rooms
        ]
        places = self._of(room)
        pages = "\n".join(f"/{p.page}" for p in places if p.folder != "studies")
        tree = f"```{{toctree}}\n:hidden:\n\n{pages}\n```\n" if pages else ""
        public = [n for n in (self.index._of_face(room, x) for x in self.index.faces[room]) if n]
        names = "".join(f"| [`{n.name}`](#{n.label}) | {self._short(n)} |\n" for n in public)
        names = f"\n## Public names\n\n| name | |\n|:--|:--|\n{names}" if names else ""
        return f"# {room}\n\n{house.sentence(room)} {' '.join(said)} All of it: [the house](/house.md).\n\n{self._table(places, '/', 'module')}\n{names}\n{tree}"

    def _short(self, n: Any) -> str:
        return prose(n.sentence).replace("|", "\\|")

    def names(self) -> str:
        "Every name of the package's face, and every other by folder."
        lines = [
            "# Names",
            "",
            "Every public name, and where it is explained. `mn` is `motornet_nb`.",
            "",
            "## `mn`",
            "",
        ]
        lines += ["| name | |", "|:--|:--|"]
        for name in sorted(self.index.faces[""], key=str.lower):
            if n := self.index.public_name(name):
                lines.append(f"| [`mn.{name}`](#{n.label}) | {self._short(n)} |")
        for room in ROOMS:
            lines += ["", f"## `mn.{room}`", "", "| name | module | |", "|:--|:--|:--|"]
            found = [n for p in self._of(room) for n in p.names if "." not in n.name]
            for n in sorted(found, key=lambda n: n.name.lower()):
                module = n.module.partition(".")[2]
                lines.append(f"| [`{n.name}`](#{n.label}) | `{module}` | {self._short(n)} |")
        return "\n".join(lines) + "\n"

    def parameters(self) -> str:
        "Every declared parameter."
        lines = [
            "# Every parameter",
            "",
            "Generated from the declarations, which also check arguments, write configurations and make sliders. Units are SI.",
            "",
        ]
        for room in ROOMS:
            models = [
                (n, rows)
                for p in self._of(room)
                for n in p.names
                if "." not in n.name and (rows := parameters(p.module, n.name))
            ]
            if models:
                lines += [f"## {room}", ""]
            for n, rows in models:
                lines += [f"### {n.name}", "", f"[`{n.name}`](#{n.label}): {self._short(n)}", "", declared(rows)]
        return "\n".join(lines)

    def equations(self) -> str:
        "Every displayed equation of the notebooks, with the words around it."
        lines = [
            "# Every equation",
            "",
            "Collected from the notebooks, where each stands beside the code that computes it and the figures that show it.",
            "",
        ]
        for room in ROOMS:
            told = []
            for p in self._of(room):
                cells = [
                    c.source
                    for c in p.notebook.cells
                    if c.cell_type == "markdown" and re.search(r"\$\$|\\begin\{", c.source)
                ]
                if cells:
                    words = "\n\n".join(
                        re.sub(r"^#+ (.*)$", r"**\1**", re.sub(r"\A# .*\n", "", c), flags=re.MULTILINE) for c in cells
                    )
                    told += [f"### [{p.title}](/{p.page}.ipynb)", "", self._links(words, p), ""]
            lines += [f"## {room}", "", *told] if told else []
        return "\n".join(lines)

    def contents(self) -> str:
        "What stands at the side of every page."
        rooms = [f"{r} <api/{r}/index>" for r in ROOMS]
        top = [p.page for p in self._of("")]
        texts = {p.relative_to(TEXTS).with_suffix("").as_posix() for p in TEXTS.rglob("*") if p.is_file()} - {"index"}
        start = [t for t in ("installation", "comparison") if t in texts]
        last = [t for t in ("glossary", "cite") if t in texts]
        known = {*start, *last}
        parts = {
            "Start": start,
            "Learn": [f"{f}/index" for f in self.stories()] + sorted(t for t in texts - known if "/" not in t),
            "The house": ["house", *rooms, *top],
            "Reference": ["names", "parameters", "equations", "benchmark"],
            "Project": [*last, "contributing", "changelog"],
        }
        trees = [
            f"```{{toctree}}\n:caption: {name}\n:maxdepth: 2\n:hidden:\n\n{chr(10).join(p)}\n```"
            for name, p in parts.items()
            if p
        ]
        return "\n\n".join(trees)


def _markdown(text: str, name: str) -> Any:
    cell = nbformat.v4.new_markdown_cell(text)
    cell.id = name
    return cell


def _summary(source: str) -> str:
    "What the folded code is."
    body = ast.parse(source).body
    if all(isinstance(s, ast.Import | ast.ImportFrom | ast.If) for s in body):
        return "imports"
    return "source"


def _shown(cell: Any, source: str, folded: str, tags: Any = ()) -> Any:
    made = nbformat.v4.new_code_cell(source)
    made.id = cell.id
    made.outputs = cleaned(cell.outputs)
    if folded:
        made.metadata["tags"] = ["hide-input"]
        made.metadata["mystnb"] = {"code_prompt_show": folded, "code_prompt_hide": folded}
    elif tags:
        made.metadata["tags"] = list(tags)
    return made


def _made(cells: list[Any]) -> Any:
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata | {"language_info": {"name": "python"}})


def speed() -> str:
    "The rows of the benchmark about a training batch, as a table."
    text = (ROOT / "benchmarks" / "RESULTS.md").read_text()
    part = text.partition("## A training batch, one thread")[2].partition("\n## ")[0]
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")][2:]
    taken: dict[str, dict[str, list[str]]] = {}
    for batch, name, ms, *_, motornet, _jax in rows:
        if batch in ("64", "1,024"):
            taken.setdefault(name.strip("*"), {})[batch] = [ms, motornet]
    lines = ["| | 64 trials, ms | of MotorNet's | 1,024 trials, ms | of MotorNet's |", "|:--|--:|--:|--:|--:|"]
    lines += [
        "| " + " | ".join([name, *(x for b in ("64", "1,024") for x in found.get(b, ["", ""]))]) + " |"
        for name, found in taken.items()
    ]
    return "\n".join(lines)
