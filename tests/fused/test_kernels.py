"""The functions of the generated programs: accuracy, and numbers that are none."""

import functools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fused_referee import DOUBLE, SINGLE, assert_close, check, normal

from motornet_nb import fused

STRANGE = [float("nan"), float("inf"), float("-inf"), 0.0, -3.0]


STRANGE_FUNCTIONS = {
    "exp": lambda x, y: x.exp(),
    "expm1": lambda x, y: x.expm1(),
    "sigmoid": lambda x, y: x.sigmoid(),
    "tanh": lambda x, y: x.tanh(),
    "relu": lambda x, y: x.relu(),
    "abs": lambda x, y: x.abs(),
    "sqrt": lambda x, y: x.sqrt(),
    "log": lambda x, y: x.log(),
    "log1p": lambda x, y: x.log1p(),
    "erf": lambda x, y: x.erf(),
    "atan": lambda x, y: x.atan(),
    "floor": lambda x, y: x.floor(),
    "softplus": lambda x, y: F.softplus(x),
    "elu": lambda x, y: F.elu(x),
    "leaky_relu": lambda x, y: F.leaky_relu(x),
    "clamp": lambda x, y: x.clamp(-1, 1),
    "clamp from below": lambda x, y: x.clamp(min=-1),
    "clamp from above": lambda x, y: x.clamp(max=1),
    "clamp by tensors": lambda x, y: torch.clamp(x, y, y + 1),
    "clamp between strange tensors": lambda x, y: torch.clamp(y, x, x),
    "maximum": lambda x, y: torch.maximum(x, y),
    "maximum, the other way round": lambda x, y: torch.maximum(y, x),
    "minimum": lambda x, y: torch.minimum(x, y),
    "minimum, the other way round": lambda x, y: torch.minimum(y, x),
    "where": lambda x, y: torch.where(x > 0, x, y),
    "comparisons": lambda x, y: (x > y).to(x.dtype) + 2 * (x <= y) + 4 * (x == x) + 8 * (x != y),
    "isfinite": lambda x, y: torch.where(torch.isfinite(x), y, 2 * y),
    "isnan": lambda x, y: torch.where(torch.isnan(x), y, 2 * y),
    "times zero": lambda x, y: x * 0.0,
    "a sum": lambda x, y: x.sum(-1, keepdim=True) + x,
    "softmax": lambda x, y: torch.softmax(x, -1),
    "softmax of finite numbers": lambda x, y: torch.softmax(x[:, 3:].clamp(-1e30, 1e30), -1).sum(-1, keepdim=True) + y,
}


@functools.cache
def strange_results(dtype):
    "What becomes of numbers that are none, fused and in torch."
    largest, smallest = torch.finfo(dtype).max * 0.5, torch.finfo(dtype).tiny * 2
    x = torch.tensor([*STRANGE, largest, -largest, smallest], dtype=dtype)[None, None]
    y = torch.tensor([0.5, -1.0, 2.0, 0.0, 1.0, -2.0, 3.0, 4.0][: x.shape[-1]], dtype=dtype)[None, None]

    def step(parameters, constants, carry, inputs, feedback):
        return carry, {name: function(*inputs) for name, function in STRANGE_FUNCTIONS.items()}

    _, got = fused.scan(step, (), (), torch.zeros(1, 1, dtype=dtype), (x, y))
    return got, {name: function(x[0], y[0])[None] for name, function in STRANGE_FUNCTIONS.items()}


@pytest.mark.parametrize("name", STRANGE_FUNCTIONS)
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["f64", "f32"])
def test_numbers_that_are_none_are_handed_on(name, dtype):
    "NaN, infinity, and the largest and smallest numbers, as torch does it: a guard has to find them at the end."
    got, want = strange_results(dtype)
    assert_close(got[name], want[name], name, 1e-12 if dtype == DOUBLE else 1e-5)


