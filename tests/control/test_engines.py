"""Engines: fused, compile and auto give what the eager one gives, for every body, load, task and policy."""

import errno
import functools
import os
import re
import warnings

import pytest
import torch
from bodies import BODIES, make_body
from torch import nn
from worlds import Perceptron, PolicyLSTM, arm, network, point_mass_world

import motornet_nb as mn
from motornet_nb import fused
from motornet_nb.control.compiled_engine import CompiledEngine
from motornet_nb.control.engine import EagerEngine
from motornet_nb.control.engines import ENGINES, AutoEngine, make_engine
from motornet_nb.control.fused_engine import FusedEngine
from motornet_nb.control.rollout import play_with
from motornet_nb.core.parameters import quantity

DOUBLE, SINGLE = torch.float64, torch.float32


def judged(played, names=None) -> torch.Tensor:
    "A number that depends on everything a rollout has recorded, each output at its own scale."
    generator, total = torch.Generator().manual_seed(3), 0.0
    for name in sorted(played if names is None else names):
        tensor = played[name]
        weight = torch.randn(tensor.shape, generator=generator, dtype=DOUBLE)
        if tensor.requires_grad:
            scale = tensor.detach().double().abs().max() + 1e-3
            total = total + (tensor * (weight / scale).to(tensor)).mean()
    return total


def learned(policy, env) -> list[nn.Parameter]:
    "What needs a gradient, of the network and of the body."
    return [p for m in (policy, env) for p in m.parameters() if p.requires_grad]


def run(engine, policy, env, n=6, seed=1, **arguments):
    "Outputs by name, and the gradients of everything that learns."
    played = mn.play(policy, env, env.sample(n, seed, "train"), seed, engine=engine, **arguments)
    wanted = learned(policy, env)
    found = torch.autograd.grad(judged(played), wanted, allow_unused=True) if wanted else ()
    slopes = [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, found, strict=True)]
    return {name: played[name].detach() for name in played}, slopes


def distance(got, want) -> float:
    "Largest difference, relative to the largest number."
    assert got.shape == want.shape
    scale = want.double().abs().max() if want.numel() else torch.tensor(0.0)
    return float((got.double() - want.double()).abs().max() / (scale + 1e-6)) if want.numel() else 0.0


def check(policy, env, engine="fused", n=6, seed=1, relative=1e-9, **arguments):
    "An engine against the eager one: the same outputs, all of them, and the same gradients."
    got, got_slopes = run(engine, policy, env, n, seed, **arguments)
    want, want_slopes = run("eager", policy, env, n, seed, **arguments)
    assert list(got) == list(want)
    for name in want:
        assert got[name].dtype == want[name].dtype
        assert torch.isfinite(want[name]).all() or name in ("go_cue",)
        assert distance(got[name], want[name]) < relative, name
    for k, (ours, theirs) in enumerate(zip(got_slopes, want_slopes, strict=True)):
        assert distance(ours, theirs) < 10 * relative, f"gradient {k} of shape {tuple(theirs.shape)}"


# ---- every body ------------------------------------------------------------------------------------------------------


def body_world(name, method="euler", dtype=DOUBLE, duration=0.05) -> mn.Environment:
    "A body in a curl field, with noise everywhere and delays longer than a step."
    body = make_body(name, integration_method=method, dtype=dtype)
    loads = [mn.CurlField(strength=5.0)] if body.space_dim == 2 else []
    noise = {"action_noise": 0.01, "observation_noise": 0.02}
    task = mn.RandomTargetReach(loads=loads)
    return mn.Environment(body, task, duration=duration, proprioception_delay=0.02, vision_delay=0.03, **noise)


@pytest.mark.parametrize("name", BODIES)
def test_every_body(name):
    "Fused and eager agree in double precision: all outputs and the gradients of all weights."
    env = body_world(name)
    check(network(env), env)


@pytest.mark.parametrize(
    "name",
    [
        "ReluPointMass24, relu",
        "FreePointMass24, mujoco",
        "Reacher, kistemaker rigid",
        "RigidTendonArm26, thelen",
        "CompliantTendonArm26, kistemaker compliant",
        "geometric_arm26, relu",
    ],
)
def test_the_other_integration_method(name):
    "Runge-Kutta: four evaluations of the body in a step."
    env = body_world(name, "rk4", duration=0.03)
    check(network(env), env)


