"""What a model shows of its parameters."""

import torch
from torch import nn

import motornet_nb as mn
from motornet_nb.core.model import Model
from motornet_nb.core.parameters import choice, quantity
from motornet_nb.core.tables import as_expression, as_html, parameter_rows, parameter_table


class Spring(Model):
    "A class of a user."

    stiffness = quantity(10.0, "N/m", "stiffness", above=0, source="a guess")
    rest = quantity(unit="m", description="rest length")
    kind = choice(("linear", "cubic"), "linear", "law of <force>")


def test_the_table_of_parameters_says_value_unit_range_and_source():
    row = next(r for r in parameter_rows(Spring(rest=0.1, stiffness=20)) if r["parameter"] == "stiffness")
    expected = {"value": "20", "unit": "N/m", "allowed": "a finite number above 0 N/m", "source": "a guess"}
    assert expected.items() <= row.items()
    assert parameter_rows(Spring)[1]["value"] == "(required)"
    table = parameter_table(mn.TwoDofArm())
    assert table.count("<tr>") == 1 + len(mn.TwoDofArm.declarations) and "upper arm" in table
    assert "<b>TwoDofArm</b>" in mn.TwoDofArm()._repr_html_()


def test_values_as_python_writes_them():
    "Exactly; in a table numbers have six digits, and a value 80 characters."
    third = torch.tensor([1 / 3], dtype=torch.float64)
    assert as_expression(third) == "[0.3333333333333333]"
    assert as_expression({"a": (torch.float32, torch.device("cpu")), 1: None}) == "{'a': ['float32', 'cpu'], 1: None}"
    assert as_expression(nn.ModuleList([Spring(rest=1.0)])) == "[Spring(rest=1.0)]"
    assert parameter_rows(Spring(rest=1 / 3))[1]["value"] == "0.333333"
    points = parameter_rows(mn.geometric_arm26().geometry)[1]["value"]
    assert len(points) == 80 and points.endswith("...")


def test_what_a_model_shows_is_html():
    "Angle brackets in a description are no tags."
    assert "law of &lt;force&gt;" in as_html(Spring(rest=1.0)) and "<b>Spring</b>" in as_html(Spring(rest=1.0))
