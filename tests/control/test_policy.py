"""The GRU of the paper and the protocol for one's own networks."""

import math

import pytest
import torch
from torch import nn
from worlds import Perceptron, PolicyLSTM, assert_equal, network, point_mass_world

import motornet_nb as mn
from motornet_nb import Policy, PolicyGRU, from_config, play, train
from motornet_nb.control.policy import check_policy


def test_initial_weights_are_those_of_the_paper():
    "Glorot input weights and orthogonal recurrent weights of the stacked gates, N(0, 0.003) and -5 at the output, biases 0."
    torch.manual_seed(0)
    n_inputs, n, n_actions = 19, 110, 6
    net = PolicyGRU(n_inputs, n, n_actions)
    bound = math.sqrt(6 / (n_inputs + 3 * n))
    assert net.weight_ih.shape == (3 * n, n_inputs)
    assert 0.99 * bound < net.weight_ih.abs().max() <= bound
    assert abs(net.weight_ih.std() - bound / math.sqrt(3)) < 0.02 * bound
    assert net.weight_hh.shape == (3 * n, n)
    torch.testing.assert_close(net.weight_hh.T @ net.weight_hh, torch.eye(n), atol=1e-5, rtol=0)
    assert not net.bias_ih.any() and not net.bias_hh.any()
    assert abs(net.output.weight.std() - 0.003) < 3e-4 and net.output.weight.abs().max() < 0.003 * 5
    assert (net.output.bias == -5).all()
    action, hidden = net(torch.zeros(3, n_inputs), net.init_hidden(3))
    assert not hidden.any()
    torch.testing.assert_close(action, torch.full((3, n_actions), 0.006692851))


def test_initial_weights_follow_a_generator():
    "The same generator draws the same weights, whatever torch's own state."
    nets = []
    for _ in range(2):
        torch.rand(3)
        net = PolicyGRU(5, 7, 2)
        net.reset_parameters(torch.Generator().manual_seed(1))
        nets.append(net.state_dict())
    for name, weight in nets[0].items():
        assert_equal(weight, nets[1][name], name)


def test_one_step_is_the_equation():
    "r, z, n and h' as in section 9 of the specification, reset after the product, action a sigmoid of the new state."
    torch.manual_seed(1)
    net = PolicyGRU(4, 5, 3).double()
    for p in net.parameters():
        nn.init.normal_(p)
    x, h = torch.randn(2, 4, dtype=torch.float64), torch.randn(2, 5, dtype=torch.float64)
    (wr, wz, wn), (ur, uz, un) = net.weight_ih.chunk(3), net.weight_hh.chunk(3)
    (br, bz, bn), (cr, cz, cn) = net.bias_ih.chunk(3), net.bias_hh.chunk(3)
    r = torch.sigmoid(x @ wr.T + br + h @ ur.T + cr)
    z = torch.sigmoid(x @ wz.T + bz + h @ uz.T + cz)
    candidate = torch.tanh(x @ wn.T + bn + r * (h @ un.T + cn))
    want = (1 - z) * candidate + z * h
    action, hidden = net(x, h)
    torch.testing.assert_close(hidden, want, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(
        action, torch.sigmoid(want @ net.output.weight.T + net.output.bias), rtol=1e-12, atol=1e-14
    )


def test_hidden_noise_is_added_before_the_update():
    "Noise that is passed shifts the previous state; without any, the network draws its own with the given deviation."
    torch.manual_seed(2)
    net = PolicyGRU(4, 5, 3, hidden_noise=0.5)
    quiet = net.replace(hidden_noise=0.0)
    quiet.load_state_dict(net.state_dict())
    x, h, noise = torch.randn(2, 4), torch.randn(2, 5), torch.randn(2, 5)
    for got, want in zip(net(x, h, noise), quiet(x, h + noise), strict=True):
        assert_equal(got, want)
    assert not torch.equal(net(x, h)[1], net(x, h)[1])
    assert_equal(quiet(x, h)[1], quiet(x, h)[1])
    torch.manual_seed(3)
    drawn = net(x, h)[1]
    torch.manual_seed(3)
    assert_equal(drawn, quiet(x, h + 0.5 * torch.randn_like(h))[1])


def test_configuration_round_trip():
    "Configuration and printed Python rebuild a network of the same make."
    net = PolicyGRU(19, 50, 6, hidden_noise=0.001)
    for again in (from_config(net.to_config()), eval(repr(net))):
        assert again != net  # other weights
        again.load_state_dict(net.state_dict())
        assert again == net
    assert net != PolicyGRU(19, 50, 6) and repr(PolicyGRU(1, 2, 3)) == "PolicyGRU(n_inputs=1, n_units=2, n_actions=3)"


@pytest.mark.parametrize("kind", [Perceptron, PolicyLSTM])
def test_networks_of_ones_own_play_and_learn(kind):
    "An MLP without memory and an LSTM with two hidden tensors are played and trained."
    torch.manual_seed(0)
    env = point_mass_world(duration=0.3)
    net = kind(env.n_observations, env.n_actions)
    assert isinstance(net, Policy)
    played = play(net, env)
    assert ("hidden" in set(played)) == (kind is PolicyLSTM)
    if kind is PolicyLSTM:
        assert played["hidden"].shape == (64, 30, 12)
    log = train(
        net,
        env,
        loss=lambda r: (r["endpoint_position"] - r["target_position"]).abs().mean(),
        n_batches=40,
        batch_size=32,
        learning_rate=1e-2,
        progress=False,
    )
    assert log["loss"].iloc[-5:].mean() < 0.8 * log["loss"].iloc[:5].mean()


def test_what_is_no_policy_is_refused():
    "A function, a module without init_hidden, and networks of the wrong size are named."
    env = point_mass_world()
    for wrong in (torch.sigmoid, nn.Linear(8, 4), None):
        with pytest.raises(TypeError, match="init_hidden"):
            play(wrong, env)
    with pytest.raises(ValueError, match=r"n_inputs = 3 .* 12, the environment's observation size"):
        check_policy(PolicyGRU(3, 4, 4), env.n_observations, env.n_actions)
    with pytest.raises(ValueError, match=r"n_actions = 9 .* 4, the environment's action size"):
        play(PolicyGRU(env.n_observations, 4, 9), env)
    with pytest.raises(ValueError, match=r"weight_ih .*float64.*float32"):
        play(network(env).double(), env)


@pytest.mark.parametrize(
    "wrong",
    [{"n_inputs": 0}, {"n_units": -1}, {"n_actions": 2.5}, {"hidden_noise": -0.1}, {"hidden_noise": float("nan")}],
)
def test_wrong_sizes_are_refused(wrong):
    "Numbers of inputs, units and actions are whole and positive, noise is not negative."
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PolicyGRU(**{"n_inputs": 3, "n_units": 4, "n_actions": 2} | wrong)


def test_policies_can_be_chosen():
    "The paper's network, and models of one's own that are policies."
    from motornet_nb.core.registry import choices

    class Passes(mn.Model):
        def init_hidden(self, batch_size):
            return None

        def forward(self, observation, hidden):
            return observation, None

    found = choices(mn.Policy)
    assert found["network of the paper (GRU)"] is mn.PolicyGRU and Passes in found.values()
    assert not [c for c in found.values() if not hasattr(c, "init_hidden")]
