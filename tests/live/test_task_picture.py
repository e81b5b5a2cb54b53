"""The test trials of a task, and one of them as it is played."""

import numpy as np
import pytest
import torch
from worlds import network

import motornet_nb as mn
from motornet_nb.control.rollout import play
from motornet_nb.live.reach_pictures import reach_of
from motornet_nb.live.task_picture import TaskPicture


@pytest.fixture(scope="module")
def world():
    env = mn.Environment(mn.geometric_arm26(), mn.CenterOutReach(n_targets=4), duration=0.2)
    return env, network(env, n_units=5)


def test_a_task_shows_its_test_trials(world):
    env, net = world
    with torch.no_grad():
        trials = env.sample(4, 0, "test").select([3])
        played = play(net, env, trials, engine="eager")
    picture = TaskPicture()
    picture.show(env, played, 3)
    goals = env.sample(4, 0, "test").goal
    np.testing.assert_allclose(picture.sources["goals"].data["x"], goals[:, 0])
    np.testing.assert_allclose(picture.sources["path"].data["x"], reach_of(played).hand[:, 0])
    assert len(picture.force.lines.data["ys"]) == 2 and picture.speed.go.location == pytest.approx(0.1)
