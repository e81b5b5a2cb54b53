"""Thelen's muscle: the numbers of its curves, from the formulas alone."""

import math

import pytest
import torch
from bodies import active_at, hill_coefficients, tensor

from motornet_nb import RigidTendonHillMuscleThelen


def state_at(length=0.15, velocity=0.0, activation=1.0, **parameters):
    "The state of a muscle of 1000 N, l0 0.1 m, tendon 0.05 m, at a musculotendon length (m) and velocity (m/s)."
    muscle = RigidTendonHillMuscleThelen(**parameters)
    state = muscle.evaluate(hill_coefficients(muscle), *(tensor([[x]]) for x in (activation, length, velocity)))
    return {name: value.item() for name, value in state.items()}


@pytest.mark.parametrize("normal", [0.6, 1.0, 1.3])
def test_force_and_length(normal):
    "A Gaussian, and an exponential from the slack length on."
    state = state_at(0.05 + 0.1 * normal)
    assert state["active_force_length"] == pytest.approx(math.exp(-((normal - 1) ** 2) / 0.45), rel=1e-12)
    passive = max(math.expm1(5 * (normal - 1) / 0.6) / math.expm1(5), 0)
    assert state["passive_force_length"] == pytest.approx(passive, rel=1e-9, abs=1e-15)
    assert state["force"] == pytest.approx(1000 * (state["active_force_length"] + passive), rel=1e-12)


@pytest.mark.parametrize("activation", [0.1, 0.4, 1.0])
def test_the_largest_velocity_grows_with_activation(activation):
    "No force at (0.25 + 0.75 a) times ten optimal lengths a second, and none beyond; lengthening gives up to 1.4."
    fastest = (0.25 + 0.75 * activation) * 10 * 0.1
    assert state_at(velocity=-fastest, activation=activation)["force_velocity"] == pytest.approx(0, abs=1e-12)
    assert state_at(velocity=-2 * fastest, activation=activation)["force_velocity"] == 0
    assert state_at(velocity=-0.9 * fastest, activation=activation)["force_velocity"] > 0
    assert state_at(velocity=1e6, activation=activation)["force_velocity"] == pytest.approx(1.4, rel=1e-4)
    assert state_at(activation=activation)["force_velocity"] == 1


def test_the_curve_is_twice_as_steep_for_lengthening():
    "Thelen's k makes it so, whatever curvature and largest force."
    for shape, largest in ((0.25, 1.4), (0.3, 1.8)):
        h, given = 1e-7, {"force_velocity_shape": shape, "max_lengthening_force": largest}
        slow, fast = (state_at(velocity=v, **given)["force_velocity"] for v in (-h, h))
        assert (fast - 1) / (1 - slow) == pytest.approx(2.0, rel=1e-3)


def test_velocity_is_in_optimal_lengths():
    "Half the largest velocity: (1 - 1/2) / (1 + 2) of the force."
    assert active_at(RigidTendonHillMuscleThelen(), -5)["force_velocity"].item() == pytest.approx(0.5 / 3, rel=1e-12)


def test_passive_force_is_not_capped():
    "It goes on growing beyond the maximum isometric force."
    assert state_at(0.05 + 0.17)["passive_force_length"] > 1
    assert torch.isfinite(torch.tensor(state_at(0.05 + 0.3)["force"]))
