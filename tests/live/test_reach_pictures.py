"""One reach, as numbers and in a picture."""

import numpy as np
import pytest
import torch
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
