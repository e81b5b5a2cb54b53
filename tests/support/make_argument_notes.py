"""Make motornet_nb/argument_notes.json, from which docstrings get their arguments: `make notes`."""

import ast
import importlib
import json
import sys
from pathlib import Path

from docments import Argument, Definition, decorated, definitions, written

from motornet_nb.core.explained import Entry, as_section
from motornet_nb.core.model import Model

NOTES = Path(__file__).resolve().parents[2] / "motornet_nb" / "argument_notes.json"


def arguments_of(d: Definition) -> list[Argument]:
    "What a function takes; where it says nothing of an argument, what it overrides says it."
    base = next((x for x in d.inherited if isinstance(x, Definition)), None)
    above = {a.name: a for a in arguments_of(base)} if base else {}
    found = inherited_fields(d)
    for a in d.arguments:
        b = above.get(a.name, a)
        found.append(Argument(a.name, a.comment or b.comment, a.annotation or b.annotation, a.default, a.stars))
    return found


def inherited_fields(d: Definition) -> list[Argument]:
    "Those that a class of fields has from the classes below it."
    if not d.arguments or not isinstance(d.node, ast.ClassDef):
        return []
    known = {(x.module, x.name): x for x in definitions()}
    bases = getattr(importlib.import_module(d.module), d.name).__mro__[:0:-1]
    fields = {a.name: a for b in bases for a in getattr(known.get((b.__module__, b.__qualname__)), "arguments", [])}
    return [a for n, a in fields.items() if n not in {a.name for a in d.arguments}]


def result_of(d: Definition) -> list[Entry]:
    "What a function returns, as its source or that of what it overrides says it."
    if d.node.returns is None and d.inherited and isinstance(d.inherited[0], Definition):
        return result_of(d.inherited[0])
    returned = written(d.node.returns)
    return [] if returned in ("", "None") else [Entry("", returned, "", d.after)]


def section_of(d: Definition) -> str:
    "The sections of a docstring of one function or class."
    entries = [Entry(a.stars + a.name, a.annotation, a.default or "", a.comment) for a in arguments_of(d)]
    sections = [as_section("Parameters", entries)]
    if hasattr(d.node, "returns") and not d.name.endswith("__init__") and (entries or d.after or not _is_value(d)):
        sections.append(as_section("Returns", result_of(d)))
    return "\n\n".join(filter(None, sections))


def _is_value(d: Definition) -> bool:
    "Whether it is read without a call."
    return decorated(d.node, "property", "cached_property")


def argument_notes() -> dict[str, dict[str, str]]:
    "Sections by module and name; what an `__init__` takes belongs to its class, and to those that inherit it."
    sections: dict[tuple[str, str], str] = {}
    for d in definitions():
        owner, _, name = d.name.rpartition(".")
        module = d.module.removeprefix("motornet_nb.")
        if name != "__init__":
            sections[module, d.name] = section_of(d)
        elif not _is_model(d.module, owner):  # a model's arguments are declared
            sections[module, owner] = section_of(d)
    for d in definitions():
        module = d.module.removeprefix("motornet_nb.")
        if hasattr(d.node, "returns") or sections[module, d.name] or _is_model(d.module, d.name):
            continue
        for base in getattr(importlib.import_module(d.module), d.name).__mro__[1:]:
            known = sections.get((base.__module__.removeprefix("motornet_nb."), base.__qualname__))
            if known or "__init__" in vars(base):
                sections[module, d.name] = known or ""
                break
    made: dict[str, dict[str, str]] = {}
    for (module, name), section in sorted(sections.items()):
        if section:
            made.setdefault(module, {})[name] = section
    return made


def _is_model(module: str, name: str) -> bool:
    "Whether it is a class of declared parameters, which says by itself what it takes."
    found = getattr(importlib.import_module(module), name)
    return isinstance(found, type) and issubclass(found, Model) and found is not Model


def as_text() -> str:
    "What the file should be."
    return json.dumps(argument_notes(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(as_text())
    else:
        NOTES.write_text(as_text(), encoding="utf-8")
