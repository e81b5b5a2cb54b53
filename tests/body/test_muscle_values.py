"""What differs from muscle to muscle: names, values, defaults."""

import numpy as np
import pytest
import torch
from bodies import arm, ball

from motornet_nb import (
    CompliantTendonArm26,
    Reacher,
)

PRECISE = torch.float64


def test_names_of_added_muscles_do_not_collide():
    body = ball().add_muscle([0, 1], [[1, 0], [0, 0]], name="muscle 2")
    body.add_muscle([0, 1], [[1, 0], [0, 0]])
    body.add_muscle([0, 1], [[1, 0], [0, 0]])
    assert len(set(body.muscle_names)) == 3


@pytest.mark.parametrize("value", [3.0, [3.0], [3.0] * 6, np.full(6, 3.0), torch.full((6,), 3.0), (3.0,) * 6])
def test_muscle_parameters_are_honoured(value):
    assert arm(max_isometric_force=value).max_isometric_force.tolist() == [3.0] * 6
    assert arm(muscle_parameters={"max_isometric_force": value}).max_isometric_force.tolist() == [3.0] * 6
    body = CompliantTendonArm26(normalized_slack_muscle_length=1.2, max_isometric_force=value)
    assert body.normalized_slack_muscle_length.tolist() == [1.2] * 6 and body.max_isometric_force.tolist() == [3.0] * 6


def test_muscle_parameters_can_be_learnt_whatever_their_form():
    for strength in (
        torch.tensor(300.0, requires_grad=True),
        torch.full((6,), 300.0, dtype=PRECISE, requires_grad=True),
    ):
        body = arm(max_isometric_force=strength)
        state = body.initial_state(body.as_joint_state([0.8, 1.5]))
        for _ in range(3):
            state = body.advance(state, torch.full((1, 6), 0.3))
        state.velocity.square().sum().backward()
        assert (strength.grad != 0).all() and strength.grad.dtype == strength.dtype


def test_parameters_that_the_muscle_model_does_not_have_are_refused():
    with pytest.raises(TypeError, match=r"a ReluMuscle has no 'tendon_length' \(= 0.1\); it has max_isometric_force"):
        Reacher(tendon_length=0.1)
    with pytest.raises(TypeError, match=r"a RigidTendonHillMuscleThelen has no 'strength'"):
        arm(muscle_parameters={"strength": 3.0})
    with pytest.raises(
        TypeError, match=r"RigidTendonArm26 has no argument 'strength' \(= 3.0\); it has muscle, skeleton"
    ):
        arm(strength=3.0)
