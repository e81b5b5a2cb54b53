"""The second look: what nobody can follow is found by playing a few trials eagerly, and rounding is not taken for it."""

import time

import pytest
import torch
from torch import nn
from worlds import Perceptron, arm, network, point_mass_world

import motornet_nb as mn
from motornet_nb.control.audit import AuditError
from motornet_nb.control.fused_engine import FusedEngine


class FromFile(Perceptron):
    "A network that reads its gain from a file at every step."

    def __init__(self, path, *sizes):
        super().__init__(*sizes)
        self.path = path

    def forward(self, x, hidden):
        action, hidden = super().forward(x, hidden)
        return action * float(self.path.read_text()), hidden


@pytest.fixture
def net_and_env(tmp_path):
    env = point_mass_world()
    net = FromFile(tmp_path / "gain", env.n_observations, env.n_actions)
    net.path.write_text("1")
    return net, env


def test_the_first_rollout_of_a_program_is_compared_and_the_message_names_output_and_step(net_and_env):
    "The file changes where the engine cannot know; the next comparison, asked for, finds it in the first step."
    net, env = net_and_env
    engine = FusedEngine(net, env)
    mn.play(net, env, engine=engine)
    net.path.write_text("0.5")
    mn.play(net, env, engine=engine)  # nobody looks
    engine.audit.soon = True
    with pytest.raises(AuditError, match=r"action in step 1 of trial 0 is .* instead of"):
        mn.play(net, env, engine=engine)
    assert not engine.audit.soon


def test_training_compares_after_the_first_callbacks(net_and_env):
    "A callback changes the file: the second batch stops, the first stays; without audits it goes on with the old numbers."
    net, env = net_and_env

    def change(progress):
        net.path.write_text("0.5")

    few = {"n_batches": 3, "batch_size": 4, "progress": False, "engine": "fused", "callbacks": change}
    with pytest.raises(AuditError) as caught:
        mn.train(net, env, loss=mn.ReachLoss().without("hidden", "hidden_rate"), **few)
    assert caught.value.progress.batch == 1
    net.path.write_text("1")
    log = mn.train(net, env, loss=mn.ReachLoss().without("hidden", "hidden_rate"), audit=False, **few)
    assert len(log) == 3


class Sensitive(nn.Module):
    "A chaotic network: what rounding changes in one step is thousands of times larger twenty steps later."

    def __init__(self, n_inputs, n_actions, gain):
        super().__init__()
        self.inward, self.outward = nn.Linear(n_inputs, 40), nn.Linear(40, n_actions)
        self.matrix = nn.Parameter(gain * torch.randn(40, 40) / 40**0.5)

    def init_hidden(self, batch_size):
        return torch.zeros(batch_size, 40)

    def forward(self, x, hidden):
        hidden = torch.tanh(self.inward(x) + hidden @ self.matrix)
        return torch.sigmoid(self.outward(hidden)), hidden


@pytest.mark.parametrize("seed", range(4))
def test_rounding_that_grows_is_no_difference(seed):
    "The engines part, and an audit says nothing: the eager one parts from itself as quickly."
    torch.manual_seed(seed)
    env = mn.Environment(arm(), mn.RandomTargetReach(), duration=1.0)
    net = Sensitive(env.n_observations, env.n_actions, 6.0)
    trials = env.sample(6, seed)
    engine = FusedEngine(net, env)
    ours = mn.play(net, env, trials, engine=engine)["hidden"].detach()
    theirs = mn.play(net, env, trials)["hidden"].detach()
    assert (ours - theirs).abs().max() > 1e-3


def test_replicates_are_compared_one_after_the_other():
    "Each turn another one."
    env = point_mass_world()
    nets = mn.Replicates([network(env, seed=s) for s in range(3)])
    engine = FusedEngine(nets, env)
    trials = [env.sample(4, s) for s in range(3)]
    for turn in range(4):
        engine.audit.soon = True
        mn.play(nets, env, trials, engine=engine)
        assert engine.audit._turn == turn + 1


def test_audits_take_less_than_a_hundredth_of_the_time():
    "The next one is not due before two hundred times its cost has passed."
    env = point_mass_world()
    net = network(env)
    engine = FusedEngine(net, env)
    mn.play(net, env, engine=engine)
    began = time.perf_counter()
    mn.play(net, env, engine=engine)
    wait = engine.audit._next - began
    engine.audit.soon = True
    before = time.perf_counter()
    mn.play(net, env, engine=engine)
    cost = time.perf_counter() - before
    assert wait > 0 and engine.audit._next - before > 50 * cost / 2
    assert not engine.audit.is_due(engine._scans[0][1])