@pytest.mark.parametrize(
    "name",
    [
        "FreePointMass24, kistemaker compliant",
        "Reacher, mujoco",
        "RigidTendonArm26, thelen",
        "CompliantTendonArm26, kistemaker compliant",
        "geometric_arm26, kistemaker rigid",
    ],
)
def test_single_precision_is_as_good_as_the_eager_engine(name):
    "Double precision is the referee: the fused engine's error is no more than a few times the eager one's."
    env, referee = body_world(name, dtype=SINGLE), body_world(name)
    net = network(env)
    exact = network(referee)
    exact.load_state_dict(net.state_dict())
    truth, true_slopes = run("eager", exact, referee)
    eager, eager_slopes = run("eager", net, env)
    ours, our_slopes = run("fused", net, env)
    for name, want in truth.items():
        allowed = 5 * distance(eager[name], want) + 2e-6
        assert distance(ours[name], want) <= allowed, name
    error, eager_error = (
        max(distance(g, want) for g, want in zip(slopes, true_slopes, strict=True))
        for slopes in (our_slopes, eager_slopes)
    )
    assert error <= 5 * eager_error + 1e-5


# ---- every world -----------------------------------------------------------------------------------------------------


def spiral(state, time, trial):
    "A load that depends on time, on the motion and on the labels of the trial."
    waits = torch.where(trial["is_catch"], 0.0, trial["target_direction"])
    outward = state.endpoint_position - trial["start"]
    return 2.0 * torch.sin(20 * time) * outward + 0.1 * waits.unsqueeze(-1) * state.endpoint_velocity


LOADS = {
    "constant force": [mn.ConstantLoad(force_vector=[1.0, -2.0])],
    "constant torque": [mn.ConstantLoad(torque_vector=[0.1, -0.1], onset=0.02)],
    "pulse": [mn.ForcePulse([1.0, 3.0], onset_range=[0.01, 0.03], probability=0.5)],
    "curl field": [mn.CurlField(6.0, trials="catch")],
    "channel": [mn.ForceChannel(trials="go")],
    "function": [mn.FunctionLoad(function=spiral)],
    "function on the joints": [
        mn.FunctionLoad(function=lambda state, time, trial: -0.1 * state.joint_velocity, on="joint")
    ],
}
LOADS["all together"] = [load for loads in LOADS.values() for load in loads]
TASKS = {
    "RandomTargetReach": mn.RandomTargetReach,
    "DelayedReach": mn.DelayedReach,
    "CenterOutReach": functools.partial(mn.CenterOutReach, go_time=0.03),
    "PosturalHold": mn.PosturalHold,
    "a cue that jumps": functools.partial(mn.DelayedReach, cue="target jump"),
}


@pytest.mark.parametrize("name", LOADS)
def test_every_load(name):
    "Prescribed, drawn, dependent on motion and time, recorded; in a part of the trials."
    env = mn.Environment(arm(dtype=DOUBLE), mn.DelayedReach(loads=LOADS[name]), duration=0.05)
    check(network(env), env, n=8)


@pytest.mark.parametrize("name", TASKS)
def test_every_task(name):
    "Whatever it shows the network."
    env = point_mass_world(TASKS[name](), vision_delay=0.02)
    env = mn.Environment(env.effector.to(DOUBLE), env.task, duration=0.1, vision_delay=0.02)
    check(network(env), env)


def double_world(**arguments) -> mn.Environment:
    "A point mass in double precision."
    task = arguments.pop("task", None)
    body = mn.ReluPointMass24(dtype=DOUBLE)
    return mn.Environment(body, mn.RandomTargetReach() if task is None else task, **{"duration": 0.1} | arguments)


SENSES = {
    "stacked actions": {"action_stacking": 3},
    "silenced vision": {"silenced": "vision"},
    "silenced proprioception": {"silenced": ("proprioception",), "observation_noise": 0.1},
    "both silenced": {"silenced": ("vision", "proprioception"), "action_stacking": 1},
    "vision alone": {"sensors": ("vision",), "vision_delay": 0.05},
    "delays longer than the trial": {"vision_delay": 0.5, "proprioception_delay": 0.11},
    "every noise": {
        "action_noise": [0.05] * 4,
        "observation_noise": 0.02,
        "vision_noise": 0.01,
        "proprioception_noise": 0.03,
        "action_stacking": 2,
        "vision_delay": 0.04,
    },
    "a single step": {"duration": 0.01},
}


@pytest.mark.parametrize("name", SENSES)
def test_every_sense(name):
    "Delays, noise, silence and past actions."
    env = double_world(**SENSES[name])
    check(network(env), env)


def test_no_noise_when_it_is_asked_for():
    "Another program, because nothing is drawn; the same engine has both."
    env = double_world(action_noise=0.05)
    net = network(env)
    engine = make_engine("fused", net, env)
    for deterministic in (False, True, False):
        check(net, env, engine, deterministic=deterministic)
    assert len(engine._scans) == 2


