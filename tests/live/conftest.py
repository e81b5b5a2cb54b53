"""What the tests of pictures of trials share: a body, simulated trials, and which of them are shown."""

import pytest
from worlds import network

import motornet_nb as mn
from motornet_nb.live.trial_pictures import ShownTrials


@pytest.fixture(scope="module")
def world():
    env = mn.Environment(mn.geometric_arm26(), mn.CenterOutReach(n_targets=4), duration=0.2)
    return mn.simulate(network(env, n_units=5), env), env.effector


@pytest.fixture
def shown(world):
    ds, body = world
    return [
        ShownTrials(ds.isel(trial=[0, 2]), [0, 2], 0, body),
        ShownTrials(ds.isel(trial=[1]), [1], 1, body),
    ]
