"""Docstrings list every argument: of models as they are declared, of functions as the comments in the source say."""

import importlib
import inspect
import pickle
import pydoc
import subprocess
import sys

import make_argument_notes
import pytest
from docments import definitions
from examples import package_classes

import motornet_nb as mn
from motornet_nb.core import explained
from motornet_nb.core.explained import Entry, as_section
from motornet_nb.core.model import Model
from motornet_nb.core.parameters import choice, count, fixed, part, quantity


class Wheel(Model):
    "A wheel."

    radius = quantity(0.3, "m", "radius", above=0, typical=(0.2, 0.5), source="a tape measure")


class Cart(Model):
    """A cart on wheels.

    It rolls."""

    weight = quantity(unit="kg", description="weight", above=0, at_most=10)
    wheel = part(Wheel, Wheel(0.1), "all alike")
    seats = count(2, "how many may sit")
    colour = choice(("red", "blue"), "red", "paint")


class Big(Cart):
    seats = Cart.seats.replace(default=8)
    colour = fixed("blue")


class Painted(Cart):
    "A cart with an `__init__` of a user."

    def __init__(self, shade: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.shade = shade


def section(text: str, title: str = "Parameters") -> dict[str, tuple[str, str]]:
    "What a docstring's section says: type and default, and meaning, by name."
    _, _, below = text.partition(f"{title}\n{'-' * len(title)}\n")
    below = below.partition("\n\n")[0]
    found: dict[str, tuple[str, str]] = {}
    for line in below.splitlines():
        if line.startswith("    "):
            name, (kind, meaning) = list(found.items())[-1]
            found[name] = kind, f"{meaning} {line.strip()}".strip()
        else:
            name, _, kind = line.partition(" : ")
            found[name.lstrip("*")] = kind, ""
    return found


def test_a_class_says_what_it_declares():
    assert Cart.__doc__ == inspect.getdoc(Cart)
    assert Cart.__doc__.startswith(
        "A cart on wheels.\n\nIt rolls.\n\nParameters\n----------\nweight : quantity in kg\n"
    )
    assert section(Cart.__doc__) == {
        "weight": ("quantity in kg", "weight; a finite number above 0 and at most 10 kg"),
        "wheel": ("Wheel, default Wheel(radius=0.1)", "all alike"),
        "seats": ("int, default 2", "how many may sit; a whole number, at least 1"),
        "colour": ("{'red', 'blue'}, default 'red'", "paint"),
    }
    said = "radius; a finite number above 0 m; usually 0.2 to 0.5. Source: a tape measure"
    assert section(Wheel.__doc__) == {"radius": ("quantity in m, default 0.3", said)}
    assert Cart(1.0).__doc__ == Cart.__doc__


def test_a_subclass_says_what_is_different():
    "Without a docstring it has that of its base; what it fixes is no argument; what it changes comes first."
    assert Big.__doc__.startswith("A cart on wheels.\n\nIt rolls.\n\nParameters")
    assert list(section(Big.__doc__)) == list(inspect.signature(Big).parameters) == ["weight", "seats", "wheel"]
    assert section(Big.__doc__)["seats"][0] == "int, default 8"


def test_an_init_of_a_user_is_listed_with_what_it_passes_on():
    said = section(Painted.__doc__)
    assert said["shade"] == ("float, default 0.5", "")
    assert list(said) == ["shade", "weight", "wheel", "seats", "colour"]


def test_a_written_list_of_parameters_stays_alone():
    class Own(Wheel):
        """A wheel.

        Parameters
        ----------
        radius : float
            Of the rim.
        """

    assert inspect.getdoc(Own).count("Parameters") == 1 and "Of the rim." in inspect.getdoc(Own)


def test_a_parameter_prints_as_what_it_is():
    assert repr(Wheel.radius) == "Parameter('radius', m, > 0, default 0.3)"
    assert repr(Cart.weight) == "Parameter('weight', kg, > 0, <= 10, required)"
    assert repr(Cart.colour) == "Parameter('paint', one of 'red', 'blue', default 'red')"
    assert repr(Cart.seats) == "Parameter('how many may sit', >= 1, default 2)"
    text = pydoc.plain(pydoc.render_doc(Cart))
    assert " |  weight\n |      weight; a finite number above 0 and at most 10 kg" in text
    assert "always 'blue'" in pydoc.plain(pydoc.render_doc(Big))
    assert "object at 0x" not in text


def test_classes_can_be_pickled_and_shown():
    "What makes the text is no hindrance."
    assert pickle.loads(pickle.dumps(Wheel(0.2))) == Wheel(0.2) and pickle.loads(pickle.dumps(Wheel)) is Wheel
    again = pickle.loads(pickle.dumps(vars(Cart)["__doc__"]))  # as cloudpickle does with a class of a notebook
    assert again.__get__(None, Cart) == Cart.__doc__


@pytest.mark.parametrize("cls", package_classes(), ids=lambda cls: cls.__name__)
def test_every_model_says_all_of_its_declarations(cls):
    said = section(cls.__doc__)
    assert list(said) == list(inspect.signature(cls).parameters)
    for name, p in cls.declarations.items():
        kind, meaning = said[name]
        meaning = " ".join(meaning.split())
        assert p.description in meaning and p.description, name
        assert not p.source or f"Source: {p.source}" in meaning, name
        assert p.unit in ("", "1") or f"in {p.unit}" in kind, name
        assert p.required is ("default" not in kind), name
        if p.kind in ("quantity", "number", "count", "data", "parts"):
            assert p.allowed in meaning, name
        if isinstance(p.default, float | int):
            assert kind.endswith(f"default {p.default!r}"), name


def test_the_notes_are_what_the_sources_say():
    assert make_argument_notes.NOTES.read_text(encoding="utf-8") == make_argument_notes.as_text(), "run make notes"


def test_every_public_function_and_class_lists_its_arguments():
    missing = []
    for d in definitions():
        owner, _, name = d.name.rpartition(".")
        module = importlib.import_module(d.module)
        if name == "__init__" or d.module == "motornet_nb.__main__":
            continue
        known = getattr(getattr(module, owner) if owner else module, name)
        takes = [a.name for a in d.arguments]
        if isinstance(known, type):
            made_here = getattr(known.__init__, "__module__", "").partition(".")[0] == "motornet_nb"
            takes = list(inspect.signature(known).parameters) if made_here else takes
        said = section(inspect.getdoc(known) or "")
        missing += [f"{d.place}: {n}" for n in takes if n not in said]
    assert not missing, "\n".join(missing)


def test_help_of_functions_has_types_defaults_and_meanings():
    said = section(inspect.getdoc(mn.train))
    assert said["batch_size"] == ("int, default 64", "trials in a batch, of each replicate")
    assert said["loss"][0] == "LossFunction | None, default None"
    assert set(said) == set(inspect.signature(mn.train).parameters)
    assert section(inspect.getdoc(mn.train), "Returns")["pd.DataFrame | Replicates"][1].startswith("the log, one row")
    assert "batch_size : int, default 64" in pydoc.plain(pydoc.render_doc(mn.train))
    method = section(inspect.getdoc(mn.CenterOutReach.draw))  # it says nothing; what it overrides does
    assert method["n"] == ("int", "number of trials")


def test_a_module_is_explained_when_it_is_imported_by_whatever_way():
    code = """
import motornet_nb.views.roses as roses, motornet_nb.fused.threads as threads, importlib
text = roses.rose.__doc__ if hasattr(roses, "rose") else getattr(roses, roses.__all__[0]).__doc__
assert "Parameters\\n----------" in text, text
importlib.reload(roses)
assert getattr(roses, roses.__all__[0]).__doc__.count("Parameters\\n") == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_explaining_twice_does_nothing():
    before = mn.train.__doc__
    explained.explain(sys.modules[mn.train.__module__])
    explained.explain_imports()
    assert mn.train.__doc__ == before
    assert sum(isinstance(f, explained.Explainer) for f in sys.meta_path) == 1


def test_a_section_has_the_form_of_numpydoc():
    entries = [Entry("x", "float", "1.0", "length m"), Entry("y", ""), Entry("", "int", "", "a number")]
    assert as_section("Parameters", entries[:2]) == "Parameters\n----------\nx : float, default 1.0\n    length m\ny"
    assert as_section("Returns", entries[2:]) == "Returns\n-------\nint\n    a number"
    assert as_section("Parameters", []) == ""
