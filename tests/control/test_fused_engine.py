"""The fused engine gives what the eager one gives, for every body, load, task and policy, and stores no more than it must."""

import functools

import pytest
import torch
from bodies import BODIES
from comparing import DOUBLE, SINGLE, body_world, check, distance, double_world, judged, run
from torch import nn
from worlds import Perceptron, PolicyLSTM, arm, network, point_mass_world

import motornet_nb as mn
from motornet_nb.control.engines import make_engine
from motornet_nb.control.rollout import play_with
from motornet_nb.core.parameters import quantity


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
