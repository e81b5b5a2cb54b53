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


def test_a_load_is_drawn_as_arrows_in_a_scale_that_is_told(world):
    "4 N to the right: arrows of one length beside a bar of 3 N; without a load there is neither."
    env, net = world
    picture = TaskPicture()
    loads = [mn.ConstantLoad(force_vector=[4.0, 0.0], onset=0.1)]
    for here, n in ((env.replace(task=env.task.replace(loads=loads)), 2), (env, 0)):
        with torch.no_grad():
            played = play(net, here, here.sample(4, 0, "test").select([0]), engine="eager")
        picture.show(here, played, 0, here.n_steps)
        forces, bar, now = (picture.sources[name].data for name in ("forces", "bar", "force"))
        assert len(forces["xs"]) == n and bool(len(bar["x"])) == bool(len(now["x"])) == bool(n)
        assert picture._entry.visible == bool(n)
        if n:
            assert bar["text"][0] == "3 N" and np.allclose(forces["force"], 4.0)
            per_newton = (bar["x"][1] - bar["x"][0]) / 3
            for xs, ys in zip(forces["xs"], forces["ys"], strict=True):
                assert xs[1] - xs[0] == pytest.approx(4 * per_newton) and ys[1] == pytest.approx(ys[0])
            assert now["x"][0] == pytest.approx(picture.sources["hand"].data["x"][0])


def test_the_arm_at_another_time(world):
    "Its posture, its hand and its muscles are those of then."
    env, net = world
    with torch.no_grad():
        played = play(net, env, env.sample(4, 0, "test").select([0]), engine="eager")
    picture = TaskPicture()
    picture.show(env, played, 0, 5)
    reach = reach_of(played)
    for step in (5, 0, env.n_steps):
        picture.at(step)
        np.testing.assert_allclose(picture.arm.outline[-1], reach.hand[step], atol=1e-6)
        told = dict(zip(picture.arm.muscles.data["muscle"], picture.arm.muscles.data["activation"], strict=True))
        assert list(told.values()) == pytest.approx([reach.activation[max(step - 1, 0)][i] for i in range(len(told))])