def wide(dtype):
    "For each function where to look at it: evenly spaced, and close to 0 on both sides."
    double = dtype == DOUBLE
    tiny = np.concatenate([s * np.geomspace(1e-300 if double else 1e-30, 0.9, 1500) for s in (1, -1)])
    ranges = {
        "exp": (-708, 709) if double else (-87, 88),  # what is smaller may become 0
        "expm1": (-60, 700) if double else (-30, 88),
        "sin": (-1e4, 1e4) if double else (-1e3, 1e3),
        "cos": (-1e4, 1e4) if double else (-1e3, 1e3),
        "tanh": (-30, 30),
        "sigmoid": (-700, 40) if double else (-85, 40),
        "log1p": (-0.99, 100),
        "erf": (-7, 7),
        "atan": (-100, 100),
        "tan": (-1.5, 1.5),
        "sinh": (-80, 80),
        "cosh": (-80, 80),
        "softplus": (-30, 30),
    }
    return {
        name: np.concatenate([np.linspace(*ends, 3000), tiny]).astype(str(dtype)[6:]) for name, ends in ranges.items()
    }


REFERENCE = {
    "sigmoid": lambda x: np.where(x > 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))),
    "softplus": lambda x: F.softplus(torch.from_numpy(x)).numpy(),
    "erf": lambda x: torch.erf(torch.from_numpy(x)).numpy(),
    "atan": np.arctan,
}


@functools.cache
def wide_results(dtype):
    "All functions over their ranges."
    given = {name: torch.from_numpy(x)[None, :, None] for name, x in wide(dtype).items()}

    def step(parameters, constants, carry, inputs, feedback):
        return carry, {name: getattr(torch, name, F.softplus)(x) for name, x in inputs.items()}

    n = next(iter(given.values())).shape[1]
    return fused.scan(step, (), (), torch.zeros(n, 1, dtype=dtype), given)[1]


@pytest.mark.parametrize("name", wide(DOUBLE))
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["f64", "f32"])
def test_functions_are_accurate_to_a_few_last_bits(name, dtype):
    "Over a wide range and close to zero."
    x = wide(dtype)[name].astype(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        want = REFERENCE.get(name, getattr(np, name, None))(x)
    got = wide_results(dtype)[name].numpy().ravel()
    unit = np.spacing(np.abs(want).astype(got.dtype)).astype(np.float64)
    if name in ("sin", "cos", "tan"):  # close to a zero of theirs far from 0 what counts is the rounding of the angle
        unit = np.maximum(unit, np.finfo(got.dtype).eps * (np.abs(x) > 1) * 0.25)
    if name == "softplus":  # torch's own leaves it at log(1 + exp(x))
        unit = np.maximum(unit, np.finfo(got.dtype).eps * np.abs(want) * 4)
    error = np.abs(got.astype(np.float64) - want) / unit
    worst = error.argmax()
    assert error[worst] <= 4, (
        f"{error[worst]:.3g} units of the last bit at {x[worst]!r}: {got[worst]!r}, not {want[worst]!r}"
    )


def test_large_matrices_and_odd_sizes():
    "Products whose sizes do not fit the vectors, read transposed, cut and with leading dimensions."

    def step(parameters, constants, carry, inputs, feedback):
        wide, narrow, tall = parameters
        hidden = torch.tanh(carry @ wide.T + F.linear(inputs, narrow))
        grouped = (hidden.view(-1, 13, 3) @ narrow[:3, :3].T).flatten(1)
        return torch.tanh(grouped @ wide[:, 2:41]) * 0.5 + hidden * 0.1, {
            "one": hidden @ tall,
            "cut": hidden[:, 1:18:2] @ tall[:9],
        }

    parameters = (normal(39, 39, scale=0.2).detach(), normal(39, 3, seed=1, scale=0.3), normal(39, 1, seed=2))
    wide = torch.cat((parameters[0], parameters[0][:, :2]), 1)[:, :41]
    parameters = (wide.requires_grad_(), *parameters[1:])

    def wrapped(parameters, constants, carry, inputs, feedback):
        return step((parameters[0], *parameters[1:]), constants, carry, inputs, feedback)

    def first_part(parameters, constants, carry, inputs, feedback):
        return wrapped(parameters, constants, torch.cat((carry, carry[:, :2]), 1)[:, :41], inputs, feedback)

    check(first_part, parameters, (), normal(37, 39, seed=3), normal(3, 37, 3, seed=4))
