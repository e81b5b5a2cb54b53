"""Declarations, checks of quantities, and the words of a refusal."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from motornet_nb.core.checks import as_quantity, describe, range_in_words, refuse
from motornet_nb.core.model import Model
from motornet_nb.core.parameters import choice, count, data, flag, number, part, parts, quantity, text


class Wheel(Model):
    "A part for the machine below."

    radius = quantity(0.3, "m", "radius", above=0)


class Machine(Model):
    "One parameter of every kind."

    weight = quantity(unit="kg", description="weight", above=0, at_most=10)
    heights = quantity([1.0, 2.0], "m", "heights", ndim=1, at_least=0)
    delay = number(0.1, "s", "delay", at_least=0, optional=True)
    steps = count(3, "steps", at_least=2)
    colour = choice(("red", "blue"), "red", "colour")
    loud = flag(False, "whether it is loud")
    label = text("m", "label")
    notes = data(dict[str, int], {}, "", "notes", "a dict of whole numbers")
    wheel = part(Wheel, Wheel(), "a wheel")
    spares = parts(Wheel, "spare wheels", accept=lambda v: Wheel(v) if isinstance(v, float) else None)


def test_a_refusal_names_the_argument_the_value_and_what_is_allowed():
    error = refuse(Machine, "weight", -1.0, "above 0 kg")
    assert isinstance(error, ValueError)
    assert str(error) == "Machine: weight = -1.0 is not allowed; it must be above 0 kg"
    assert isinstance(refuse("x", "y", 1, "z", TypeError), TypeError)
    assert str(refuse(Wheel(), "radius", None, "a number")).startswith("Wheel: radius = None")


def test_values_are_described_in_a_few_words():
    assert describe(torch.tensor(2.0)) == "2.0"
    assert describe(np.arange(3)) == "[0, 1, 2]"
    assert describe(torch.zeros(5, 5)) == "tensor of shape (5, 5)"
    assert describe(np.zeros((5, 5))) == "array of shape (5, 5)"
    assert describe("x" * 500) == "'" + "x" * 96 + "..."


def test_ranges_are_put_in_words():
    assert range_in_words("kg", above=0) == "a finite number above 0 kg"
    assert range_in_words("1", at_least=0, below=1) == "a finite number at least 0 and below 1"
    assert range_in_words("m") == "a finite number"
    assert Machine.declarations["weight"].allowed == "a finite number above 0 and at most 10 kg"
    assert Machine.declarations["heights"].allowed == "a list of finite numbers at least 0 m"
    assert Machine.declarations["delay"].allowed == "a finite number at least 0 s (or None)"


@pytest.mark.parametrize(
    "value",
    [2, 2.0, np.float32(2), np.int64(2), np.array(2.0), torch.tensor(2), torch.tensor(2.0), torch.tensor(2.0).half()],
)
def test_a_quantity_takes_numbers_arrays_and_tensors_and_keeps_them_in_double_precision(value):
    weight = Machine(value).weight
    assert weight.dtype == torch.float64 and weight.item() == 2.0


@pytest.mark.parametrize(
    "value", [[1, 2.5], (1, 2.5), np.array([1, 2.5]), torch.tensor([1, 2.5]), [np.float32(1), 2.5]]
)
def test_a_list_quantity_takes_lists_arrays_and_tensors(value):
    assert Machine(1, heights=value).heights.tolist() == [1.0, 2.5]


def test_a_quantity_copies_what_it_was_given():
    array, plain = np.ones(2), torch.ones(2, dtype=torch.float64)
    from_array, from_tensor = Machine(1, heights=array).heights, Machine(1, heights=plain).heights
    array[0], plain[0] = 5, 5
    assert from_array.tolist() == from_tensor.tolist() == [1.0, 1.0]


def test_a_tensor_that_requires_a_gradient_is_kept_as_it_is():
    weight = torch.tensor(2.0, requires_grad=True)
    machine = Machine(weight)
    assert machine.weight is weight
    learnt = nn.Parameter(torch.tensor(3.0))
    assert next(Machine(learnt).parameters()) is learnt


@pytest.mark.parametrize(
    "value",
    [
        "2",
        ["1", "2"],
        b"2",
        True,
        [True, False],
        [1.0, True],
        np.array([True]),
        np.bool_(True),
        None,
        [None],
        1j,
        np.array([1j]),
        torch.tensor(1j),
        torch.tensor(True),
        {},
        {1.0},
        object(),
        math.nan,
        math.inf,
        [1.0, math.nan],
        torch.tensor(math.inf),
        10**400,
        [10**400],
        np.datetime64("2020-01-01"),
        [[1.0], [1.0, 2.0]],
        [torch.tensor(1.0, requires_grad=True)],
    ],
)
def test_what_is_no_finite_number_is_no_quantity(value):
    with pytest.raises(ValueError, match="finite"):
        as_quantity(value, ndim=None, allowed="finite numbers")


@pytest.mark.parametrize(
    ("limits", "inside", "outside"),
    [
        ({"above": 1}, [1.1], [1.0, 0.9]),
        ({"at_least": 1}, [1.0, 1.1], [0.9]),
        ({"below": 1}, [0.9], [1.0, 1.1]),
        ({"at_most": 1}, [0.9, 1.0], [1.1]),
        ({"above": 0, "at_most": 1}, [0.5, 1.0], [0.0, 1.1]),
    ],
)
def test_limits_are_included_or_excluded_as_declared(limits, inside, outside):
    for value in inside:
        assert as_quantity(value, **limits).item() == value
    for value in outside:
        with pytest.raises(ValueError, match="a number"):
            as_quantity(value, **limits)
        with pytest.raises(ValueError, match="a number"):
            as_quantity([inside[0], value], ndim=1, **limits)


@pytest.mark.parametrize(("ndim", "value"), [(0, 1.0), (1, [1.0]), (2, [[1.0]]), (None, 1.0), (None, [[1.0]])])
def test_the_number_of_axes_is_checked(ndim, value):
    assert as_quantity(value, ndim=ndim).ndim == np.ndim(value)
    if ndim is not None:
        with pytest.raises(ValueError, match="a number"):
            as_quantity([value], ndim=ndim)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weight", 0),
        ("weight", 11),
        ("weight", [1.0]),
        ("heights", 1.0),
        ("heights", [-1.0]),
        ("delay", -0.1),
        ("delay", "soon"),
        ("delay", [0.1]),
        ("steps", 1),
        ("steps", 2.0),
        ("steps", True),
        ("steps", "3"),
        ("colour", "green"),
        ("colour", 1),
        ("loud", 1),
        ("loud", "yes"),
        ("label", ""),
        ("label", 3),
        ("label", b"m"),
        ("notes", []),
        ("notes", {"a": "b"}),
        ("wheel", Wheel),
        ("wheel", "wheel"),
        ("spares", 3),
        ("spares", ["wheel"]),
    ],
)
def test_every_kind_of_declaration_refuses_what_it_does_not_allow(name, value):
    with pytest.raises(ValueError) as caught:
        Machine(**{"weight": 1.0} | {name: value})
    message = str(caught.value)
    assert message.startswith(f"Machine: {name} = {describe(value)} is not allowed; it must be ")
    assert Machine.declarations[name].allowed in message


def test_optional_numbers_may_be_none_and_lists_of_parts_accept_single_ones():
    assert Machine(1, delay=None).delay is None
    spare = Wheel(0.5)
    assert list(Machine(1, spares=spare).spares) == [spare]
    assert [w.radius.item() for w in Machine(1, spares=[spare, 0.7]).spares] == [0.5, 0.7]


def test_a_declaration_can_be_changed_for_a_subclass():
    class Heavy(Machine):
        "A machine with a default weight."

        weight = Machine.weight.but(default=9.0)

    assert Heavy().weight.item() == 9.0
    assert Machine.declarations["weight"].required and not Heavy.declarations["weight"].required
    assert Heavy.declarations["weight"].allowed == Machine.declarations["weight"].allowed


@pytest.mark.parametrize("value", [3.0, torch.tensor(3.0), torch.tensor(-1.0)])
def test_parameters_are_fixed_at_construction(value):
    machine = Machine(1.0)
    with pytest.raises(AttributeError, match="weight is fixed at construction"):
        machine.weight = value
    with pytest.raises(AttributeError, match="wheel is fixed at construction"):
        machine.wheel = Wheel(0.1)
    with pytest.raises(AttributeError, match="steps is fixed at construction"):
        machine.steps = 5
    assert machine == Machine(1.0)
