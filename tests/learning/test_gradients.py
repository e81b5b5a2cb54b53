"""Gradients with respect to the drives, against finite differences."""

import numpy as np
import pytest
import torch

import motornet_nb as mn
from motornet_nb.learning.gradients import drive_gradients, play_changed
from motornet_nb.learning.loss import hand_to_target


def _environment(body, **changes) -> mn.Environment:
    changes = {"duration": 0.15, "vision_delay": 0.03, "proprioception_delay": 0.02} | changes
    return mn.Environment(body, mn.CenterOutReach(n_targets=3, go_time=0.02), **changes)


def _network(environment: mn.Environment, dtype=torch.float32) -> mn.PolicyGRU:
    torch.manual_seed(0)
    net = mn.PolicyGRU(environment.n_observations, 8, environment.n_actions).to(dtype)
    torch.nn.init.constant_(net.output.bias, -2.0)
    return net


@pytest.mark.parametrize("loss", [None, mn.ReachLoss()], ids=["distance", "reach loss"])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_gradients_agree_with_finite_differences(loss, noise):
    """Every muscle, several times and trials, through body, delays and network, in double precision."""
    environment = _environment(mn.geometric_arm26(dtype="float64"), action_noise=noise, observation_noise=noise)
    net, trials = _network(environment, torch.float64), environment.sample()
    ds = drive_gradients(net, environment, trials, loss, seed=4)
    gradient = ds["drive_gradient"].values
    assert gradient.shape == (3, environment.n_steps, 6)
    judged = hand_to_target() if loss is None else loss
    small = 1e-6
    with torch.no_grad():
        for trial, step, muscle in [(0, 0, 0), (1, 5, 1), (2, 9, 2), (0, 3, 3), (1, 1, 4), (2, 13, 5)]:
            losses = []
            for sign in (1, -1):
                change = torch.zeros(environment.n_steps, 3, 6, dtype=torch.float64)
                change[step, trial, muscle] = sign * small
                losses.append(float(judged(play_changed(net, environment, trials, change, 4)[0])[0]))
            slope = (losses[0] - losses[1]) / (2 * small)
            assert slope == pytest.approx(gradient[trial, step, muscle], rel=1e-5, abs=1e-5 * np.abs(gradient).max())
    assert ds.attrs["loss"] == pytest.approx(sum(losses) / 2, rel=1e-6)


def test_what_is_played_is_what_simulate_plays():
    """A change of zero changes nothing; no gradient is left in the network."""
    environment = _environment(mn.geometric_arm26(), action_noise=0.02)
    net = _network(environment)
    ds = drive_gradients(net, environment, seed=3)
    plain = mn.simulate(net, environment, seed=3)
    for name in ("endpoint_position", "noisy_action", "activation"):
        assert np.array_equal(ds[name], plain[name])
    assert all(p.grad is None for p in net.parameters())
    assert ds["drive_gradient"].dims == ("trial", "time", "muscle")


def test_more_drive_of_the_muscles_at_the_side_of_the_target_is_wanted():
    """A point mass that is to go to the right wants its muscles at the right."""
    environment = _environment(mn.ReluPointMass24())
    ds = drive_gradients(_network(environment), environment, environment.sample().select([0]))
    wanted = -ds["drive_gradient"].isel(trial=0, time=5)
    right = [name.endswith("right") for name in wanted["muscle"].values]
    assert all((w > 0) == r for w, r in zip(wanted.values, right, strict=True))
