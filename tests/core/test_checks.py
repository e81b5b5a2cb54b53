"""The words of a refusal, checks of quantities, numbers and times."""

import math

import numpy as np
import pytest
import torch

from motornet_nb.core.checks import (
    as_float,
    as_quantity,
    check_options,
    check_seed,
    describe,
    is_number,
    is_truth,
    is_whole,
    range_in_words,
    refuse,
    whole_steps,
)


class Wheel:
    "Whose argument is wrong."


def test_a_refusal_names_the_argument_the_value_and_what_is_allowed():
    error = refuse(Wheel, "weight", -1.0, "above 0 kg")
    assert isinstance(error, ValueError)
    assert str(error) == "Wheel: weight = -1.0 is not allowed; it must be above 0 kg"
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


@pytest.mark.parametrize(("one", "zero"), [(1, 0), (np.int16(1), np.uint8(0)), (torch.tensor(1), np.array(0))])
def test_whole_numbers_of_every_kind(one, zero):
    assert is_whole(one) and is_whole(zero) and is_number(one) and not is_truth(one)
    for wrong in (1.0, True, np.bool_(True), torch.tensor(True), "1", None, [1], torch.tensor([1]), 1j):
        assert not is_whole(wrong)


def test_numbers_and_truth_values():
    for value in (0.5, np.float32(0.5), torch.tensor(0.5), np.array(0.5), math.inf):
        assert is_number(value) and not is_whole(value) and as_float(value) == value
    assert is_truth(True) and is_truth(np.bool_(False)) and is_truth(torch.tensor(True)) and not is_truth(1)
    assert as_float(np.float32(0.01)) == 0.01 and type(as_float(np.float64(0.01))) is float


def test_times_are_whole_numbers_of_steps():
    assert whole_steps("x", "duration", 0.3, 0.1) == 3 and whole_steps("x", "delay", 0.0, 0.01) == 0
    with pytest.raises(
        ValueError, match=r"x: delay = 0.075 .* multiple of the effector's timestep of 0.01 s, such as 0.07 or 0.08"
    ):
        whole_steps("x", "delay", 0.075, 0.01)
    with pytest.raises(ValueError, match=r"such as 0.01 or 0.02 s|such as 0.01 s"):
        whole_steps("x", "delay", 0.0, 0.01, at_least=1)


def test_the_arguments_of_reset():
    assert check_options("x", None, ("batch_size",)) == {}
    assert check_options("x", {"batch_size": np.int64(3), "a": 1}, ("batch_size", "a")) == {"batch_size": 3, "a": 1}
    assert check_options("x", {"batch_size": None}, ("batch_size",)) == {"batch_size": None}
    for wrong, error in (([], TypeError), ({"size": 1}, ValueError), ({"batch_size": 0}, ValueError)):
        with pytest.raises(error, match="x: "):
            check_options("x", wrong, ("batch_size",))
    assert check_seed("x", torch.tensor(3)) == 3
    for wrong in (-1, 2**63, 1.0, True, "1"):
        with pytest.raises(ValueError, match="x: seed"):
            check_seed("x", wrong)