class Normalised(nn.Module):
    "A user's own network: layer normalisation, two kinds of memory, an attribute that is no tensor."

    def __init__(self, n_inputs, n_actions, n_units=10):
        super().__init__()
        self.inner, self.norm = nn.Linear(n_inputs + n_units, n_units), nn.LayerNorm(n_units)
        self.outer, self.n_units, self.leak = nn.Linear(n_units, n_actions), n_units, 0.3
        self.register_buffer("mask", (torch.arange(n_units) % 3 > 0).float())

    def init_hidden(self, batch_size):
        return {
            "fast": self.outer.weight.new_zeros(batch_size, self.n_units),
            "trace": self.outer.weight.new_zeros(batch_size),
        }

    def forward(self, observation, hidden):
        new = torch.nn.functional.gelu(self.norm(self.inner(torch.cat((observation, hidden["fast"]), -1))))
        fast = hidden["fast"] + self.leak * (new * self.mask - hidden["fast"])
        trace = 0.9 * hidden["trace"] + fast.mean(-1)
        action = torch.sigmoid(self.outer(fast) + trace[:, None])
        return action, {"fast": fast, "trace": trace}


class PolicyRNN(nn.Module):
    "A plain recurrent network."

    def __init__(self, n_inputs, n_actions, n_units=10):
        super().__init__()
        self.cell, self.readout, self.n_units = nn.RNNCell(n_inputs, n_units), nn.Linear(n_units, n_actions), n_units

    def init_hidden(self, batch_size):
        return self.readout.weight.new_zeros(batch_size, self.n_units)

    def forward(self, observation, hidden):
        hidden = self.cell(observation, hidden)
        return torch.sigmoid(self.readout(hidden)), hidden


POLICIES = {
    "GRU": mn.PolicyGRU,
    "GRU with noise": functools.partial(mn.PolicyGRU, hidden_noise=0.1),
    "Perceptron": Perceptron,
    "LSTM": PolicyLSTM,
    "RNN": PolicyRNN,
    "layer normalisation": Normalised,
}


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy(name):
    "Without memory, with one or more hidden tensors, with noise on them."
    env = double_world(proprioception_delay=0.02)
    torch.manual_seed(0)
    make = POLICIES[name]
    net = (
        make(env.n_observations, 12, env.n_actions)
        if name.startswith("GRU")
        else make(env.n_observations, env.n_actions)
    )
    check(net.to(DOUBLE), env)


class Spindle(mn.ReluMuscle):
    "A user's own muscle: force from a curve of length and velocity, with a parameter of its own."

    steepness = quantity(3.0, "1", "steepness of the curve", above=0)

    def coefficients(self, muscles):
        return super().coefficients(muscles) | {"steepness": self.steepness}

    def evaluate(self, c, activation, length, velocity):
        state = super().evaluate(c, activation, length, velocity)
        curve = torch.exp(-c["steepness"] * (length - 0.7).square()) / (1 + torch.exp(velocity.clamp(-2, 2)))
        return state | {"force": state["force"] * torch.where(velocity > 0, curve, 0.9 * curve)}


def test_a_muscle_of_ones_own():
    "With a parameter that learns."
    steepness = nn.Parameter(torch.tensor(2.0, dtype=DOUBLE))
    body = mn.ReluPointMass24(muscle=Spindle(steepness=steepness), dtype=DOUBLE)
    env = mn.Environment(body, mn.RandomTargetReach(), duration=0.08)
    assert any(p is steepness for p in env.parameters())
    check(network(env), env)


@pytest.mark.parametrize(
    "name", ["ReluPointMass24, relu", "RigidTendonArm26, thelen", "geometric_arm26, kistemaker compliant"]
)
def test_parameters_of_the_body_that_learn(name):
    "Masses, strengths, time constants, damping: every number of the body that can."
    env = body_world(name, duration=0.04)
    for module in env.effector.modules():
        for key, value in list(module._buffers.items()):
            if value is not None and value.is_floating_point() and not key.endswith("_bound"):
                del module._buffers[key]
                module.register_parameter(key, nn.Parameter(value.clone()))
    names = {name.split(".")[-1] for name, _ in env.named_parameters()}
    assert {"max_isometric_force", "tau_activation", "damping"} <= names and names & {"mass", "m1"}
    check(network(env), env, relative=1e-8)


