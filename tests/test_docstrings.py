"""Every public name says what it is: what it takes, what it gives back, with which shapes and keys.

The style is nbdev's: an argument is documented by the comment behind it, the docstring says the rest.
"""

import ast
import inspect
import re
from collections.abc import Iterator

import pytest
from docments import Definition, Source, definitions, public_names

MANY_ARGUMENTS, MANY_LINES, MANY_METHODS = 5, 25, 8
ENOUGH = 8  # different words with a meaning of their own
SHAPE = r"\((?![^()]*\d{4})[\w.*]+(, ?[\w. *+-]+)*,?\)"  # (batch, muscle), (..., 2), (n); no year of a source
EQUATION = r"[=+*/^√²·]|\w - \w|-\w"

#: words that say nothing by themselves, in docstrings of this package
EMPTY = frozenset(
    "a all also an and any are as at be been but by can each every for from had has have if in into is it its no not of off on one ones only or other"
    " out own same so some such than that the their them then there these they this those thing to up was were what when where whether which"
    " who with would does do get gets got gives give given make makes made return returns set sets use uses used value values".split()
)


# ---- what is missing -----------------------------------------------------------------------------------------------


def _mentioned(name: str, text: str) -> bool:
    "Whether a text names something; in backticks if the name is an ordinary word of no meaning."
    name = re.escape(name)
    return bool(re.search(rf"`{name}\b" if name in EMPTY else rf"(?<!\w){name}(?!\w)", text))


def _stem(word: str) -> str:
    "A word without the commonest endings."
    return re.sub(r"(ing|ed|es|s|e)$", "", word) if len(word) > 3 else word


def _meanings(text: str) -> set[str]:
    "The different words of a text that say something; names and equations count by their parts."
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))
    return {_stem(w.lower()) for w in words if w.lower() not in EMPTY and (len(w) > 1)}


def _lines(node: ast.FunctionDef | ast.ClassDef) -> int:
    "Lines of code, without the signature and the docstring."
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def without_docstring(d: Definition) -> Iterator[str]:
    "No docstring."
    if not d.doc.strip():
        yield "docstring"


def unexplained_arguments(d: Definition) -> Iterator[str]:
    "Arguments without a comment that the docstring does not name; an overriding method may leave it to what it overrides."
    foreign = "\n".join(x for x in d.inherited if isinstance(x, str))
    for argument in d.arguments:
        name = argument.name
        base = next((x for x in d.inherited if isinstance(x, Definition)), None)
        there = (
            base is not None and any(a.name == name for a in base.arguments) and name not in unexplained_arguments(base)
        )
        if not (
            name.startswith("_") or argument.comment or _mentioned(name, d.doc) or there or _mentioned(name, foreign)
        ):
            yield name


def unnamed_keys(d: Definition) -> Iterator[str]:
    "Keys of a dict that is returned: each one that the code writes out, or else where they come from."
    if not isinstance(d.node, ast.FunctionDef) or d.node.returns is None:
        return
    if not re.match(r"['\"]?(dict|Mapping|MutableMapping)\b", ast.unparse(d.node.returns)):
        return
    if {x.split(".")[-1] for x in re.findall(r"`([\w.]+)(?:\(\))?`", d.text)} & public_names():
        return  # where the keys are listed
    returned = [n.value for n in ast.walk(d.node) if isinstance(n, ast.Return) and isinstance(n.value, ast.Dict)]
    keys = {k.value for display in returned for k in display.keys if isinstance(k, ast.Constant)}
    missing = [str(k) for k in sorted(keys, key=str) if not _mentioned(str(k), d.text)]
    if missing:
        yield f"keys {', '.join(missing)}"
    elif not keys and not re.search(r"\b(keys?|names?|named|labels?|by|each|per)\b|`", d.text):
        yield "keys of the dict"


def shapeless_arrays(d: Definition) -> Iterator[str]:
    "Arrays that are returned without their shape, as in (batch, muscle); or without the word that it is a number, or like what came in."
    if not isinstance(d.node, ast.FunctionDef) or d.node.returns is None:
        return
    result = ast.unparse(d.node.returns)
    if not re.search(r"\b(Tensor|ndarray|DataArray)\b", result) or "Callable" in result:
        return
    if not re.search(SHAPE, d.text) and not re.search(r"\b(number|scalar|shape|shapes|like)\b", d.text):
        yield "shape of what is returned"


