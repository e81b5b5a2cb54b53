"""What a notebook depends on, so that only what could have changed is executed again."""

import ast
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from docs import ROOT

PACKAGE = "motornet_nb"
#: what a module reaches without an import that can be read: every model shows itself as a card
BY_NAME = {"core.tables": ["views.cards"]}


@functools.cache
def files() -> dict[str, Path]:
    "Every module of the package by its name within it; faces of folders by the folder's, the package's face by an empty name."
    found = {}
    for path in (ROOT / PACKAGE).rglob("*.py"):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        found[".".join(p for p in parts if p != "__init__")] = path
    found.pop("_modidx", None)
    return found


def _module_of(name: str) -> str | None:
    "The module that a dotted name within the package begins with."
    while name not in files():
        if "." not in name:
            return None
        name = name.rpartition(".")[0]
    return name


def _aliases(tree: ast.AST) -> set[str]:
    "Names under which the package itself is known (`mn`)."
    found = {PACKAGE}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {a.asname for a in node.names if a.name == PACKAGE and a.asname}
    return found


def _chain(node: ast.Attribute) -> list[str] | None:
    "`mn.views.animation` as a list of names; None if it does not begin with a name."
    names = [node.attr]
    value = node.value
    while isinstance(value, ast.Attribute):
        names.append(value.attr)
        value = value.value
    return [value.id, *names[::-1]] if isinstance(value, ast.Name) else None


def named(source: str, inside: str = "") -> set[str]:
    "Modules of the package that a piece of Python names; `inside` is the folder it stands in."
    tree = ast.parse(source)
    aliases = _aliases(tree)
    found: set[str | None] = set()
    inner = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    for node in ast.walk(tree):
        if id(node) in inner:
            continue
        if isinstance(node, ast.ImportFrom):
            parts = inside.split(".") if inside else []
            base = parts[: len(parts) + 1 - node.level] if node.level else None
            full = node.module or "" if base is None else ".".join([PACKAGE, *base, *filter(None, [node.module])])
            for alias in node.names:
                found.add(_face(f"{full}.{alias.name}"))
        elif isinstance(node, ast.Import):
            found |= {_face(a.name) for a in node.names if a.name.startswith(f"{PACKAGE}.")}
        elif isinstance(node, ast.Attribute):
            chain = _chain(node)
            if chain and chain[0] in aliases:
                found.add(_face(".".join([PACKAGE, *chain[1:]])))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.removeprefix(f"{PACKAGE}.")
            if "." in text and text in files():
                found.add(text)
    return {m for m in found if m is not None}


@functools.cache
def _places(face: str) -> dict[str, str]:
    "Where a face has its names from: modules by name, read from its imports and from the places of what is lazy."
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(files()[face].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            base = f"{face}.{node.module}".strip(".") if node.level else node.module.removeprefix(f"{PACKAGE}.")
            for alias in node.names:
                near = f"{base}.{alias.name}"
                found[alias.asname or alias.name] = near if near in files() else base
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found[str(key.value)] = f"{face}.{value.value}".strip(".")
    return found


def _face(name: str) -> str | None:
    "The module that has a name of the package: what a face hands on is looked up where it comes from."
    if not name.startswith(f"{PACKAGE}."):
        return None
    module, rest = "", name.removeprefix(f"{PACKAGE}.").split(".")
    while rest:
        below = f"{module}.{rest[0]}".strip(".")
        if below in files():
            module, rest = below, rest[1:]
            continue
        if files()[module].stem == "__init__":
            place = _places(module).get(rest[0])
            return place if place in files() else module
        break
    return module


@functools.cache
def _imports(module: str) -> frozenset[str]:
    path = files()[module]
    inside = module if path.stem == "__init__" else module.rpartition(".")[0]
    return frozenset({*named(path.read_text(), inside), *BY_NAME.get(module, ())} - {module})


def reached(modules: set[str]) -> set[str]:
    "Modules, and all that they need."
    done: set[str] = set()
    left = set(modules)
    while left:
        done |= left
        left = {below for m in left for below in _imports(m)} - done
    return done


@functools.cache
def _hash_of(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _code(notebook: Any) -> str:
    "All code of a notebook that can be read as Python."
    lines = [x for c in notebook.cells if c.cell_type == "code" for x in c.source.splitlines()]
    return "\n".join("pass" if x.lstrip()[:1] in ("%", "!") and x == x.lstrip() else x for x in lines)


def key(
    notebook: Any,  # as nbformat reads it
    more: str = "",  # whatever else its outputs depend on
) -> str:  # 32 hexadecimal digits
    "What changes whenever a notebook's outputs could: its code, the modules it needs, data that are shipped."
    code = _code(notebook)
    hashed = hashlib.sha256(json.dumps([more, code]).encode())
    found = named(code)
    modules = reached(found | ({""} if "core.registry" in found else set()))  # it shows whatever is loaded
    for name in sorted(modules):
        hashed.update(name.encode() + _hash_of(files()[name]))
    if "results.shipped" in modules:
        for path in sorted(p for p in (ROOT / PACKAGE / "shipped").rglob("*") if p.is_file()):
            hashed.update(path.name.encode() + _hash_of(path))
    return hashed.hexdigest()[:32]
