"""The code of functions as text."""

import functools
import linecache
import os
import re
import subprocess
import sys

import pytest

from motornet_nb.core.codetext import code_of, names_read

SOURCE = """
import functools


def plain(x):
    "Doubles."
    return 2 * x  # twice


def argued(a, /, b, *c, d=1, **e):
    async def inner(y):
        "Inside."
        return [z for z in y if z in {"p", "q", "r"}]

    return inner


@functools.lru_cache
def decorated(x): return x


class Kind:
    "A class."

    def method(self):
        return super().__repr__()


pair = lambda x: x + 1, lambda x: (
    x + 2)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    "A module of a user, in a file."
    (tmp_path / "mine_as_text.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__("mine_as_text")
    del sys.modules["mine_as_text"]


def text(function) -> str:
    return code_of(function.__code__)["code"]


def test_the_source_in_one_layout(module):
    "Without comments and docstrings; of a line with two lambdas, each its own."
    assert text(module.plain) == "def plain(x):\n    return 2 * x"
    assert [text(f) for f in module.pair] == ["lambda x: x + 1", "lambda x: x + 2"]
    assert text(module.decorated.__wrapped__) == "@functools.lru_cache\ndef decorated(x):\n    return x"
    assert text(module.Kind.method).startswith("def method(self):\n    return super()")
    assert "Inside" not in text(module.argued) and text(module.argued).startswith("def argued(a, /, b, *c, d=1, **e):")
    assert text(module.argued(1, 2)).startswith("async def inner(y):\n    return [z")


def test_without_a_source_the_instructions():
    "And a number that follows from them, the same with a source and without, wherever it stands."
    space = {}
    exec("\n\ndef plain(x):\n    return 2 * x", space)
    code = code_of(space["plain"].__code__)
    assert code["code"].startswith("plain(x)\n") and "BINARY_OP" in code["code"]
    assert re.fullmatch(r"3\.\d+ [0-9a-f]{16}", code["compiled"])
    other = {}
    exec("def plain(x):\n    return 3 * x", other)
    assert code_of(other["plain"].__code__)["compiled"] != code["compiled"]


def test_a_source_that_is_no_longer_that_of_the_function(module, tmp_path):
    "Is not shown: what runs is."
    (tmp_path / "mine_as_text.py").write_text(SOURCE.replace("2 * x", "3 * x"))
    linecache.clearcache()
    code_of.cache_clear()
    assert "3 * x" not in text(module.plain) and "BINARY_OP" in text(module.plain)


def test_the_same_in_another_process(tmp_path):
    "Though the order of a set is another there."
    script = "from motornet_nb.core.codetext import code_of\nprint(code_of(compile('x in {\"a\", \"b\", \"c\"}', '', 'eval')))"
    seen = set()
    for seed in ("1", "2"):
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed})
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout)
    assert len(seen) == 1 and "frozenset" not in seen.pop()


def test_names_of_globals_that_are_read(module):
    "In order, each once, with attributes, those of functions within included; arguments and closed-over values are none."
    assert names_read((lambda x: functools.partial(x, re.I.name, re.I)).__code__) == [
        ("functools", "partial"),
        ("re", "I", "name"),
        ("re", "I"),
    ]
    assert names_read((lambda x: [re for _ in x]).__code__) == [("re",)]
    assert names_read(module.plain.__code__) == []
