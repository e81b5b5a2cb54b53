"A body that is held."

import pytest
import torch

import motornet_nb as mn
from motornet_nb.panels.held_body import HeldBody


@pytest.fixture
def arm():
    return HeldBody(mn.geometric_arm26())


def test_it_begins_in_the_default_posture_with_the_smallest_activation(arm):
    lowest = float(arm.body.muscle.min_activation)
    assert arm.posture.tolist() == pytest.approx([torch.pi / 4, torch.pi / 2]) and arm.activation == [lowest] * 6


def test_listeners_hear_how_it_is_held(arm):
    heard = []
    arm.on_change(heard.append)
    arm.hold([0.5, 1.0])
    arm.hold(activation=[0.5] * 6)
    assert [s["joint_position"].values.tolist() for s in heard] == [pytest.approx([0.5, 1.0], rel=1e-6)] * 2
    assert heard[1].identical(arm.state()) and (heard[1]["muscle_force"] > heard[0]["muscle_force"]).all()


@pytest.mark.parametrize(
    "how", [{"activation": [2.0] * 6}, {"activation": [0.5] * 5}, {"posture": [float("nan"), 1.0]}, {"posture": [1.0]}]
)
def test_what_cannot_be_held_changes_nothing(arm, how):
    before, heard = (arm.posture.tolist(), list(arm.activation)), []
    arm.on_change(heard.append)
    with pytest.raises(ValueError):
        arm.hold(**how)
    assert (arm.posture.tolist(), arm.activation) == before and not heard


def test_a_joint_is_turned_within_its_limits(arm):
    assert arm.turned(1, 2.0).tolist() == pytest.approx([torch.pi / 4, 2.0])
    with pytest.raises(ValueError, match=r"elbow = 9\.0"):
        arm.turned(1, 9.0)
    assert float(arm.nearest(1, 9.0)[1]) == pytest.approx(float(arm.body.pos_upper_bound[1]))


def test_another_body_is_held_the_same_way_as_far_as_it_can_be(arm):
    arm.hold([1.0, 2.0], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    arm.follow(mn.edits.rename_muscle(arm.body, 0, "pec"))
    assert arm.activation[0] == 0.1
    arm.follow(mn.edits.remove_muscle(arm.body, 1))
    assert arm.activation == [0.1, 0.3, 0.4, 0.5, 0.6]
    arm.follow(arm.body.replace(pos_upper_bound=[0.5, 2.5]))
    assert arm.posture.tolist() == pytest.approx([0.5, 2.0])
    arm.follow(mn.ReluPointMass24())
    assert len(arm.posture) == 2 and len(arm.activation) == 4
    arm.follow(mn.Effector(mn.PointMass(space_dim=3), mn.ReluMuscle()))
    assert len(arm.posture) == 3 and arm.activation == [] and arm.state().sizes["muscle"] == 0


def test_it_is_held_as_it_was_held_before(arm):
    "Also another body, by the names of its muscles."
    arm.hold([1.0, 2.0], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], step="hand")
    assert arm.step == "hand"
    before, body = arm.held, arm.body
    arm.follow(mn.edits.remove_muscle(body, 1))
    arm.hold([0.5, 1.0], [0.0] * 5)
    assert arm.step == ""
    arm.follow(body, before)
    assert arm.held == before and arm.posture.tolist() == [1.0, 2.0]
    arm.follow(mn.edits.remove_muscle(body, 1), before)
    assert arm.activation == [0.1, 0.3, 0.4, 0.5, 0.6]
