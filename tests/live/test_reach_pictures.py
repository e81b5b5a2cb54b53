"""One reach, as numbers and in a picture."""

import numpy as np
import pytest
import torch
from bokeh.document import Document
from worlds import network

import motornet_nb as mn
from motornet_nb.control.rollout import play
from motornet_nb.live.reach_pictures import ReachPicture, reach_of


@pytest.fixture(scope="module")
def world():
    env = mn.Environment(mn.geometric_arm26(), mn.CenterOutReach(n_targets=4), duration=0.2)
    return env, network(env, n_units=5)


@pytest.fixture(scope="module")
def played(world):
    env, net = world
    with torch.no_grad():
        return play(net, env, engine="eager")


def test_a_reach_begins_at_its_start(played):
    reach = reach_of(played, 1)
    np.testing.assert_allclose(reach.hand[0], reach.start)
    np.testing.assert_allclose(reach.hand[1:], played["endpoint_position"][1], rtol=1e-6)
    assert len(reach.time) == len(reach.posture) == len(reach.speed) == 21 and len(reach.activation) == 20
    assert reach.speed[0] == 0 and reach.go_time == pytest.approx(0.1)


@pytest.mark.parametrize("near", [False, True])
def test_a_reach_is_shown_at_a_time(world, played, near):
    env, _ = world
    picture, reach = ReachPicture("", near=near), reach_of(played, 2)
    picture.show(env.effector, reach, 7, reach.hand + 0.01)
    np.testing.assert_allclose(picture.hand.data["x"], reach.hand[7:8, 0])
    np.testing.assert_allclose(picture.reference.data["y"], reach.hand[:, 1] + 0.01)
    np.testing.assert_allclose([picture.target.data["x"][0], picture.target.data["y"][0]], reach.target)
    assert list(picture.paths) == list(env.effector.muscle_names)
    wide = picture.figure.x_range.end - picture.figure.x_range.start
    assert wide < 0.4 if near else wide > 0.6


def test_lines_are_named_under_the_plot():
    picture = ReachPicture("")
    picture.name_lines("now", "before")
    (legend,) = [x for x in picture.figure.below if hasattr(x, "items")]
    assert [item.label.value for item in legend.items] == ["now", "before"]


def test_muscles_are_as_wide_as_they_are_active_at_the_time_that_is_shown(world, played):
    "Or as they pull, of their own maximum; before the first step, as at its end."
    body, reach, picture = world[0].effector, reach_of(played, 2), ReachPicture("Arm")
    relative = played["muscle_force"][2] / body.max_isometric_force
    for by, values in (("activation", played["activation"][2]), ("force", relative)):
        picture.by = by
        for step, row in ((0, 0), (1, 0), (7, 6), (20, 19)):
            picture.show(body, reach, step)
            np.testing.assert_allclose(picture.arm.muscles.data["width"], 1.5 + 7.5 * values[row].numpy(), rtol=1e-5)
            np.testing.assert_allclose(picture.arm.muscles.data["force"], relative[row], rtol=1e-5)
    assert picture.arm.note.text == "Width of a muscle: force / maximum"
    with pytest.raises(ValueError, match="by = 'speed' is not allowed"):
        ReachPicture("", by="speed")


def test_at_another_time_only_what_moves_is_told(world, played):
    "Not the way of the hand, the target, nor how far the hand gets."
    picture, document, told = ReachPicture("Arm"), Document(), []
    document.add_root(picture.figure)
    picture.show(world[0].effector, reach_of(played, 2), 7)
    document.on_change(lambda event: told.append(event))
    picture.show(world[0].effector, reach_of(played, 2), 8)
    sources = [event.model for event in told]
    assert set(sources) <= {picture.hand, picture.arm.bones, picture.arm.joints, picture.arm.muscles}
    assert all(not {"muscle", "color", "path", "joint"} & set(event.cols) for event in told)
