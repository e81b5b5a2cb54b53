"""Where two recipes differ."""

import math

import pytest

import motornet_nb as mn
from motornet_nb.core.differences import differences, first_difference
from motornet_nb.core.recipe import recipe_of

LAW = {"function": "law", "code": "lambda x: 2 * x", "compiled": "3.12 a"}
NET = {"class": "mine.Net", "layers": [{"class": "torch.nn.modules.linear.Linear", "weight": {"weights": [2, 2]}}]}


@pytest.mark.parametrize(
    ("had", "has", "found"),
    [
        (1, 1, []),
        (math.nan, math.nan, []),
        (1, 1.0, [("x", 1, 1.0)]),
        ({"a": 1, "b": [1, 2]}, {"a": 2, "b": [1, 3]}, [("x.a", 1, 2), ("x.b[1]", 2, 3)]),
        ({"a": [1, 2]}, {"a": [1]}, [("x.a", [1, 2], [1])]),
        ({"a": 1, "c": 0}, {"b": 1, "c": 0}, [("x.a", 1, None), ("x.b", None, 1)]),
        ({"0": {"p": 1}}, {"0": {"p": 2}}, [("x[0].p", 1, 2)]),
        (NET, NET | {"class": "mine.Other"}, [("x", "mine.Net", "mine.Other")]),
        (NET, {**NET, "layers": [{"class": "torch.nn.modules.activation.ReLU"}]}, "x.layers[0]"),
        ({"shape": [300], "digest": "a"}, {"shape": [300], "digest": "b"}, "x"),
        (LAW, LAW | {"function": "other"}, []),
        (LAW, LAW | {"code": "lambda x: 3 * x"}, []),
        (LAW, LAW | {"code": "lambda x: 3 * x", "compiled": "3.12 b"}, "x: its code"),
        ({"(derived)": {"a": 1, "b": 1}}, {"(derived)": {"a": 2, "c": 1}}, [("x.a", 1, 2)]),
        ({"(reads)": {"B": 1}}, {"(reads)": {"B": 2}}, [("x.B", 1, 2)]),
        (LAW, LAW | {"(reads)": {"B": 2}}, [("x.B", None, 2)]),
    ],
)
def test_where_two_recipes_differ(had, has, found):
    "Written as an attribute would be, with what is there in either."
    here = list(differences(had, has, "x"))
    assert (found == [] and not here) or here == found or [where for where, *_ in here] == [found]
    assert first_difference(had, has, "x") == (here[0] if here else None)


def test_classes_of_this_package_are_compared_by_their_bare_names():
    "Recipes of version 0.1 named their modules."
    now = recipe_of(mn.PointMass())
    assert now["class"] == "PointMass"
    assert first_difference(now | {"class": "motornet_nb.skeleton.PointMass"}, now) is None
    assert first_difference(now | {"class": "mine.PointMass"}, now, "body")[0] == "body"


def test_names_that_a_recipe_uses_may_be_a_users():
    "A dict with the names that recipes of functions have."
    for name in ("code", "compiled", "class", "function", "type", "digest", "derived", "reads"):
        assert list(differences(recipe_of({name: 1}), recipe_of({name: 2}))) == [(name, 1, 2)]
        assert list(differences(recipe_of({name: 1, "a": 0}), recipe_of({"a": 0}))) == [(name, 1, None)]
