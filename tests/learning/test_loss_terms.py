"""Terms of a loss by themselves: values, single precision, trials of a single step."""

import numpy as np
import pytest
import torch
from reaches import arrays, played_reaches
from worlds import Perceptron, network, point_mass_world

import motornet_nb as mn
from motornet_nb import CenterOutReach, Environment, ReachLoss, play
from motornet_nb.learning.loss_terms import (
    HiddenActivity,
    HiddenRate,
    MuscleActivation,
    PositionError,
    WeightPenalty,
)
from motornet_nb.learning.mean_squares import mean_square_change


@pytest.fixture(scope="module")
def played():
    "A rollout of the arm in double precision."
    return played_reaches()


def test_inside_the_target_there_is_no_position_error(played):
    "The radius is compared with the L1 distance, or with the Euclidean one; the error itself is the same outside."
    x, target, *_ = arrays(played)
    error = np.abs(x - target)
    size = {"l1": error.sum(-1), "euclidean": np.sqrt((error**2).sum(-1))}
    radius = float(np.median(size["l1"]))
    values = {}
    for distance, d in size.items():
        want = np.where((d < radius)[..., None], 0, error).mean()
        values[distance] = PositionError(radius=radius, distance=distance)(played).item()
        assert values[distance] == pytest.approx(want, rel=1e-12)
    assert values["euclidean"] < values["l1"]
    assert PositionError(radius=0.0)(played).item() == pytest.approx(error.mean(), rel=1e-12)
    assert PositionError(radius=100.0)(played).item() == 0


def test_terms_by_themselves(played):
    "Each is a function of a rollout, without weight."
    _, _, _, h = arrays(played)
    assert HiddenActivity()(played).item() == pytest.approx((h**2).mean())
    assert HiddenRate()(played).item() == pytest.approx(((np.diff(h, axis=1) / 0.01) ** 2).mean())
    net = played.policy
    assert WeightPenalty()(played).item() == pytest.approx(net.weight_ih.square().sum().item())
    every = sum(p.square().sum().item() for p in (net.weight_ih, net.weight_hh, net.output.weight))
    assert WeightPenalty(parameters_with="weight")(played).item() == pytest.approx(every)
    assert MuscleActivation()(played) > 0


def test_weight_penalty_of_a_network_of_ones_own():
    "The first matrix, where none has the name."
    env = point_mass_world()
    net = Perceptron(env.n_observations, env.n_actions)
    played = play(net, env)
    assert WeightPenalty()(played).item() == pytest.approx(net.layers[0].weight.square().sum().item())


def test_terms_are_exact_in_single_precision():
    "Every term of the paper's loss over a large batch, to 1e-6 of what it is in double precision."
    env = Environment(mn.ReluPointMass24(), CenterOutReach(), duration=1.0)
    played = play(network(env, n_units=50), env, env.sample(256, 0, "train"))
    _, parts = ReachLoss()(played)
    x, target, u, h = (torch.from_numpy(a).double() for a in arrays(played))
    error = (played["endpoint_position"].detach() - played["target_position"]).abs().double()
    outside = (error.float().sum(-1, keepdim=True) >= 0.01).double()
    want = {
        "position": 2 * (error * outside).mean(),
        "muscle": 5 * u.square().mean(),
        "hidden": 0.1 * h.square().mean(),
        "hidden_rate": 0.1 * 0.05 * (h.diff(dim=1) / 0.01).square().mean(),
        "kernel": 1e-6 * played.policy.weight_ih.detach().double().square().sum(),
    }
    for name, value in want.items():
        assert parts[name].item() == pytest.approx(value.item(), rel=1e-6), name
    assert torch.equal(x, played["endpoint_position"].detach().double()) and target.shape == x.shape


def test_an_episode_of_one_step_has_a_loss():
    "The rate of change of a single sample is 0, and so is its gradient; the other terms are what they are."
    env = point_mass_world(CenterOutReach(go_time=0.0), duration=0.01)
    played = play(network(env), env)
    total, parts = ReachLoss()(played)
    assert parts["hidden_rate"].item() == 0
    assert parts["hidden"].item() == pytest.approx(0.1 * played["hidden"].square().mean().item(), rel=1e-6)
    total.backward()
    assert all(torch.isfinite(p.grad).all() for p in played.policy.parameters())
    one = torch.ones(3, 1, 4, requires_grad=True)
    mean_square_change(one).backward()
    assert one.grad.shape == one.shape and not one.grad.any()
    log = mn.train(played.policy, env, n_batches=3, batch_size=2, progress=False, engine="eager")
    assert np.isfinite(log.to_numpy()).all() and (log["hidden_rate"] == 0).all()
