"""Numbers that are no numbers: what is named, by tensor, element, trial and time, and that the weights stay."""

import math

import pytest
import torch
from short_trainings import ENGINES, assert_same, four_batches, quick, weights
from torch import nn
from worlds import Perceptron, arm, network, point_mass_world

import motornet_nb as mn
from motornet_nb import DelayedReach, Environment, RandomTargetReach, ReachLoss, Streams, play
from motornet_nb.learning.nonfinite import NonFiniteError, find_nonfinite, find_nonfinite_gradient


def weights_(net):
    return [p.detach().clone() for p in net.parameters()]


def pushed(value, start=0.045):
    "A load that is no number from some time on."

    def push(state, time, trial):
        return torch.where(time > start, value, 0.0) * torch.ones_like(state.endpoint_position)

    return point_mass_world(RandomTargetReach(loads=[push]))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("value", "word"), [(math.nan, "nan"), (math.inf, "inf")])
def test_the_first_tensor_and_step_are_named(engine, value, word):
    "A load that breaks at 50 ms breaks the body a moment later; the load is what is named."
    env = pushed(value)
    net = network(env)
    before = weights(net)
    with pytest.raises(NonFiniteError) as caught:
        four_batches(net, env, engine=engine)
    says = str(caught.value)
    assert says.startswith(f"training stopped in batch 0: endpoint_load[0] is {word} in trial 0 at step 6 (0.06 s). ")
    assert "keeps the weights it had before this batch" in says and "on_nonfinite='skip'" in says
    assert caught.value.__notes__ == ["0 of 4 batches are done; the network has the weights of the last of them"]
    assert_same(before, net)
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_that_the_loss_does_not_see_is_noticed(engine):
    "The loss looks at the drives only; the body has broken all the same."

    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(4))

        def init_hidden(self, batch_size):
            return torch.zeros(batch_size, 1)

        def forward(self, observation, hidden):
            return torch.sigmoid(self.bias).expand(len(observation), 4), hidden

    with pytest.raises(NonFiniteError, match=r"endpoint_load\[0\] is nan"):
        four_batches(Blind(), pushed(math.nan), engine=engine, loss=lambda r: r["action"].mean())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_gradient_is_named_by_its_parameter(engine):
    "A finite loss with an infinite slope."
    env = point_mass_world()
    net = network(env)
    before = weights(net)
    bend = lambda r: (r.policy.output.bias - r.policy.output.bias.detach()).abs().sqrt().sum()  # noqa: E731
    with pytest.raises(NonFiniteError, match=r"batch 0: the gradient of output.bias is not finite"):
        four_batches(net, env, engine=engine, loss=lambda r: r["activation"].mean() + bend(r))
    assert_same(before, net)


def test_a_gradient_that_is_too_long_is_noticed():
    "Every number finite, their norm not."
    p = nn.Parameter(torch.zeros(2))
    p.grad = torch.full((2,), 3e38)
    assert find_nonfinite_gradient([("p", p)]) == "the gradient of all parameters together is not finite"


def test_a_gradient_of_the_body_is_named():
    "A learnt mass is a parameter like any other."
    mass = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    env = Environment(mn.ReluPointMass24(mn.PointMass(mass=mass)), RandomTargetReach(), duration=0.1)
    with pytest.raises(NonFiniteError, match=r"environment\.effector\.skeleton\.mass"):
        four_batches(network(env), env, loss=lambda r: r["activation"].mean() + ((mass - 1).abs() + 0.0).sqrt())
    assert mass.item() == 1.0


def test_the_earliest_step_wins_then_the_order_of_computation():
    "Of everything that is broken, what broke first."
    env = point_mass_world(observation_noise=0.1, action_noise=0.1)
    streams = Streams(0)
    trials = env.sample(5, streams, "train")
    played = play(network(env), env, trials, streams)
    assert find_nonfinite(played) is None
    broken = dict(played.recorded)
    for name, trial, step in (("muscle_force", 1, 4), ("hidden", 2, 6), ("joint_velocity", 0, 4), ("activation", 3, 4)):
        broken[name] = broken[name].detach().clone()
        broken[name][trial, step, 1] = math.nan
    played.recorded, played._made = broken, {}
    assert find_nonfinite(played) == "activation of upper left is nan in trial 3 at step 5 (0.05 s)"


