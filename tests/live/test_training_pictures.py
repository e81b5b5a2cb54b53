"""The loss as it comes, and how the network reaches now."""

import numpy as np
import pytest
from worlds import network

import motornet_nb as mn
from motornet_nb.live.training_pictures import LossPicture, TestReachPicture, current_reaches


@pytest.fixture(scope="module")
def world():
    env = mn.Environment(mn.geometric_arm26(), mn.CenterOutReach(n_targets=4), duration=0.2)
    return env, network(env, n_units=5)


def test_a_long_log_is_thinned_and_zero_left_out():
    picture = LossPicture(["position", "muscle"])
    picture.show([{"batch": i, "loss": 1.0, "position": 1.0, "muscle": 0.0} for i in range(2100)])
    assert len(picture.curves.data["batch"]) == 700 and np.isnan(picture.curves.data["muscle"]).all()


def test_the_axis_has_ticks_whatever_is_shown():
    "A single value has a range around it, with plain numbers; nothing above 0 leaves it as it is."
    picture = LossPicture(["position"])
    picture.show([{"batch": 0, "loss": 0.0014, "position": 0.0}])
    y, axis = picture.figure.y_range, picture.figure.yaxis[0]
    assert y.start == pytest.approx(0.0007) and y.end == pytest.approx(0.0028)
    assert axis.formatter.format == "%.3g" and 2 in axis.ticker.mantissas
    picture.show([{"batch": 0, "loss": np.nan, "position": 0.0}])
    assert y.start == pytest.approx(0.0007)


def test_a_line_where_weights_were_moved():
    picture = LossPicture(["position"])
    rows = [{"batch": i, "loss": 1.0, "position": 1.0} for i in range(5)]
    picture.show(rows)
    assert not picture._moved.visible
    picture.show(rows, [3])
    assert picture._moved.visible and list(picture.moves.data["batch"]) == [3]


def test_reaches_of_the_network_as_it_is(world):
    env, net = world
    hand, goal, directions = current_reaches(net, env)
    assert hand.shape == (4, 21, 2) and goal.shape == (4, 2)
    np.testing.assert_allclose(directions, np.arange(4) * np.pi / 2, atol=1e-6)
    picture = TestReachPicture()
    picture.show(hand, goal, directions)
    np.testing.assert_array_equal(picture.paths.data["xs"][1], hand[1, :, 0])
    assert len(set(picture.goals.data["color"])) == 4
