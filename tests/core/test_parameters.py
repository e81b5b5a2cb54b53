"""Declarations of parameters."""

from typing import Annotated, Any

import numpy as np
import pytest
import torch
from pydantic import BeforeValidator
from torch import nn

from motornet_nb.core.checks import describe
from motornet_nb.core.model import Model, from_config
from motornet_nb.core.parameters import choice, count, data, fixed, flag, number, part, parts, quantity, text


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


def test_declarations_say_their_range_in_words():
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

        weight = Machine.weight.replace(default=9.0)

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


@pytest.mark.parametrize("name", Machine.declarations)
def test_a_declaration_checks_as_the_class_does(name):
    "The value that is kept, or a plain error with the words of the refusal."
    declaration = Machine.declarations[name]
    good = {"weight": 2, "notes": {"a": 1}, "wheel": Wheel(0.1), "spares": [0.1, Wheel(0.2)]}.get(
        name, declaration.default
    )
    kept, expected = declaration.check(good), Machine(**{"weight": 1} | {name: good}).values()[name]
    assert str(kept) == str(expected) if name != "spares" else list(kept) == list(expected)
    with pytest.raises(ValueError) as caught:
        declaration.check(object())
    assert type(caught.value) is ValueError and str(caught.value) == declaration.allowed


def test_what_is_wrong_inside_a_value_is_said():
    with pytest.raises(ValueError, match=r"^a dict of whole numbers \(at a: Input should be a valid integer.*\)$"):
        Machine.declarations["notes"].check({"a": "b"})
    with pytest.raises(ValueError, match=r"^Input should be a valid list$"):
        data(list[int]).check(3)


def test_a_function_may_check_what_a_type_cannot_say():
    def even(value):
        if value % 2:
            raise ValueError("an even number")
        return value // 2

    halves = data(int, 2, convert=even)
    assert halves.check(6) == 3
    with pytest.raises(ValueError, match=r"^an even number$"):
        halves.check(3)
    with pytest.raises(ValueError, match=r"^whatever is declared$"):
        halves.replace(allowed="whatever is declared").check(3)
    annotated = data(Annotated[Any, BeforeValidator(even)])
    assert annotated.check(6) == 3
    with pytest.raises(ValueError, match=r"^an even number$"):
        annotated.check(3)


def test_declarations_go_by_their_former_name_too():
    "`but` was what `replace` is."
    assert Machine.weight.but(default=9.0).default == 9.0


class Unicycle(Machine):
    "A machine that fixes what it inherits."

    weight = fixed(7)
    label = fixed()

    def setup(self):
        self.assign(label="u" * self.steps)


def test_a_class_can_fix_what_it_inherits():
    "It is no argument, in no configuration, and what it was declared to be."
    one = Unicycle(steps=4)
    assert one.weight.dtype == torch.float64 and one.weight.item() == 7 and one.label == "uuuu"
    assert not {"weight", "label"} & {*Unicycle.declarations, *one.to_config()} and "weight" in Machine.declarations
    assert one == from_config(one.to_config()) != Unicycle(steps=5)
    assert one.float().weight.dtype == torch.float64 and one.weight is not Unicycle(steps=4).weight
    with pytest.raises(TypeError, match="Unicycle has no argument 'weight'"):
        Unicycle(weight=3.0)
    with pytest.raises(TypeError, match="Unicycle has no argument 'label'"):
        one.replace(label="x")


def test_what_a_class_fixes_is_checked_where_it_is_defined():
    with pytest.raises(ValueError, match="Heavy: weight = 70 is not allowed; it must be a finite number above 0"):

        class Heavy(Machine):
            weight = fixed(70)

    with pytest.raises(TypeError, match="Painted fixes paint, which none of its base classes declares"):

        class Painted(Machine):
            paint = fixed("blue")


def test_a_fixed_parameter_can_be_declared_again_or_taken_away():
    "By a subclass; None in its place takes a parameter away, too."

    class Free(Unicycle):
        weight = Machine.weight.replace(default=2.0)
        label = None
        colour = None

        def setup(self):
            pass

    assert Free().weight.item() == 2.0 and not {"label", "colour"} & {*Free.declarations}


def test_assigned_values_leave_their_former_place():
    "A tensor in place of a text, a module in place of a number."
    one = Machine(1.0)
    one.assign(label=torch.ones(2), weight=Wheel(), wheel="none")
    assert one.label.tolist() == [1, 1] and one.weight == Wheel() and one.wheel == "none"
    assert list(one._modules) == ["weight"] and "label" in one.state_dict()
