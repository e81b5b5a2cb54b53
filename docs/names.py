"""Every public name of the package, and where its page has it: what a name between backticks leads to."""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docs import ROOMS, ROOT

#: notebooks at the top of `nbs` that have no page of their own: the README is the landing page
LEFT_OUT = {"index"}


@dataclass(frozen=True)
class Name:
    "A name that a notebook exports."

    name: str  # with its class, if it is a method
    module: str  # within the package, say body.thelen
    page: str  # of the site, without a suffix
    label: str  # what links lead to
    sentence: str = ""  # the first of its docstring


@dataclass
class Place:
    "A notebook, and its page."

    path: Path
    notebook: Any
    folder: str  # of nbs; empty at the top
    page: str
    title: str
    sentence: str
    module: str = ""  # what it exports, if anything
    names: list[Name] = field(default_factory=list)


def page_of(path: Path) -> str:
    "Where a notebook's page is; its number is left out, so that a link stays when the order changes."
    parts = path.relative_to(ROOT / "nbs").with_suffix("").parts
    folder, stem = "/".join(parts[:-1]), re.sub(r"^\d+_", "", parts[-1])
    if not folder:
        return f"api/{stem}"
    return f"{folder}/{stem}" if folder == "studies" or folder not in ROOMS else f"api/{folder}/{stem}"


def public(statement: ast.stmt) -> list[str]:
    "The names that a statement of a module defines for others."
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        names = [statement.name]
        if any(isinstance(d, ast.Name) and d.id == "overload" for d in statement.decorator_list):
            names = []
    elif isinstance(statement, ast.Assign):
        names = [t.id for t in statement.targets if isinstance(t, ast.Name)]
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        names = [statement.target.id]
    else:
        names = []
    return [n for n in names if not n.startswith("_")]


def methods(node: ast.ClassDef) -> list[ast.FunctionDef]:
    "Methods and properties of a class that others may use."
    found = [n for n in node.body if isinstance(n, ast.FunctionDef) and public(n)]
    return [n for n in found if not any(isinstance(d, ast.Attribute) and d.attr == "setter" for d in n.decorator_list)]


def exports(cell: Any) -> ast.Module | None:
    "What a cell exports; None if it exports nothing, or nothing for others."
    if cell.cell_type != "code" or not re.search(r"^#\| ?export\s*$", cell.source, re.MULTILINE):
        return None
    return ast.parse(cell.source)


def first_sentence(docstring: str | None) -> str:
    "The first sentence of a docstring, in one line."
    text = " ".join((docstring or "").strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.:])\s+(?=[A-Z`])", text)[0]


def read(path: Path, notebook: Any) -> Place:
    "A notebook's place on the site, with the names it exports."
    begin = re.match(r"# (.+)\n\n> (.+)", notebook.cells[0].source)
    title, sentence = begin.groups() if begin else (path.stem, "")
    folder = path.parent.relative_to(ROOT / "nbs").as_posix()
    place = Place(path, notebook, "" if folder == "." else folder, page_of(path), title, sentence)
    for cell in notebook.cells:
        if found := re.search(r"^#\| ?default_exp (\S+)", cell.source, re.MULTILINE):
            place.module = found[1]
    taken: set[str] = set()
    for cell in notebook.cells:
        for statement in tree.body if (tree := exports(cell)) else ():
            docstring = ast.get_docstring(statement) if isinstance(statement, ast.FunctionDef | ast.ClassDef) else ""
            for name in public(statement):
                place.names.append(_name(place, name, docstring, taken))
            if isinstance(statement, ast.ClassDef) and public(statement):
                for m in methods(statement):
                    place.names.append(_name(place, f"{statement.name}.{m.name}", ast.get_docstring(m), taken))
    return place


def _name(place: Place, name: str, docstring: str | None, taken: set[str]) -> Name:
    "A name, with a label that no other name of its module has, even where capitals do not count."
    label = re.sub(r"[._]+", "-", f"api-{place.module}-{name}").lower()
    while label in taken:
        label += "-2"
    taken.add(label)
    return Name(name, place.module, place.page, label, first_sentence(docstring))


class Index:
    "All places, and the names in them."

    def __init__(self, places: list[Place], faces: dict[str, dict[str, Any]]):
        self.places = places
        self.faces = faces  # public names of each face, and the modules they come from
        self.modules = {p.module: p for p in places if p.module}
        self.of_module = {p.module: {n.name: n for n in p.names} for p in places if p.module}
        by_name: dict[str, list[Name]] = {}
        for place in places:
            for n in place.names:
                by_name.setdefault(n.name, []).append(n)
        self.by_name = by_name

    def public_name(self, name: str) -> Name | None:
        "A name of the package's face."
        return self._of_face("", name)

    def _of_face(self, face: str, name: str) -> Name | None:
        module = self.faces.get(face, {}).get(name)
        return self.of_module.get(module, {}).get(name) if module else None

    def target(self, text: str, here: Place | None) -> str | None:
        "Where what stands between backticks leads to; None if to nothing, or to itself."
        name = text.removesuffix("()").removeprefix("motornet_nb.")
        plain = not name.startswith("mn.")
        name = name.removeprefix("mn.")
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            return None
        if name in self.modules and "." in name:
            place = self.modules[name]
            return None if place is here else f"module-{name.replace('.', '-').replace('_', '-')}"
        found = self._find(name, here, plain)
        return found.label if found else None

    def _find(self, name: str, here: Place | None, plain: bool) -> Name | None:
        own = self.of_module.get(here.module, {}) if here and here.module else {}
        if plain and name in own:
            return own[name]
        head, _, rest = name.partition(".")
        if rest:  # mn.views.animation, analysis.pca, Body.advance, body.thelen.name
            for face in (head, f"results.{head}"):
                if found := self._of_face(face, rest):
                    return found
            module, _, last = name.rpartition(".")
            if found := self.of_module.get(module, {}).get(last):
                return found
            if found := self.public_name(head):
                return self.of_module[found.module].get(name)
            nearby = [n for n in self.by_name.get(name, ()) if here and n.module.startswith(f"{here.folder}.")]
            several = nearby or self.by_name.get(name, [])
            return several[0] if len(several) == 1 else None
        if plain and name.islower() and "_" not in name:
            return None  # a word: an argument, most likely
        if found := self.public_name(name):
            return found
        several = self.by_name.get(name, [])
        near = [n for n in several if here and n.module.partition(".")[0] == here.folder]
        several = near if len(near) == 1 else several
        return several[0] if plain and len(several) == 1 else None

    def linked(self, text: str, here: Place | None = None) -> str:
        "Markdown whose names between backticks lead to their pages; code, headings and links stay as they are."
        parts = re.split(r"(^```.*?^```|^~~~.*?^~~~|^#.*?$|^<.*?$)", text, flags=re.DOTALL | re.MULTILINE)

        def link(found: re.Match[str]) -> str:
            to = self.target(found[1], here)
            return f"[`{found[1]}`](#{to})" if to else found[0]

        return "".join(p if i % 2 else re.sub(r"(?<![`\[\\])`([^`\n]+)`(?!`)", link, p) for i, p in enumerate(parts))
