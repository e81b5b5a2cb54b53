"""Pictures of a body that is held: what is drawn is read back from the data sources."""

import numpy as np
import pytest
import torch

import motornet_nb as mn
from motornet_nb.body.statics import moment_arm_map
from motornet_nb.live.body_pictures import BodyPicture, CurvePicture, ForcePicture, MomentArmPicture

try:
    from motornet_nb.body.statics import isometric_state
except ImportError:
    from motornet_nb.body.statics import held as isometric_state

POSTURE, ACTIVATION = [0.8, 1.5], [0.4, 0.0, 0.5, 0.0, 0.3, 0.0]


@pytest.fixture(scope="module")
def body():
    return mn.geometric_arm26()


@pytest.fixture(scope="module")
def still(body):
    return isometric_state(body, POSTURE, ACTIVATION)


def test_a_body_and_its_forces(body, still):
    picture = BodyPicture()
    picture.show(body, still)
    np.testing.assert_allclose(picture.paths.data["force"], still.muscle_force)
    np.testing.assert_allclose(picture.paths.data["length"], still.musculotendon_length)
    assert picture.forces.high == pytest.approx(float(body.max_isometric_force.max()))
    position = torch.as_tensor(still.joint_position.values)
    hand = body.joint_to_cartesian(body.as_joint_state(position, 1, "test"))[0, :2]
    np.testing.assert_allclose([picture.hand.data["x"][0], picture.hand.data["y"][0]], hand, atol=1e-6)
    assert (picture.points.name, picture.hand.name) == ("fixation points", "hand")


def test_where_something_was_dragged_to_is_told(body, still):
    hands, points = [], []
    picture = BodyPicture(hand_moved=hands.append, point_moved=lambda *what: points.append(what))
    picture.show(body, still)
    last = len(picture.points.data["x"]) - 1
    for n, (source, point) in enumerate([(0, last), (1, 0)], 1):
        picture.drags.page.data = {"n": [float(n)], "source": [source], "point": [point], "x": [0.1], "y": [0.2]}
    assert points == [(5, 1, [0.1, 0.2])] and hands == [[0.1, 0.2]]


def test_force_beside_strength(body, still):
    picture = ForcePicture()
    picture.show(body, still)
    np.testing.assert_allclose(picture.bars.data["force"], still.muscle_force)
    np.testing.assert_allclose(picture.bars.data["strength"], body.max_isometric_force)
    assert picture.figure.y_range.factors == list(body.muscle_names)[::-1]


def test_moment_arms_and_where_the_joint_is(body, still):
    picture = MomentArmPicture(1)
    picture.show(body, still)
    curves = moment_arm_map(body, "elbow", 41, POSTURE)
    np.testing.assert_allclose(picture.curves.data["ys"][4], curves.moment_arm.sel(joint="elbow")[:, 4])
    np.testing.assert_allclose(picture.dots.data["y"], still.moment_arm.values[1])
    assert picture.here.location == pytest.approx(1.5) and picture.curves.name == "moment arms of joint 1"


@pytest.mark.parametrize("over", ["length", "velocity"])
def test_dots_are_on_their_curves(body, still, over):
    picture = CurvePicture(over)
    picture.show(body, still)
    for i, (x, y) in enumerate(zip(picture.dots.data["x"], picture.dots.data["y"], strict=True)):
        curve = np.interp(x, picture.curves.data["xs"][i], picture.curves.data["ys"][i])
        assert y == pytest.approx(curve, abs=0.02)


def test_a_body_without_muscles_has_no_curves():
    bare = mn.Effector(mn.TwoDofArm(), mn.ReluMuscle())
    still = isometric_state(bare, POSTURE, 0.0)
    for picture in (BodyPicture(), ForcePicture(), MomentArmPicture(0), CurvePicture("length")):
        picture.show(bare, still)
    assert picture.curves.data["xs"] == [] and picture.dots.data["x"] == []
