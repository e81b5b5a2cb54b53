"""A definition as a reader needs it: its signature, what it takes with shapes and units, what it gives back."""

import ast
import html
import io
import re
import tokenize
from typing import Any

from docs.names import Index, Name, Place, methods, public

WIDTH = 92


def _comments(source: str) -> dict[int, str]:
    "Comments by the line they stand on."
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}


def _arguments(node: ast.FunctionDef, comments: dict[int, str]) -> list[tuple[str, str, str, str]]:
    "Name, type, default and meaning of each argument."
    a = node.args
    plain = [*a.posonlyargs, *a.args]
    defaults: list[Any] = [None] * (len(plain) - len(a.defaults)) + list(a.defaults)
    several = [*zip(plain, defaults, strict=True), *zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    rows = []
    for stars, arg, default in (
        *(("", arg, d) for arg, d in several),
        *((s, arg, None) for s, arg in (("*", a.vararg), ("**", a.kwarg)) if arg),
    ):
        if arg.arg in ("self", "cls"):
            continue
        end = (default or arg.annotation or arg).end_lineno
        comment = comments.get(end, "") if end != node.lineno else ""
        annotation = ast.unparse(arg.annotation).strip("'\"") if arg.annotation else ""
        rows.append((stars + arg.arg, annotation, ast.unparse(default) if default else "", comment))
    return rows


def signature(node: ast.FunctionDef, name: str) -> str:
    "How it is called: names and defaults, without types."
    a = node.args
    plain = [*a.posonlyargs, *a.args]
    defaults: list[Any] = [None] * (len(plain) - len(a.defaults)) + list(a.defaults)
    parts = [p.arg + (f"={ast.unparse(d)}" if d else "") for p, d in zip(plain, defaults, strict=True)]
    if parts and parts[0] in ("self", "cls"):
        parts = parts[1:]
    if a.vararg:
        parts.append(f"*{a.vararg.arg}")
    elif a.kwonlyargs:
        parts.append("*")
    parts += [p.arg + (f"={ast.unparse(d)}" if d else "") for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    if a.kwarg:
        parts.append(f"**{a.kwarg.arg}")
    one = f"{name}({', '.join(parts)})"
    if len(one) <= WIDTH:
        return one
    return f"{name}(\n" + "".join(f"    {p},\n" for p in parts) + ")"


def _returned(node: ast.FunctionDef, comments: dict[int, str]) -> str:
    if node.returns is None or (isinstance(node.returns, ast.Constant) and node.returns.value is None):
        return ""
    comment = comments.get(node.returns.end_lineno or 0, "")
    return f"`{ast.unparse(node.returns).strip(chr(39) + chr(34))}`" + (f": {prose(comment)}" if comment else "")


def prose(text: str) -> str:
    "Plain text as markdown: what is between backticks stays, signs that mean something to markdown do not."
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(p if i % 2 else re.sub(r"([\\*_\[\]$<>~#|{}])", r"\\\1", p) for i, p in enumerate(parts))


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("\\|", "|").replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def _rows(node: ast.FunctionDef, comments: dict[int, str]) -> str:
    "A table of arguments, where any is documented."
    rows = _arguments(node, comments)
    if not any(r[3] or r[1] for r in rows):
        return ""
    lines = [
        f"| {_code(name)} | {_cell(prose(comment))} | {_code(kind)} | {_code(default)} |"
        for name, kind, default, comment in rows
    ]
    return "\n".join(["| argument | meaning | type | default |", "|:--|:--|:--|:--|", *lines, ""])


def _docstring(node: ast.AST) -> str:
    text = ast.get_docstring(node) if isinstance(node, ast.FunctionDef | ast.ClassDef) else ""
    return "\n\n".join(prose(" ".join(p.split())) for p in (text or "").split("\n\n"))


def declared(rows: list[dict[str, str]]) -> str:
    "Declared parameters as a table in markdown."
    head = "| parameter | meaning | unit | default | allowed | source |\n|:--|:--|:--|:--|:--|:--|\n"
    line = "| `{parameter}` | {description} | {unit} | {value} | {allowed} | {source} |\n"
    lines = []
    for row in rows:
        row = {k: _cell(prose(v)) if k != "parameter" else v for k, v in row.items()}
        lines.append(line.format(**row))
    return head + "".join(lines)


def _function(node: ast.FunctionDef, name: str, comments: dict[int, str]) -> str:
    parts = [f"```python\n{signature(node, name)}\n```", _docstring(node), _rows(node, comments)]
    if returned := _returned(node, comments):
        parts.append(f"**Gives back** {returned}")
    return "\n\n".join(p for p in parts if p)


def _is_property(node: ast.FunctionDef) -> bool:
    names = [
        d.id if isinstance(d, ast.Name) else d.attr if isinstance(d, ast.Attribute) else "" for d in node.decorator_list
    ]
    return any("property" in n for n in names)


def _class(
    node: ast.ClassDef, comments: dict[int, str], parameters: list[dict[str, str]], names: dict[str, Name]
) -> str:
    bases = [ast.unparse(b) for b in node.bases if not isinstance(b, ast.Subscript)]
    made = next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
    call = signature(made, node.name) if made else node.name
    parts = [f"```python\nclass {call}\n```", _docstring(node)]
    if bases := [b for b in bases if b not in ("Protocol", "TypedDict", "NamedTuple", "object", "ABC")]:
        parts.insert(1, "A kind of " + ", ".join(f"`{b}`" for b in bases) + ".")
    if parameters:
        parts.append(declared(parameters))
    elif made:
        parts.append(_rows(made, comments))
    else:
        fields = [
            f"| {_code(ast.unparse(n.target))} | {_cell(prose(comments.get(n.end_lineno or 0, '')))} | {_code(ast.unparse(n.annotation))} | {_code(ast.unparse(n.value)) if n.value else ''} |"
            for n in node.body
            if isinstance(n, ast.AnnAssign) and not ast.unparse(n.target).startswith("_")
        ]
        if fields:
            parts.append("\n".join(["| field | meaning | type | default |", "|:--|:--|:--|:--|", *fields]))
    for m in methods(node):
        label = names[f"{node.name}.{m.name}"].label
        text = _docstring(m)
        shown = f".{m.name}" if _is_property(m) else signature(m, f".{m.name}")
        parts.append(
            f"({label})=\n:::{{container}} method\n```python\n{shown}\n```\n\n{text}\n\n{_rows(m, comments)}\n"
            + (f"\n**Gives back** {r}\n" if (r := _returned(m, comments)) and not _is_property(m) else "")
            + ":::"
        )
    return "\n\n".join(p for p in parts if p)


def described(
    tree: ast.Module,  # of a cell that exports
    source: str,
    place: Place,
    index: Index,
    parameters: Any,  # from a class's name to its declared parameters
) -> str:  # markdown
    "Everything a cell exports for others."
    comments, names = _comments(source), {n.name: n for n in place.names}
    parts = []
    for statement in tree.body:
        for name in public(statement):
            heading = f"({names[name].label})=\n### {html.escape(name)}"
            if isinstance(statement, ast.FunctionDef):
                text = _function(statement, name, comments)
            elif isinstance(statement, ast.ClassDef):
                text = _class(statement, comments, parameters(place.module, name), names)
            else:
                value = ast.unparse(statement)
                lines = source.splitlines()[: statement.lineno - 1]
                said = [x.lstrip("#: ") for x in lines[-1:] if x.startswith("#:")]
                text = f"```python\n{value if len(value) < 400 else name + ' = ...'}\n```\n\n" + prose(" ".join(said))
            parts.append(f"{heading}\n\n{index.linked(text, place)}")
    return "\n\n".join(parts)
