"""MuJoCo's muscle: its bump, and what its parameters mean."""

import pytest
import torch
from bodies import active_at, hill_coefficients, tensor

from motornet_nb import MujocoHillMuscle
from motornet_nb.body.mujoco import active_force_length_bump


def test_mujoco_bump_is_one_at_its_middle_and_zero_outside():
    lower, middle, upper = tensor(0.5), tensor(1.0), tensor(1.6)
    got = active_force_length_bump(tensor([0.2, 0.5, 0.75, 1.0, 1.3, 1.6, 2.0]), lower, middle, upper)
    assert got.tolist() == [0, 0, 0.5, 1, 0.5, 0, 0]


def test_mujoco_vmax_is_in_metres_per_second_unless_asked_otherwise():
    assert active_at(MujocoHillMuscle(), -1.5)["force_velocity"].item() == pytest.approx(0.81, abs=1e-12)
    assert active_at(MujocoHillMuscle(velocity_unit="l0/s"), -1.5)["force_velocity"].item() == pytest.approx(
        0, abs=1e-12
    )


def test_mujoco_fpmax_scales_the_passive_force():
    muscle = MujocoHillMuscle()

    def passive(peak):
        c = hill_coefficients(muscle, fpmax=peak)
        return muscle.evaluate(c, tensor([[0.0]]), tensor([[0.16]]), tensor([[0.0]]))["passive_force_length"].item()

    assert passive(1.3) == pytest.approx(0.0120, abs=5e-5) and passive(2.6) == pytest.approx(0.0241, abs=5e-5)
    assert passive(2.6) == pytest.approx(2 * passive(1.3), rel=1e-12)


def test_mujoco_passive_scale_scales_the_force_but_not_the_column():
    at = tensor([[0.0]]), tensor([[0.20]]), tensor([[0.0]])
    full, half = (
        m.evaluate(hill_coefficients(m), *at) for m in (MujocoHillMuscle(), MujocoHillMuscle(passive_scale=0.5))
    )
    assert half["force"].item() == pytest.approx(full["force"].item() / 2, rel=1e-12)
    assert full["force"].item() > 0 and torch.equal(half["passive_force_length"], full["passive_force_length"])