def test_any_number_of_trials():
    "One program for all of them; also for a trial without gradients."
    env = double_world()
    net = network(env)
    engine = make_engine("fused", net, env)
    for n in (1, 2, 31, 32, 33, 70):
        check(net, env, engine, n=n)
    with torch.no_grad():
        free = mn.play(net, env, env.sample(33, 1, "train"), 1, engine=engine)
    attached = mn.play(net, env, env.sample(33, 1, "train"), 1, engine=engine)
    for name in attached:
        assert torch.equal(free[name], attached[name]), name
    assert len(engine._scans) == 1


def test_a_parameter_that_is_frozen_and_set_free_again():
    "The engine notices what needs a gradient now."
    env = double_world()
    net = network(env)
    engine = make_engine("fused", net, env)
    net.output.bias.requires_grad_(False)
    check(net, env, engine)
    net.output.bias.requires_grad_(True)
    check(net, env, engine)
    net.requires_grad_(False)
    check(net, env, engine)


def test_an_engine_after_a_step_of_learning():
    "The program reads the weights as they are now."
    env = double_world()
    net = network(env)
    engine = make_engine("fused", net, env)
    for _ in range(3):
        check(net, env, engine)
        with torch.no_grad():
            for p in net.parameters():
                p.add_(0.1)


@pytest.mark.parametrize("threads", [1, 2])
def test_replicates(threads):
    "Several networks at once give what each gives alone, on both engines and any number of threads."
    env = double_world(action_noise=0.02, task=mn.RandomTargetReach(loads=[mn.CurlField(4.0)]))
    nets = [network(env, seed=s) for s in range(3)]
    together = mn.Replicates(nets)
    for name in ("eager", "fused"):
        engine = make_engine(name, together, env)
        trials = [env.sample(5, s, "train") for s in range(3)]
        played = play_with(engine, trials, [mn.Streams(s) for s in range(3)], threads=threads)
        slopes = torch.autograd.grad(
            sum(judged(p) for p in played.split()), list(together.parameters()), allow_unused=True
        )
        alone = [mn.play(net, env, t, s) for s, (net, t) in enumerate(zip(nets, trials, strict=True))]
        for share, one in zip(played.split(), alone, strict=True):
            for key in one:
                assert distance(share[key].detach(), one[key].detach()) < 1e-9, key
        want = torch.autograd.grad(sum(judged(p) for p in alone), list(together.parameters()), allow_unused=True)
        for ours, theirs in zip(slopes, want, strict=True):
            assert distance(ours, theirs) < 1e-8


def test_a_body_that_runs_away_is_seen():
    "A number that is none at the end of a trial shows in `final_sum()`, with the fused engine as with the eager one."
    env = double_world()
    net = network(env)
    with torch.no_grad():
        net.output.bias[1] = float("nan")
    trials = env.sample(40, 1, "train")
    for name in ("eager", "fused"):
        played = mn.play(net, env, trials, 1, engine=name)
        assert not torch.isfinite(played.recorded.final_sum()).any(), name
        assert torch.isnan(played["action"][..., 1]).all() and torch.isfinite(played["action"][..., 0]).sum() > 0


# ---- compile ---------------------------------------------------------------------------------------------------------


def test_the_compiled_engine(monkeypatch):
    "torch.compile, on the smallest world there is: one chunk, and a step that is left over."
    monkeypatch.setattr(CompiledEngine, "chunk", 2)
    env = double_world(duration=0.03, sensors=("vision",))
    check(Perceptron(env.n_observations, env.n_actions, 2).to(DOUBLE), env, "compile", n=2)


@pytest.mark.parametrize("steps, delay", [(3, 1), (5, 4), (7, 6), (12, 6), (12, 13)])
def test_chunks_of_the_compiled_engine(steps, delay, monkeypatch):
    "Trials that are shorter or longer than a chunk, delays within one, beyond one and beyond the trial."
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **arguments: compile_(f, **arguments | {"backend": "eager"}))
    torch._dynamo.reset()
    env = double_world(duration=steps / 100, vision_delay=delay / 100, action_stacking=2, action_noise=0.01)
    check(network(env, 4), env, "compile", relative=1e-12)


def test_the_compiled_engine_has_no_replicates():
    "It says which engine has."
    env = double_world()
    with pytest.raises(ValueError, match="'fused' or 'eager'"):
        make_engine("compile", mn.Replicates([network(env, seed=s) for s in range(2)]), env)


# ---- auto ------------------------------------------------------------------------------------------------------------


def test_auto_takes_the_fused_engine():
    "Without a warning, and says so."
    env = double_world()
    net = network(env)
    engine = make_engine("auto", net, env)
    assert isinstance(engine, AutoEngine) and engine.description == "auto"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(net, env, engine)
        check(net, env, engine, n=9)
    assert isinstance(engine.chosen, FusedEngine)
    assert re.match(r"fused \(\w+, (built|from the cache) in [\d.]+ s\)$", engine.description)


