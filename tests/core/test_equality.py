"""Whether two things are the same, and what of an object is a setting."""

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import motornet_nb as mn
from motornet_nb.core.equality import (
    alike,
    assigned_by,
    attributes_of,
    closure_of,
    derived,
    of_package,
    own_settings,
    tensors_and_settings,
)


def law(gain):
    return lambda x: gain * x


@dataclasses.dataclass
class Point:
    x: float
    y: list


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a = a


class Method:
    def __init__(self, k):
        self.k = k

    def go(self):
        return self.k


def linear(weight=1.0, **settings):
    layer = nn.Linear(1, 1)
    with torch.no_grad():
        layer.weight.fill_(weight)
        layer.bias.fill_(0.0)
    for name, value in settings.items():
        setattr(layer, name, value)
    return layer


NAN = float("nan")
SAME = [
    (1, 1.0),
    (NAN, NAN),
    (np.float64(2), 2),
    ([1, "a", None], (1, "a", None)),
    ({"a": NAN, "b": [1]}, {"b": [1], "a": NAN}),
    (torch.tensor([1.0, NAN]), torch.tensor([1.0, NAN])),
    (torch.tensor([1.0]), nn.Parameter(torch.tensor([1.0]))),
    (np.array([1.0, NAN]), np.array([1.0, NAN])),
    (torch.device("cpu"), torch.device("meta")),
    (torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)),
    (law(1.0), law(1.0)),
    (functools.partial(law, gain=1), functools.partial(law, gain=1)),
    (Method(1).go, Method(1).go),
    (Point(1, [2]), Point(1, [2])),
    (Slots(1), Slots(1)),
    (pd.DataFrame({"a": [1, NAN]}), pd.DataFrame({"a": [1, NAN]})),
    (linear(), linear()),
    (mn.TwoDofArm(), mn.TwoDofArm()),
    (nn.ModuleList([linear()]), [linear()]),
]
OTHER = [
    (1, True),
    (1, "1"),
    (1, None),
    ([1, 2], [1]),
    ({"a": 1}, {"b": 1}),
    (torch.tensor(1.0), torch.tensor(1.0, dtype=torch.float64)),
    (torch.tensor([1.0]), torch.tensor([[1.0]])),
    (torch.tensor([1.0]), torch.tensor([1.0 + 1e-7])),
    (np.array([1]), np.array([1.0])),
    (torch.float32, torch.float64),
    (law(1.0), law(2.0)),
    (law(1.0), lambda x: 1.0 + x),
    (functools.partial(law, gain=1), functools.partial(law, gain=2)),
    (Method(1).go, Method(2).go),
    (Point(1, [2]), Point(1, [3])),
    (Slots(1), Slots(2)),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})),
    (object(), object()),
    (linear(), linear(2.0)),
    (linear(), linear(leak=0.1)),
    (linear(), nn.Sequential(linear())),
    (mn.TwoDofArm(), mn.TwoDofArm(m1=3.0)),
    (mn.PointMass(), mn.TwoDofArm()),
]


@pytest.mark.parametrize(("a", "b"), SAME, ids=lambda x: type(x).__name__)
def test_what_is_the_same(a, b):
    assert alike(a, b) and alike(b, a)


@pytest.mark.parametrize(("a", "b"), OTHER, ids=lambda x: type(x).__name__)
def test_what_is_another(a, b):
    assert not alike(a, b) and not alike(b, a)


def test_what_contains_itself():
    "Ends."
    a, b = [1], [1]
    a.append(a)
    b.append(b)
    assert alike(a, b)
    b[0] = 2
    assert not alike(a, b)


def test_declared_quantities_are_compared_in_double_precision():
    "Where one is learnt and the other is not, too."
    fixed, learnt = mn.PointMass(mass=0.5), mn.PointMass(mass=nn.Parameter(torch.tensor(0.5)))
    assert alike(fixed, learnt) and alike(learnt, fixed)
    assert not alike(fixed, mn.PointMass(mass=0.5 + 1e-12))


def test_settings_are_what_nobody_else_keeps():
    "Neither torch's own attributes, nor tensors, nor what this package's classes assign."
    assert own_settings(linear(leak=0.1)) == {"in_features": 1, "out_features": 1, "leak": 0.1}
    env = mn.Environment(mn.ReluPointMass24(), mn.RandomTargetReach())
    env.mine = "x"
    assert own_settings(env) == {"mine": "x"} and "n_steps" in derived(env) and "n_steps" in assigned_by(type(env))
    assert own_settings(Method(3)) == {"k": 3}


def test_attributes_functions_and_packages():
    assert attributes_of(Slots(1)) == {"a": 1} and attributes_of(Point(1, [])) == {"x": 1, "y": []}
    assert closure_of(law(2.0)) == {"gain": 2.0} and closure_of(law) == {}
    assert of_package(mn.TwoDofArm) and of_package(nn.Linear, "torch") and not of_package(Slots)
    assert of_package(Slots, "") and "k" in assigned_by(Method, "") and "k" not in assigned_by(Method)


def test_tensors_and_settings_in_their_order():
    "Those of modules within, each once; a change shows."
    inner = linear(leak=0.1)
    net = nn.Sequential(inner, inner, nn.Dropout(0.3))
    tensors, settings = tensors_and_settings(net)
    assert [id(t) for t in tensors] == [id(inner.weight), id(inner.bias)]
    assert 0.1 in settings and 0.3 in settings and nn.Dropout in settings
    again = tensors_and_settings(net)
    assert settings == again[1] and all(a is b for a, b in zip(tensors, again[0], strict=True))
    inner.leak = 0.2
    assert tensors_and_settings(net)[1] != settings
    arm = mn.TwoDofArm()
    assert any(t is arm.m1 for t in tensors_and_settings(arm)[0])