def only_its_name(d: Definition) -> Iterator[str]:
    "A docstring that says nothing its name does not say."
    if d.doc.strip() and not re.search(EQUATION, d.doc) and not _meanings(d.doc) - _meanings(d.name.replace(".", " ")):
        yield f"more than its name: {d.doc.strip()!r}"


def too_short(d: Definition) -> Iterator[str]:
    "A docstring of few words for something large. Words of its name, repeated words and empty ones do not count."
    if d.name.endswith("__init__") or not d.doc.strip():
        return
    if isinstance(d.node, ast.ClassDef):
        public = [n for n in d.node.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]
        large = len(public) > MANY_METHODS
        size = f"{len(public)} methods"
    else:
        lines = _lines(d.node)
        large = len(d.arguments) > MANY_ARGUMENTS or lines > MANY_LINES
        size = f"{len(d.arguments)} arguments, {lines} lines"
    said = len(_meanings(d.text) - _meanings(d.name))
    if large and said < ENOUGH:
        yield f"{said} words of meaning for {size}"


RULES = (without_docstring, unexplained_arguments, unnamed_keys, shapeless_arrays, only_its_name, too_short)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_public_names_say_what_they_are(rule):
    offences = []
    for d in definitions():
        if d.name.endswith("__init__") and rule is not unexplained_arguments:
            continue
        missing = list(rule(d))
        if missing:
            offences.append(f"{d.place}: {', '.join(missing)}")
    assert not offences, f"{len(offences)} of {len(definitions())} public names, {inspect.getdoc(rule)}\n" + "\n".join(
        offences
    )


# ---- that the rules see what they should ---------------------------------------------------------------------------

EXAMPLE = '''
def bare(x): return x

def good(
    x,  # (batch) m
    y=1,
    *,
    z=(1,
       2),  # two numbers
) -> Tensor:  # (batch) N
    "Force of a spring on `y`."

def keys(a) -> dict[str, int]:
    "What a map gives."
    return {"first": 1, "second": 2}

def crowded(x, y) -> Tensor:  # about the result
    "Crowded."

def of_class(
    cls,  # any class
): return cls

class Pair(NamedTuple):
    "Two of them."
    one: int  # the first
    two: int
    def both(self, k): return k
'''  # fmt: skip


@pytest.fixture
def example(monkeypatch):
    monkeypatch.setattr(inspect, "getsource", lambda module: EXAMPLE)
    read = Source("motornet_nb")
    return lambda *names: read.definition("example", *names)


def test_what_the_rules_find(example):
    found = lambda rule, *names: list(rule(example(*names)))  # noqa: E731
    assert found(without_docstring, "bare") == ["docstring"] and found(without_docstring, "good") == []
    assert found(unexplained_arguments, "bare") == ["x"] and found(unexplained_arguments, "good") == []
    assert found(unexplained_arguments, "crowded") == ["x", "y"] and found(unexplained_arguments, "keys") == ["a"]
    assert found(unexplained_arguments, "of_class") == []  # of a function, `cls` is an argument like others
    assert found(unexplained_arguments, "Pair") == ["two"] and found(unexplained_arguments, "Pair", "both") == ["k"]
    assert found(unnamed_keys, "keys") == ["keys first, second"] and found(unnamed_keys, "good") == []
    assert found(shapeless_arrays, "good") == [] and found(shapeless_arrays, "crowded") == ["shape of what is returned"]
    assert found(only_its_name, "crowded") and not found(only_its_name, "good")
    assert "3 words" in (found(too_short, "good") or ["3 words"])[0]


def test_the_whole_package_is_looked_at():
    places = {d.place for d in definitions()}
    assert {
        "body/body.py, Body.advance",
        "learning/training.py, train",
        "results/tuning.py, preferred_directions",
    } <= places
    assert len(places) > 800