def test_auto_without_a_compiler(tmp_path, monkeypatch):
    "One warning that says what to install; then the eager engine, bit for bit."
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    env = double_world()
    net = network(env)
    engine = make_engine("auto", net, env)
    with pytest.warns(UserWarning) as caught:
        got, slopes = run(engine, net, env)
        run(engine, net, env)
    assert len(caught) == 1 and re.search(r"eager.*slower.*apt install g\+\+", str(caught[0].message))
    assert isinstance(engine.chosen, EagerEngine)
    assert engine.description.startswith("eager, because:") and "g++" in engine.description
    want, want_slopes = run("eager", net, env)
    assert all(torch.equal(got[name], want[name]) for name in want)
    assert all(torch.equal(a, b) for a, b in zip(slopes, want_slopes, strict=True))


class Forgetful(nn.Module):
    "A network with dropout."

    def __init__(self, n_inputs, n_actions):
        super().__init__()
        self.layer = nn.Linear(n_inputs, n_actions)

    def init_hidden(self, batch_size):
        return None

    def forward(self, observation, hidden):
        return torch.sigmoid(nn.functional.dropout(self.layer(observation), 0.5, self.training)), None


def test_auto_with_a_policy_that_cannot_be_fused():
    "The warning names the operation and the line of the user's code; the engine by its own name refuses."
    env = double_world()
    net = Forgetful(env.n_observations, env.n_actions).to(DOUBLE)
    engine = make_engine("auto", net, env)
    with pytest.warns(UserWarning) as caught:
        mn.play(net, env, env.sample(4, 1, "train"), 1, engine=engine)
        mn.play(net, env, env.sample(4, 1, "train"), 1, engine=engine)
    words = str(caught[0].message)
    assert len(caught) == 1 and "random draw" in words and "test_engines.py:" in words and "dropout" in words
    assert isinstance(engine.chosen, EagerEngine) and "random draw" in engine.description
    with pytest.raises(fused.Unsupported, match="random draw"):
        mn.play(net, env, env.sample(4, 1, "train"), 1, engine="fused")


def test_a_policy_that_changes_its_mode():
    "Dropout is off in eval mode and can be fused; back in train mode the program must not be used any more."
    env = double_world()
    net = Forgetful(env.n_observations, env.n_actions).to(DOUBLE).eval()
    engine = make_engine("fused", net, env)
    check(net, env, engine)
    net.train()
    with pytest.raises(fused.Unsupported, match="random draw"):
        mn.play(net, env, env.sample(4, 1, "train"), 1, engine=engine)


def test_a_policy_that_decides_on_values_falls_back():
    "With the line of the decision."

    class Deciding(Perceptron):
        def forward(self, observation, hidden):
            if observation.mean() > 1000:
                observation = observation * 0
            return super().forward(observation, hidden)

    env = double_world()
    net = Deciding(env.n_observations, env.n_actions).to(DOUBLE)
    with pytest.warns(UserWarning, match=r"test_engines\.py:\d+ in forward"):
        mn.play(net, env, env.sample(4, 1, "train"), 1, engine="auto")


def test_engines_by_name():
    "An unknown one is refused with those there are; an engine belongs to one policy and one environment."
    env = double_world()
    net = network(env)
    assert set(ENGINES) == {"auto", "eager", "compile", "fused"}
    with pytest.raises(ValueError, match=r"'turbo'.*'auto', 'eager', 'compile', 'fused'"):
        make_engine("turbo", net, env)
    engine = make_engine("eager", net, env)
    assert make_engine(engine, net, env) is engine
    with pytest.raises(ValueError, match="this policy and this environment"):
        make_engine(engine, network(env, seed=1), env)


def test_outputs_are_a_mapping():
    "Of the same names in the same order, with every engine."
    env = double_world()
    net = network(env)
    recorded = {e: mn.play(net, env, env.sample(3), engine=e).recorded for e in ("eager", "fused")}
    assert list(recorded["eager"]) == list(recorded["fused"]) and len(recorded["eager"]) == len(recorded["fused"])
    with pytest.raises(KeyError):
        recorded["fused"]["no such output"]
    assert torch.isfinite(recorded["fused"].final_sum()).all() and recorded["fused"].final_sum().shape == (1,)


@pytest.mark.parametrize("engine", ["fused", "eager"])
def test_what_was_looked_at_without_gradients_has_them_later(engine):
    "A glance at a rollout before the loss is formed does not change the gradients."
    env = point_mass_world()
    net = network(env)
    played = mn.play(net, env, env.sample(4, 0, "train"), engine=engine)
    with torch.no_grad():
        assert not played["hidden"].requires_grad and not played.blocked("activation").requires_grad
    assert played["hidden"].requires_grad and played.blocked("activation").requires_grad


