"""Pictures of a body that is held: what is drawn is read back from the data sources."""

import numpy as np
import pytest
import torch
from bokeh.document import Document

import motornet_nb as mn
from motornet_nb.body.statics import force_length, force_velocity, moment_arm_map
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
    np.testing.assert_allclose(picture.paths.data["activation"], still.activation)
    np.testing.assert_allclose(picture.paths.data["width"], 1.5 + 7.5 * still.activation)
    picture.by = "force"
    picture.show(body, still)
    relative = still.muscle_force / body.max_isometric_force.numpy()
    np.testing.assert_allclose(picture.paths.data["width"], 1.5 + 7.5 * relative, rtol=1e-6)
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
def test_curves_are_those_of_full_activation_and_dots_are_where_the_muscles_are(body, still, over):
    "A dot is on the curve of the activation that its muscle has, which is not drawn."
    picture, curve = CurvePicture(over), {"length": force_length, "velocity": force_velocity}[over]
    picture.show(body, still)
    strength, full, now = body.max_isometric_force.numpy(), curve(body, 1.0, n=61), curve(body, ACTIVATION, n=61)
    for i, (x, y) in enumerate(zip(picture.dots.data["x"], picture.dots.data["y"], strict=True)):
        np.testing.assert_allclose(picture.curves.data["ys"][i], full.force[:, i] / strength[i], rtol=1e-6)
        assert y == pytest.approx(np.interp(x, now[over], now.force[:, i]) / strength[i], abs=0.02)
    np.testing.assert_allclose(picture.passive.data["ys"][0], full.passive_force[:, 0] / strength[0], rtol=1e-6)
    assert picture.words.data["text"] == []


def test_muscles_without_curves_are_said():
    "Not an empty frame."
    body, picture = mn.Reacher(), CurvePicture("length")
    picture.show(body, isometric_state(body, POSTURE, 0.5))
    assert picture.words.data["text"][0].startswith("ReluMuscle has no such curve") and not picture.note.visible
    assert len(picture.curves.data["xs"]) == len(picture.passive.data["xs"]) == 0
    hill = mn.geometric_arm26()
    picture.show(hill, isometric_state(hill, POSTURE, 0.5))
    assert picture.words.data["text"] == [] and picture.note.visible and len(picture.curves.data["xs"]) == 6


def test_schematic_muscles_are_said_and_cannot_be_moved():
    body, picture = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()), BodyPicture()
    picture.show(body, isometric_state(body, POSTURE, ACTIVATION))
    assert picture.paths.data["muscle"] == body.muscle_names and "schematic" in picture.arm.note.text
    assert set(picture.paths.data["path"]) == {" (path is schematic)"} and picture.points.data["muscle"] == []
    real = mn.geometric_arm26()
    picture.show(real, isometric_state(real, POSTURE, ACTIVATION))
    assert picture.arm.note.text == "Width of a muscle: activation" and len(picture.points.data["muscle"]) == 14


def test_lines_that_coincide_are_all_seen():
    "Two flexors of the paper's arm have the same moment arm at the shoulder: pieces of both colours follow one another."
    body, picture = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()), MomentArmPicture(0)
    picture.show(body, isometric_state(body, POSTURE, ACTIVATION))
    look = picture.curves.data
    assert look["together"][0] == look["together"][4] == "pectoralis, biceps"
    assert look["dash"][0] == look["dash"][4] and look["offset"][0] != look["offset"][4]


def test_only_what_changed_is_told(body, still, monkeypatch):
    "With another activation bones, joints, curves and moment arms stay; nothing is told twice."
    pictures = [BodyPicture(), ForcePicture(), MomentArmPicture(0), CurvePicture("length"), CurvePicture("velocity")]
    document, told = Document(), []
    for picture in pictures:
        document.add_root(picture.figure)
        picture.show(body, still)
    document.on_change(lambda event: told.append(event))
    for picture in pictures:
        picture.show(body, isometric_state(body, POSTURE, ACTIVATION))
    assert told == []
    for picture in pictures:
        picture.show(body, isometric_state(body, POSTURE, [0.9, *ACTIVATION[1:]]))
    columns = {name for event in told for name in event.cols}
    assert columns == {"width", "alpha", "activation", "force", "y"} and len(told) == 4


def test_what_sets_the_width_is_one_of_two():
    with pytest.raises(ValueError, match="by = 'length' is not allowed; it must be one of 'activation', 'force'"):
        BodyPicture(by="length")


def test_a_body_without_muscles_has_no_curves():
    bare = mn.Effector(mn.TwoDofArm(), mn.ReluMuscle())
    still = isometric_state(bare, POSTURE, 0.0)
    for picture in (BodyPicture(), ForcePicture(), MomentArmPicture(0), CurvePicture("length")):
        picture.show(bare, still)
    assert picture.curves.data["xs"] == [] and picture.dots.data["x"] == []
    assert picture.words.data["text"] == ["no muscles yet"]


def test_a_move_of_the_body_asks_the_geometry_twice(body, monkeypatch):
    "Once for the state, once for the moment arms at all joints; the curves of force are those of before."
    asked, evaluate = [], type(body).evaluate_geometry
    monkeypatch.setattr(type(body), "evaluate_geometry", lambda *a: asked.append(len(a[1])) or evaluate(*a))
    pictures = [MomentArmPicture(0), MomentArmPicture(1), CurvePicture("length"), CurvePicture("velocity")]
    for posture in ([0.83, 1.5], [0.93, 1.5]):
        state = isometric_state(body, posture, ACTIVATION)
        for picture in pictures:
            picture.show(body, state)
        assert asked == [1, 2 * 41]
        asked.clear()


def test_curves_follow_a_body_that_was_changed_in_place():
    body, picture, force = mn.geometric_arm26(), MomentArmPicture(1), CurvePicture("length")
    for shown in (picture, force):
        shown.show(body, isometric_state(body, POSTURE, 0.5))
    before = picture.curves.data["ys"][2].copy()
    body.geometry.points[2][1, 1] += 0.02
    body.add_muscle([0, 2], [[0.0, 0.1], [0.1, 0.0]], name="new")
    for shown in (picture, force):
        shown.show(body, isometric_state(body, POSTURE, 0.5))
    curves = moment_arm_map(body, "elbow", 41, POSTURE)
    np.testing.assert_allclose(picture.curves.data["ys"][2], curves.moment_arm.sel(joint="elbow")[:, 2])
    assert np.abs(picture.curves.data["ys"][2] - before).max() > 0.005
    assert force.curves.data["muscle"][-1] == "new"
