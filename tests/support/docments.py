"""What the sources say of arguments: names, types, defaults, and the comment behind each (nbdev's style)."""

import ast
import functools
import importlib
import inspect
import io
import pkgutil
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import motornet_nb


@dataclass
class Argument:
    "An argument, or a field of a class that is made of fields."

    name: str
    comment: str = ""  # behind it
    annotation: str = ""  # as the source has it
    default: str | None = None  # as the source has it; None where there is none
    stars: str = ""  # "*" or "**" before the name


@dataclass
class Definition:
    "A function, a class or a method, as its source has it."

    module: str
    name: str  # with the class, if it is a method
    node: ast.FunctionDef | ast.ClassDef
    doc: str
    arguments: list[Argument] = field(default_factory=list)
    after: str = ""  # the comment behind the type of what is returned
    inherited: "list[Definition | str]" = field(
        default_factory=list
    )  # what is overridden; the docstring of foreign ones

    @property
    def place(self) -> str:
        return f"{self.module.removeprefix('motornet_nb.').replace('.', '/')}.py, {self.name}"

    @property
    def text(self) -> str:
        "All that is said, with what is overridden."
        return "\n".join([self.doc, self.after, *(x if isinstance(x, str) else x.text for x in self.inherited)])


class Source:
    "A module's tree and its comments by line."

    def __init__(self, module: str):
        text = inspect.getsource(importlib.import_module(module))
        self.tree = ast.parse(text)
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        self.comments = {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}

    def definition(self, module: str, *names: str) -> Definition | None:
        "A function or class by its name, or a method by its class and name."
        body: Any = self.tree.body
        for name in names:
            nodes = [n for n in statements(body) if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == name]
            nodes = [n for n in nodes if not decorated(n, "setter", "deleter", "overload")]
            if not nodes:
                return None
            node = nodes[-1]
            body = node.body
        found = Definition(module, ".".join(names), node, ast.get_docstring(node) or "")
        if isinstance(node, ast.FunctionDef):
            found.arguments, found.after = self._arguments(node), self._after(node)
            if len(names) > 1 and found.arguments and not decorated(node, "staticmethod"):
                found.arguments = found.arguments[1:]  # self
        else:
            found.arguments = self._fields(node)
        return found

    def _arguments(self, node: ast.FunctionDef) -> list[Argument]:
        a = node.args
        positional = [*a.posonlyargs, *a.args]
        defaults = [None] * (len(positional) - len(a.defaults)) + a.defaults
        every = [*zip(positional, defaults, strict=True), *zip(a.kwonlyargs, a.kw_defaults, strict=True)]
        every += [(x, None) for x in (a.vararg, a.kwarg) if x is not None]
        ends = {x.arg: (default or x).end_lineno for x, default in every}
        crowded = [n for name, n in ends.items() if name not in ("self", "cls")]
        result = node.returns.lineno if node.returns is not None else None  # a comment from here on is about the result
        alone = {x: n for x, n in ends.items() if crowded.count(n) <= 1 and (result is None or n < result)}
        stars = {x.arg: n * "*" for n, x in ((1, a.vararg), (2, a.kwarg)) if x is not None}
        said = {x: self.comments.get(n, "") for x, n in alone.items()}
        return [
            Argument(x.arg, said.get(x.arg, ""), written(x.annotation), _default(d), stars.get(x.arg, ""))
            for x, d in every
        ]

    def _after(self, node: ast.FunctionDef) -> str:
        if node.returns is None:
            return ""
        return " ".join(self.comments.get(n, "") for n in range(node.returns.lineno, node.body[0].lineno + 1)).strip()

    def _fields(self, node: ast.ClassDef) -> list[Argument]:
        made = decorated(node, "dataclass") or any(re.search("NamedTuple", ast.unparse(base)) for base in node.bases)
        fields = (
            [n for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)] if made else []
        )
        public = [n for n in fields if not n.target.id.startswith("_") and "ClassVar" not in ast.unparse(n.annotation)]
        return [
            Argument(n.target.id, self.comments.get(n.end_lineno, ""), written(n.annotation), _default(n.value))
            for n in public
        ]


def written(node: ast.expr | None) -> str:
    "An expression as Python writes it; a text that is a type as that type."
    if node is None:
        return ""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return re.sub(r"'([\w.]+(?:\[[\w., ]+\])?)'", r"\1", ast.unparse(node))


def _default(node: ast.expr | None) -> str | None:
    "A default as Python writes it; of a dataclass's `field` what it makes."
    if not isinstance(node, ast.Call) or ast.unparse(node.func).split(".")[-1] != "field":
        return None if node is None else ast.unparse(node)
    made = {k.arg: k.value for k in node.keywords}
    if "default_factory" in made:
        factory = made["default_factory"]
        made_by = ast.unparse(factory.body if isinstance(factory, ast.Lambda) else factory)
        return {"list": "[]", "dict": "{}"}.get(made_by, made_by)
    return ast.unparse(made["default"]) if "default" in made else None


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    "Statements of a module or class, also under an if or a try."
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from statements([*node.body, *node.orelse])


def decorated(node: ast.FunctionDef | ast.ClassDef, *names: str) -> bool:
    "Whether one of the decorators has such a name."
    return any(re.search(rf"\b({'|'.join(names)})\b", ast.unparse(d)) for d in node.decorator_list)


@functools.cache
def source(module: str) -> Source:
    "The source of a module, read once."
    return Source(module)


def overridden(cls: type, method: str) -> "list[Definition | str]":
    "What a method overrides, nearest first, with all that this overrides in turn."
    for base in cls.__mro__[1:]:
        if method not in vars(base):
            continue
        if base.__module__.partition(".")[0] != "motornet_nb":
            return [inspect.getdoc(vars(base)[method]) or ""]
        found = source(base.__module__).definition(base.__module__, *base.__qualname__.split("."), method)
        if found is not None:
            found.inherited = overridden(base, method)
            return [found]
    return []


@functools.cache
def definitions() -> tuple[Definition, ...]:
    "Every public function and class of the package, and every public method."
    found = []
    for info in pkgutil.walk_packages(motornet_nb.__path__, "motornet_nb."):
        if info.name == "motornet_nb._modidx":  # nbdev's index, no code
            continue
        module = importlib.import_module(info.name)
        for name in getattr(module, "__all__", ()):
            known = source(info.name).definition(info.name, name)
            if known is None:  # a constant, or a name of another module that is handed on
                continue
            found.append(known)
            cls = getattr(module, name)
            if isinstance(known.node, ast.ClassDef) and isinstance(cls, type):
                found += _methods(known, cls)
    return tuple(found)


@functools.cache
def public_names() -> frozenset[str]:
    "What a docstring may refer to: names of the package, and of methods."
    modules = {d.module for d in definitions()}
    constants = {name for module in modules for name in importlib.import_module(module).__all__}
    return frozenset(constants | {d.name.split(".")[-1] for d in definitions()})


def _methods(known: Definition, cls: type) -> list[Definition]:
    "Public methods and properties of a class; what its `__init__` takes is said of the class."
    names = dict.fromkeys(n.name for n in statements(known.node.body) if isinstance(n, ast.FunctionDef))
    methods = []
    for name in names:
        method = source(known.module).definition(known.module, known.name, name)
        if method is None or (name.startswith("_") and name != "__init__"):
            continue
        method.inherited = overridden(cls, name)
        if name == "__init__":
            method.doc = f"{method.doc}\n{known.doc}"
            if method.inherited and isinstance(method.inherited[0], Definition):
                method.doc += "\n" + (inspect.getdoc(cls.__mro__[1]) or "")
        methods.append(method)
    return methods