@pytest.mark.parametrize("engine", ["fused", "eager"])
@pytest.mark.parametrize("batch", [5, 32, 64, 70])
def test_outputs_as_they_are_stored(engine, batch):
    "The same numbers and gradients, whatever the order of the trials; mixed with outputs that are asked for by name."
    env = point_mass_world().double()
    net = network(env)
    slopes = []
    for ask in ("blocked", "by name", "both"):
        net.zero_grad()
        played = mn.play(net, env, env.sample(batch, 0, "train"), 0, engine=engine)
        named, stored = played["hidden"], played.blocked("hidden")
        assert stored.shape[-2:] == named.shape[-2:] and stored.numel() == named.numel()
        assert torch.equal(stored.reshape(named.shape), named)
        assert played.blocked("target_position") is played["target_position"]
        parts = {"blocked": [stored], "by name": [named], "both": [0.25 * stored, 0.75 * named]}[ask]
        sum((part.sum() + part[..., 1:, :].diff(dim=-2).square().sum()) for part in parts).backward()
        slopes.append([p.grad.clone() for p in net.parameters()])
    for got, want in zip(slopes[0], slopes[1], strict=True):
        assert torch.allclose(got, want, rtol=1e-10, atol=1e-12)
    assert any(s.abs().sum() > 0 for s in slopes[2])


@pytest.mark.parametrize("engine", ["fused", "eager"])
@pytest.mark.parametrize("batch", [7, 32, 64])
def test_replicates_have_their_own_share_as_it_is_stored(engine, batch):
    "Numbers and gradients of each network are those it would have alone."
    env = point_mass_world().double()
    nets = mn.Replicates([network(env, seed=i) for i in range(3)])
    trials = [env.sample(batch, i, "train") for i in range(3)]
    streams = [mn.Streams(i) for i in range(3)]
    together = mn.play(nets, env, trials, streams, engine=engine).split()
    losses = [(i + 1) * played.blocked("hidden").square().sum() for i, played in enumerate(together)]
    torch.stack([loss for i, loss in enumerate(losses) if i != 1]).sum().backward()  # one of them is left out
    for i in range(3):
        assert torch.equal(together[i].blocked("hidden").reshape(together[i]["hidden"].shape), together[i]["hidden"])
        alone = network(env, seed=i)
        played = mn.play(alone, env, trials[i], streams[i])
        assert torch.allclose(together[i]["hidden"], played["hidden"], rtol=1e-10, atol=1e-13)
        if i == 1:
            assert all(p.grad is None or not p.grad.any() for p in nets[i].parameters())
            continue
        ((i + 1) * played["hidden"].square().sum()).backward()
        for ours, theirs in zip(nets[i].parameters(), alone.parameters(), strict=True):
            assert torch.allclose(ours.grad, theirs.grad, rtol=1e-9, atol=1e-12)


def test_an_engine_is_used_again_by_a_second_training(monkeypatch):
    "Whatever was read or differentiated before; other threads, another loss, a rollout in between."
    built = []
    scan_of = fused.Scan
    monkeypatch.setattr(fused, "Scan", lambda *a, **k: built.append(k["read"]) or scan_of(*a, **k))
    env = point_mass_world()
    net = network(env)
    quick = {"n_batches": 1, "batch_size": 4, "progress": False}
    for engine in ("fused", "auto"):
        built.clear()
        mn.train(net, env, engine=engine, **quick)
        mn.train(net, env, engine=engine, **quick)
        assert built == [["activation", "endpoint_position", "hidden"]]
        far = mn.Loss(weights={"far": 1.0}, terms={"far": lambda played: played["joint_position"].square().mean()})
        mn.train(net, env, engine=engine, loss=far, **quick)
        assert built[1:] == [None]  # a function may read anything
        mn.play(net, env, engine=engine)["muscle_force"].sum().backward()
        mn.train(net, env, engine=engine, **quick)
        assert len(built) == 2
    mn.train(net, env, engine="fused", loss=mn.ReachLoss().without("hidden", "hidden_rate"), **quick)
    assert built[2:] == [["activation", "endpoint_position"]]
    mn.play(net, env, engine="fused")["joint_velocity"].sum().backward()
    with torch.no_grad():
        mn.play(net, env, engine="fused")["joint_velocity"]
    assert built[3:] == []


