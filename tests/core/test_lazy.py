"""Names whose modules are imported when they are first used."""

import importlib
import sys

import pytest

from motornet_nb.core.lazy import lazily


@pytest.fixture
def package(tmp_path, monkeypatch):
    "A package with a module that has one name."
    folder = tmp_path / "lazy_example"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from motornet_nb.core.lazy import lazily\n__getattr__ = lazily('lazy_example', {'answer': 'inside', 'inside': ''})"
    )
    (folder / "inside.py").write_text("answer = 42")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("lazy_example")
    for name in ("lazy_example", "lazy_example.inside"):
        sys.modules.pop(name, None)


def test_a_module_is_imported_when_its_name_is_first_used(package):
    assert "lazy_example.inside" not in sys.modules
    assert package.answer == 42 and "lazy_example.inside" in sys.modules


def test_a_module_has_its_own_name(package):
    assert package.inside.answer == 42


def test_other_names_are_an_attribute_error(package):
    with pytest.raises(AttributeError, match="module 'lazy_example' has no attribute 'question'"):
        package.question  # noqa: B018
    assert not hasattr(package, "question")
    with pytest.raises(ImportError):
        lazily("lazy_example", {"lost": "nowhere"})("lost")