@pytest.mark.parametrize("wrong", ["ignore", None, True])
def test_other_ways_are_refused(wrong):
    env = point_mass_world()
    with pytest.raises(ValueError, match=r"on_nonfinite = .* one of 'stop', 'skip'"):
        four_batches(network(env), env, on_nonfinite=wrong)


def stopped(match, net=None, env=None, **arguments):
    "A training that must stop with a message and leave the weights alone."
    env = point_mass_world() if env is None else env
    net = network(env) if net is None else net
    before = weights(net)
    with pytest.raises(NonFiniteError, match=match):
        quick(net, env, **arguments)
    for a, b in zip(before, net.parameters(), strict=True):
        torch.testing.assert_close(b.detach(), a, rtol=0, atol=0, equal_nan=True)


def test_a_state_that_is_not_finite_stops_the_training():
    "Named: batch, tensor, muscle, trial and time; the weights stay."

    def hit(state, time, trial):
        return torch.where(time > 0.045, torch.nan, 0.0) * torch.ones_like(state.endpoint_position)

    stopped(
        r"batch 0: endpoint_load\[0\] is nan in trial 0 at step 6 \(0.06 s\).*keeps the weights",
        env=point_mass_world(RandomTargetReach(loads=hit)),
    )


def test_a_broken_sense_is_named():
    "An observation that is no number says which element it is."
    env = point_mass_world(observation_noise=0.1)
    streams = Streams(0, 0)
    trials = env.sample(8, streams, "train")
    trials.inputs[3, 2, 1] = float("nan")
    played = play(network(env), env, trials, streams)
    assert find_nonfinite(played) == "observation 'goal y' is nan in trial 3 at step 4 (0.04 s)"


class Bad(nn.Module):
    "A network whose drive of one muscle of one trial breaks at one step."

    def __init__(self, env, value):
        super().__init__()
        self.inner, self.value = Perceptron(env.n_observations, env.n_actions), value

    def init_hidden(self, batch_size):
        return torch.zeros(batch_size, 1)

    def forward(self, observation, hidden):
        action, _ = self.inner(observation, None)
        broken = torch.zeros_like(action)
        if int(hidden[0]) == 3:
            broken[5, 2] = self.value
        return action + broken, hidden + 1


def test_a_broken_drive_is_named_by_its_muscle():
    "The first tensor that went bad, not one that followed from it."
    env = point_mass_world()
    stopped(
        r"batch 0: action of lower right is nan in trial 5 at step 4 \(0.04 s\)",
        Bad(env, float("nan")),
        env,
        loss=ReachLoss().without("hidden", "hidden_rate"),
    )


def test_a_weight_that_is_not_finite_is_noticed():
    "A NaN weight shows in the hidden state of the first step."
    for n_units in (12, 4):  # as many units as muscles: a unit is not called a muscle
        net = network(point_mass_world(), n_units)
        with torch.no_grad():
            net.weight_ih[0, 0] = float("nan")
        stopped(r"hidden\[0\] is nan in trial 0 at step 1", net)


def test_a_loss_that_is_not_finite_stops_the_training():
    "The term is named; a plain function has none to name."
    stopped("the term broken of the loss is inf", loss=ReachLoss().add("broken", lambda r: r["activation"].sum() / 0))
    stopped("the loss is nan", loss=lambda r: r["activation"].sum() * float("nan"))


def test_a_gradient_that_is_not_finite_stops_the_training():
    "A finite loss with an infinite slope: the parameter is named."
    net = network(point_mass_world())
    stopped(
        "the gradient of output.bias is not finite",
        net,
        loss=lambda r: (r.policy.output.bias - r.policy.output.bias.detach()).abs().sqrt().sum(),
    )


def test_a_finite_rollout_has_nothing_to_name():
    "The guard is silent."
    env = Environment(arm(), DelayedReach(), duration=0.1)
    assert find_nonfinite(play(network(env), env)) is None