def test_an_output_that_nobody_was_expected_to_read():
    "It can be read all the same; after one rollout more it is expected."
    env = point_mass_world()
    net = network(env)
    trials, streams = env.sample(4, 0, "train"), mn.Streams(0)
    close = functools.partial(torch.testing.assert_close, rtol=1e-4, atol=1e-6)
    want = mn.play(net, env, trials, streams)
    engine = make_engine("fused", net, env)
    few = {"endpoint_position"}
    played = play_with(engine, [trials], [streams], outputs=few)
    close(played["endpoint_position"], want["endpoint_position"])
    assert list(played.recorded) == list(want.recorded)
    with torch.no_grad():  # for who only wants to see it
        for name in want:
            close(played[name], want[name])
    assert engine.expected(few) == ["endpoint_position"]
    played = play_with(engine, [trials], [streams], outputs=few)
    ours = torch.autograd.grad(played["joint_velocity"].square().sum(), net.parameters())
    theirs = torch.autograd.grad(want["joint_velocity"].square().sum(), net.parameters())
    for a, b in zip(ours, theirs, strict=True):
        assert distance(a, b) < 1e-4
    assert engine.expected(few) is None


@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize(
    "name", ["RigidTendonArm26, thelen", "CompliantTendonArm26, kistemaker compliant", "Reacher, mujoco"]
)
def test_only_what_a_loss_reads(name, steps):
    "No more is stored and differentiated; numbers and gradients are those of the eager engine."
    env = body_world(name, "rk4", duration=steps / 100)
    net, read = network(env), {"endpoint_position", "activation"}
    engine = make_engine("fused", net, env)
    slopes = []
    for one in (engine, make_engine("eager", net, env)):
        played = play_with(one, [env.sample(70, 1, "train")], [mn.Streams(1)], outputs=read)
        slopes.append(torch.autograd.grad(judged(played, read), net.parameters()))
    (_, scan), *others = engine._scans
    assert not others and len(scan.program.ends) > 5
    for ours, theirs in zip(*slopes, strict=True):
        assert distance(ours, theirs) < 1e-8


def test_a_rollout_without_gradients_needs_no_backward_pass():
    "Its program has none, and another one is built when there are gradients."
    env = point_mass_world()
    net = network(env)
    engine = make_engine("fused", net, env)
    with torch.no_grad():
        mn.play(net, env, engine=engine)["activation"]
    mn.play(net, env, engine=engine)["activation"].sum().backward()
    with torch.no_grad():
        mn.play(net, env, engine=engine)["activation"]
    first, second = (scan for _, scan in engine._scans)
    assert not first.program.sums and second.program.sums


def test_an_engine_that_fell_back_tries_again(tmp_path, monkeypatch):
    "For instance after a compiler was installed."
    env = point_mass_world()
    net = network(env)
    with monkeypatch.context() as patch:
        patch.setenv("CXX", str(tmp_path / "none"))
        with pytest.warns(UserWarning, match="eager engine runs"):
            log = mn.train(net, env, n_batches=1, batch_size=4, progress=False)
        assert log.attrs["engine"].startswith("eager")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        log = mn.train(net, env, n_batches=1, batch_size=4, progress=False)
    assert log.attrs["engine"].startswith("fused")


def test_many_compiled_engines(monkeypatch):
    "More than the eight times after which torch gives up on a piece of code."
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **arguments: compile_(f, **arguments | {"backend": "eager"}))
    monkeypatch.setattr(CompiledEngine, "chunk", 1)
    env = double_world(duration=0.02, sensors=("vision",))
    for i in range(9):
        net = Perceptron(env.n_observations, env.n_actions, 2).to(DOUBLE)
        mn.play(net, env, env.sample(2 + i, 0, "train"), engine="compile")["action"]


@pytest.mark.parametrize("name", BODIES)
def test_every_body_can_be_compiled(name, monkeypatch):
    "One graph for torch.compile; what its own compiler makes of it is torch's business."
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **arguments: compile_(f, **arguments | {"backend": "eager"}))
    monkeypatch.setattr(CompiledEngine, "chunk", 1)
    env = body_world(name, duration=0.02)
    check(network(env, 4), env, "compile", n=3, relative=1e-12)


