"""A body in a figure that Python moves."""

import numpy as np
import pytest
import torch

import motornet_nb as mn
from motornet_nb.live.arm import Arm
from motornet_nb.views.arm import planar_outline
from motornet_nb.views.plotting import map_figure


@pytest.fixture
def body():
    return mn.geometric_arm26()


def test_what_is_shown_is_the_outline_of_the_body(body):
    arm, posture = Arm(map_figure("", 200), columns=("force",)), torch.tensor([0.8, 1.5])
    arm.show(body, posture, force={name: float(i) for i, name in enumerate(body.muscle_names)})
    bones, paths = planar_outline(body, posture)
    np.testing.assert_array_equal(np.column_stack([arm.bones.data["x"], arm.bones.data["y"]]), bones)
    np.testing.assert_array_equal(arm.joints.data["x"], bones[:-1, 0])
    np.testing.assert_array_equal(arm.muscles.data["ys"][3], paths[body.muscle_names[3]][:, 1])
    assert arm.muscles.data["force"] == list(range(6)) and arm.joints.data["joint"] == ["shoulder", "elbow"]
    assert len(arm.extent()) == len(arm.edge) + len(bones) + sum(map(len, paths.values()))


def test_the_reach_is_computed_once_a_body(body, monkeypatch):
    from motornet_nb.live import arm as module

    asked = []
    monkeypatch.setattr(module, "workspace", lambda b: asked.append(b) or np.zeros((3, 2)))
    arm, other = Arm(map_figure("", 200)), body.replace(name="another")
    for shown, elbow in ((body, 1.0), (body, 1.5), (other, 1.5)):
        arm.show(shown, torch.tensor([0.8, elbow]))
    assert asked == [body, other]


def test_from_near_muscles_are_not_seen():
    assert not Arm(map_figure("", 200), near=True).lines.visible and Arm(map_figure("", 200)).lines.visible
    assert not hasattr(Arm(map_figure("", 200), whole=False), "lines")