@pytest.mark.parametrize("engine", ["fused", "auto"])
def test_play_after_train_builds_no_second_program(monkeypatch, engine):
    "The one of the training will do; an output it does not store is played again, and the same as before."
    env = point_mass_world()
    net = network(env)
    mn.train(net, env, engine=engine, n_batches=1, batch_size=4, progress=False)
    built, scan_of = [], fused.Scan
    monkeypatch.setattr(fused, "Scan", lambda *a, **k: built.append(k["read"]) or scan_of(*a, **k))
    trials = env.sample(5, 1)
    played = mn.play(net, env, trials, engine="fused")
    torch.testing.assert_close(
        played["endpoint_position"], mn.play(net, env, trials)["endpoint_position"], rtol=1e-4, atol=1e-6
    )
    with torch.no_grad():
        mn.play(net, env, trials, engine=engine)["hidden"]
    assert built == []
    torch.testing.assert_close(
        played["musculotendon_length"], mn.play(net, env, trials)["musculotendon_length"], rtol=1e-4, atol=1e-6
    )
    assert built == [None]


def test_an_output_read_too_late_is_refused_in_words():
    "What was not stored cannot be played again once the network is another one."
    env = point_mass_world()
    net = network(env)
    mn.train(net, env, engine="fused", n_batches=1, batch_size=4, progress=False)
    played = mn.play(net, env, engine="fused")
    with torch.no_grad():
        net.output.bias.add_(1.0)
    with pytest.raises(
        RuntimeError, match=r"musculotendon_length .* was not stored, and policy\.output\.bias has changed"
    ):
        played["musculotendon_length"]


def test_auto_goes_on_eagerly_when_the_fused_engine_refuses_later():
    "A network that begins to count in the second batch: one warning, and the numbers of the eager engine."

    class Counts(Perceptron):
        counting, steps = False, 0

        def forward(self, x, hidden):
            if self.counting:
                self.steps += 1
            return super().forward(x, hidden)

    env = point_mass_world()
    net = Counts(env.n_observations, env.n_actions)
    engine = AutoEngine(net, env)
    mn.play(net, env, engine=engine)
    assert isinstance(engine.chosen, FusedEngine)
    net.counting = True
    with pytest.warns(UserWarning, match=r"policy\.steps, which was not there before"):
        mn.play(net, env, engine=engine)
    assert isinstance(engine.chosen, EagerEngine) and net.steps == env.n_steps
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mn.play(net, env, engine=engine)


class Constant(nn.Module):
    "A network whose output is the same at all times."

    def __init__(self, n_inputs, n_actions):
        super().__init__()
        self.weight = nn.Parameter(torch.full((n_actions, n_inputs), 0.05))
        self.bias = nn.Parameter(torch.full((n_actions,), 0.3))

    def init_hidden(self, batch_size):
        return None

    def forward(self, observation, hidden):
        return torch.sigmoid(nn.functional.linear(0 * observation + 0.7, self.weight, self.bias)), None


def test_sums_over_a_large_batch_are_exact_in_single_precision():
    "Gradients that add up a hundred thousand equal numbers, to 1e-6 or so of what they are in double precision."
    env = mn.Environment(mn.FreePointMass24(), mn.RandomTargetReach(), duration=2.0)
    net = Constant(env.n_observations, env.n_actions)
    trials = env.sample(256, 0, "train")
    mn.play(net, env, trials, engine=make_engine("fused", net, env, "test"))["action"].square().mean().backward()
    action = torch.sigmoid(torch.tensor(0.3 + 0.7 * 0.05 * env.n_observations, dtype=DOUBLE)).item()
    slope = 2 * action * action * (1 - action) / env.n_actions  # of every bias
    for gradient, want in ((net.bias.grad, slope), (net.weight.grad, 0.7 * slope)):
        assert gradient.min().item() == pytest.approx(want, rel=2e-6)
        assert gradient.max().item() == pytest.approx(want, rel=2e-6)


@pytest.mark.parametrize("replicates", [None, 2])
def test_a_folder_that_cannot_be_written_is_one_warning(tmp_path, monkeypatch, replicates):
    "Training goes on with the eager engine's numbers; who asked for the fused one gets the error."

    def read_only(*arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setenv("MOTORNET_NB_CACHE", str(tmp_path / "programs"))
    monkeypatch.setattr(fused.compiler.tempfile, "TemporaryDirectory", read_only)
    few = {"n_batches": 3, "batch_size": 4, "progress": False, "replicates": replicates}
    losses = {}
    for engine in ("auto", "eager"):
        env = point_mass_world()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            log = mn.train(network(env), env, engine=engine, **few)
        losses[engine] = (log if replicates is None else log.log)["loss"].tolist()
        words = [str(w.message) for w in told if "MOTORNET_NB_CACHE" in str(w.message)]
        assert len(words) == (1 if engine == "auto" else 0)
    assert losses["auto"] == losses["eager"]
    env = point_mass_world()
    with pytest.raises(fused.CompilerError, match=r"Read-only file system.*MOTORNET_NB_CACHE"):
        mn.train(network(env), env, engine="fused", **few)
