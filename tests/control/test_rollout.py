"""The closed loop: golden numbers, purity, the same as stepping, gradients, recording, hidden noise."""

import dataclasses
import multiprocessing
import os

import numpy as np
import pytest
import torch
from bodies import assert_golden, tensor
from torch import nn
from worlds import (
    Perceptron,
    PolicyLSTM,
    arm,
    assert_equal,
    drives,
    network,
    point_mass_world,
    step_through,
    with_goals,
)

import motornet_nb as mn
from motornet_nb import (
    CenterOutReach,
    ConstantLoad,
    CurlField,
    DelayedReach,
    Environment,
    ForceChannel,
    ForcePulse,
    FunctionLoad,
    PolicyGRU,
    RandomTargetReach,
    Streams,
    play,
)

WEIGHTS = {
    "weight_ih": "gru_weight_ih_l0",
    "weight_hh": "gru_weight_hh_l0",
    "bias_ih": "gru_bias_ih_l0",
    "bias_hh": "gru_bias_hh_l0",
    "output.weight": "fc_weight",
    "output.bias": "fc_bias",
}


@pytest.fixture
def closed_loop(reference, dtype):
    "The golden file, and its environment, network and trials."
    golden = reference("closed_loop_arm26")
    at = golden.attrs
    delays = {"vision_delay": at["vision_delay"], "proprioception_delay": at["proprioception_delay"]}
    env = Environment(arm(dtype=dtype), RandomTargetReach(), duration=at["duration"], **delays)
    net = PolicyGRU(env.n_observations, int(at["hidden_size"]), env.n_actions).to(dtype)
    net.load_state_dict({ours: tensor(golden[f"weight_{theirs}"], dtype) for ours, theirs in WEIGHTS.items()})
    trials = env.sample(golden.sizes["trial"], joint_state=golden["joint0"].values)
    return golden, env, net, with_goals(trials, tensor(golden["goal"], dtype))


def check_gradients(golden, net, precision):
    for ours, theirs in WEIGHTS.items():
        want = golden[f"grad_{theirs}_{precision}"].values
        assert_golden(net.get_parameter(ours).grad, want, precision, 1e-6, f"gradient of {ours}")


def test_closed_loop_agrees_with_the_golden_numbers(closed_loop, precision):
    "Observations, actions, hidden states, body states, loss and the gradient of every weight."
    golden, env, net, trials = closed_loop
    played = play(net, env, trials)
    detached = {name: played[name].detach() for name in played}
    assert_golden(
        detached["observation"], golden[f"observation_value_{precision}"][:, :-1], precision, 5e-6, "observation"
    )
    assert_golden(detached["action"], golden[f"action_{precision}"], precision, 5e-6, "action")
    assert_golden(detached["hidden"], golden["hidden_f64"], precision, 5e-6, "hidden")
    joint = torch.cat((detached["joint_position"], detached["joint_velocity"]), -1)
    assert_golden(joint, golden[f"joint_{precision}"][:, 1:], precision, 1e-4, "joint")
    if precision == "f32":
        endpoint = torch.cat((detached["endpoint_position"], detached["endpoint_velocity"]), -1)
        assert_golden(endpoint, golden["cartesian_f32"][:, 1:], precision, 1e-4, "endpoint")
        names = ("musculotendon_length", "musculotendon_velocity")
        geometry = torch.cat((torch.stack([detached[n] for n in names], 2), detached["moment_arm"]), 2)
        assert_golden(geometry, golden["geometry_f32"][:, 1:], precision, 5e-6, "geometry")
    steps = golden["step" if precision == "f32" else "step_coarse"].values[1:] - 1
    columns = {
        "activation": "activation",
        "muscle_length": "muscle_length",
        "muscle_velocity": "muscle_velocity",
        "muscle_force": "force",
    }
    for ours, theirs in columns.items():
        want = golden[f"muscle_{precision}"].sel(muscle_state=theirs)[:, 1:]
        absolute = 3e-2 if ours == "muscle_force" else 5e-6
        assert_golden(detached[ours][:, steps], want, precision, absolute, ours)
    loss = (played["endpoint_position"] - played["target_position"]).abs().mean()
    assert_golden(loss.detach(), golden[f"loss_{precision}"], precision, 1e-6, "loss")
    loss.backward()
    check_gradients(golden, net, precision)


def test_stepping_agrees_with_the_golden_numbers(closed_loop, precision):
    "The same numbers by way of reset() and step(), with the last observation, and gradients through the shell."
    golden, env, net, trials = closed_loop
    observation, _ = env.reset(options={"trials": trials})
    hidden, observations, hands = net.init_hidden(len(trials)), [observation], []
    terminated = False
    while not terminated:
        action, hidden = net(observation, hidden)
        observation, _, terminated, _, info = env.step(action)
        observations.append(observation)
        hands.append(info["states"]["fingertip"])
    stacked = torch.stack(observations, 1).detach()
    assert_golden(stacked, golden[f"observation_value_{precision}"], precision, 5e-6, "observation")
    loss = (torch.stack(hands, 1) - trials.goal[:, None]).abs().mean()
    assert_golden(loss.detach(), golden[f"loss_{precision}"], precision, 1e-6, "loss")
    loss.backward()
    check_gradients(golden, net, precision)


LOADS = [
    CurlField(6.0),
    ForcePulse([1.0, 3.0], onset_range=[0.02, 0.05], probability=0.5),
    ForceChannel(trials="go"),
    ConstantLoad(torque_vector=[0.1, -0.1], onset=0.03),
    FunctionLoad(function=lambda state, time, trial: time * state.joint_velocity, on="joint"),
]
NOISE = {"action_noise": 0.05, "observation_noise": 0.02, "vision_noise": 0.01, "proprioception_noise": [0.01] * 12}


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("kind", [PolicyGRU, PolicyLSTM, Perceptron])
def test_stepping_is_the_same_as_a_rollout(kind, deterministic):
    "Bit for bit, with delays, stacked actions, every kind of noise and load."
    env = Environment(
        arm(),
        DelayedReach(loads=LOADS),
        duration=0.15,
        vision_delay=0.05,
        proprioception_delay=0.02,
        action_stacking=2,
        **NOISE,
    )
    torch.manual_seed(0)
    net = network(env) if kind is PolicyGRU else kind(env.n_observations, env.n_actions)
    trials = env.sample(6, 11, "train")
    played = play(net, env, trials, 11, deterministic)
    observation, info = env.reset(seed=11, options={"batch_size": 6, "deterministic": deterministic})
    assert_equal(info["goal"], trials.goal)
    hidden = net.init_hidden(6)
    for k in range(env.n_steps):
        assert_equal(observation, played["observation"][:, k], f"observation {k}")
        action, hidden = net(observation, hidden)
        assert_equal(action, played["action"][:, k], f"action {k}")
        observation, _, _, _, info = env.step(action)
        assert_equal(info["noisy action"], played["noisy_action"][:, k], f"noisy action {k}")
        assert_equal(info["states"]["joint"][:, :2], played["joint_position"][:, k], f"position {k}")
        assert_equal(info["states"]["joint"][:, 2:], played["joint_velocity"][:, k], f"velocity {k}")
        for column, name in enumerate(("activation", "muscle_length", "muscle_velocity")):
            assert_equal(info["states"]["muscle"][:, column], played[name][:, k], f"{name} {k}")
        assert_equal(info["states"]["muscle"][:, -1], played["muscle_force"][:, k], f"force {k}")
        assert_equal(info["states"]["fingertip"], played["endpoint_position"][:, k], f"hand {k}")


def test_rollouts_reproduce_bit_for_bit():
    "The same seed gives the same trials, noise and gradients; another seed others."
    env = point_mass_world(DelayedReach(), **{k: 0.1 for k in NOISE})
    net = network(env, hidden_noise=0.1)
    results = []
    for seed in (3, 3, 4):
        net.zero_grad()
        torch.rand(1)
        played = play(net, env, seed=seed)
        played["endpoint_position"].square().sum().backward()
        results.append((played["endpoint_position"].detach(), played["hidden"].detach(), net.weight_hh.grad.clone()))
    for a, b, c in zip(*results, strict=True):
        assert_equal(a, b)
        assert not torch.equal(a, c)


def test_a_batch_is_its_trials():
    "Trials played together do what each does alone, and may be played in any selection."
    env = Environment(
        arm(), DelayedReach(loads=[CurlField(5.0), ForcePulse([1.0, 3.0])]), duration=0.2, vision_delay=0.05
    )
    net, trials = network(env), env.sample(8, 2, "train")
    together = play(net, env, trials)
    for index in ([5], [7, 0, 3]):
        some = play(net, env, trials.select(index))
        for name in ("endpoint_position", "hidden", "muscle_force", "endpoint_load"):
            torch.testing.assert_close(
                some[name], together[name][index], rtol=1e-4, atol=1e-4 if "force" in name else 1e-6
            )


def test_gradients_agree_with_finite_differences():
    "Of weights, of the body's mass and of the goal, through body, loads, delays and network (float64)."
    mass = torch.nn.Parameter(torch.tensor(1.3, dtype=torch.float64))
    body = mn.ReluPointMass24(skeleton=mn.PointMass(mass=mass)).double()
    env = Environment(
        body, RandomTargetReach(loads=[CurlField(3.0)]), duration=0.12, vision_delay=0.03, action_stacking=1
    )
    net, trials = network(env, 5), env.sample(3, 0)

    def distance():
        played = play(net, env, trials)
        return (played["endpoint_position"] - played["target_position"]).square().sum() + 1e-3 * played[
            "hidden"
        ].square().sum()

    distance().backward()
    generator = torch.Generator().manual_seed(1)
    for p in (mass, net.weight_ih, net.weight_hh, net.output.bias):
        direction = torch.randn(p.shape, generator=generator, dtype=torch.float64)
        values = []
        for h in (1e-5, -1e-5):
            with torch.no_grad():
                p += h * direction
                values.append(float(distance()))
                p -= h * direction
        slope = (values[0] - values[1]) / 2e-5
        assert float((p.grad * direction).sum()) == pytest.approx(slope, rel=1e-6)


def test_what_a_rollout_records():
    "Names, shapes, units of time; names that are made when asked for; unknown names are refused."
    env = Environment(arm(), DelayedReach(loads=[CurlField(2.0)]), duration=0.2, vision_delay=0.05)
    played = play(network(env), env, env.sample(5, 0, "train"))
    muscles, space = (5, 20, 6), (5, 20, 2)
    shapes = {
        **dict.fromkeys(
            ("action", "noisy_action", "activation", "muscle_length", "muscle_velocity", "muscle_force"), muscles
        ),
        **dict.fromkeys(("musculotendon_length", "musculotendon_velocity"), muscles),
        **dict.fromkeys(
            ("endpoint_position", "endpoint_velocity", "target_position", "endpoint_load", "joint_load"), space
        ),
        **dict.fromkeys(("joint_position", "joint_velocity"), space),
        "moment_arm": (5, 20, 2, 6),
        "proprioception": (5, 20, 12),
        "observation": (5, 20, 19),
        "hidden": (5, 20, 12),
        "go_cue": (5, 20),
    }
    assert {name: tuple(value.shape) for name, value in played.items()} == shapes and len(played) == len(shapes)
    assert played["action"] is played["action"]  # stacked once
    assert_equal(played["target_position"], played.trials.target[:, 1:])
    assert_equal(played["go_cue"], played.trials.go_cue[:, 1:])
    assert not played["joint_load"].any() and played.timestep == 0.01
    torch.testing.assert_close(played.max_isometric_force, torch.tensor([838.0, 1207, 1422, 1549, 414, 603]))
    with pytest.raises(KeyError, match="a rollout has no 'speed'; it has"):
        played["speed"]
    assert "hidden" not in set(play(Perceptron(19, 6), env))


def test_velocity_is_the_derivative_of_position():
    "Endpoint velocity by kinematics agrees with differences of position to first order."
    env = Environment(arm(timestep=0.001).double(), RandomTargetReach(), duration=0.1)
    played = play(network(env), env, env.sample(4, 1))
    difference = played["endpoint_position"].diff(dim=1) / 0.001
    speed = played["endpoint_velocity"]
    assert (difference - speed[:, :-1]).abs().max() < 0.02 * speed.abs().max()


def test_all_test_trials_are_played_by_default():
    "Without trials, the test set; a seed or streams say which."
    env = Environment(arm(), CenterOutReach(), duration=0.15)
    net = network(env)
    assert play(net, env).trials.labels["condition"] == ["reach"] * 8
    env = point_mass_world()
    a, b = play(network(env), env, seed=3), play(network(env), env, seed=Streams(3))
    assert len(a.trials) == 64
    assert_equal(a.trials.goal, b.trials.goal)


def test_hidden_noise():
    "Drawn beforehand from a stream of its own, added to the previous hidden state, switched off by deterministic."
    env = point_mass_world(vision_noise=0.05)
    net = network(env, hidden_noise=0.2)
    quiet = net.replace(hidden_noise=0.0)
    quiet.load_state_dict(net.state_dict())
    trials = env.sample(50, 0)
    noisy, again = play(net, env, trials, 7), play(net, env, trials, 7)
    assert_equal(noisy["hidden"], again["hidden"])
    drawn = torch.randn(50, 10, 12, generator=Streams(7)["hidden noise"], dtype=torch.float64)
    before = torch.cat((torch.zeros(50, 1, 12), noisy["hidden"][:, :-1]), 1) + (0.2 * drawn).float()
    for k in range(10):
        torch.testing.assert_close(quiet(noisy["observation"][:, k], before[:, k])[1], noisy["hidden"][:, k])
    silent, plain = play(net, env, trials, 7, deterministic=True), play(quiet, env, trials, 7, deterministic=True)
    for name in plain:
        assert_equal(silent[name], plain[name], name)
    # the other noises stay the same
    assert_equal(noisy.episode.inputs.observation_noise, play(quiet, env, trials, 7).episode.inputs.observation_noise)


@pytest.mark.parametrize(
    "body",
    [
        mn.ReluPointMass24(),
        mn.FreePointMass24(),
        mn.Reacher(),
        mn.RigidTendonArm26(mn.MujocoHillMuscle()),
        mn.RigidTendonArm26(mn.RigidTendonHillMuscle(), n_ministeps=2, damping=0.3),
        mn.CompliantTendonArm26(),
        mn.geometric_arm26(),
        arm(integration_method="rk4"),
    ],
    ids=lambda b: f"{b.name}, {type(b.muscle).__name__}, {b.integration_method}",
)
def test_every_body_can_be_controlled(body):
    "Finite states, and finite gradients that are not zero, in a closed loop."
    env = Environment(body, RandomTargetReach(), duration=20 * body.timestep, vision_delay=5 * body.timestep)
    net = network(env)
    played = play(net, env, env.sample(4, 5))
    for name, value in played.items():
        assert torch.isfinite(value).all(), name
    (played["endpoint_position"].sum() + 1e-4 * played["muscle_force"].sum()).backward()
    for name, p in net.named_parameters():
        assert torch.isfinite(p.grad).all() and p.grad.any(), name


def test_the_body_sees_actions_as_they_are_recorded():
    "Playing the recorded noisy actions open loop gives the recorded motion."
    env = Environment(arm(), RandomTargetReach(), duration=0.2, action_noise=0.1)
    trials = env.sample(3, 1)
    played = play(network(env), env, trials, 1)
    plain = Environment(arm(), RandomTargetReach(), duration=0.2)
    _, infos = step_through(plain, played["noisy_action"].movedim(1, 0), options={"trials": trials})
    assert_equal(torch.stack([i["states"]["fingertip"] for i in infos[1:]], 1), played["endpoint_position"])


def test_double_precision():
    "A float64 body and network give float64 everywhere; trials in single precision are converted."
    env = Environment(arm().double(), DelayedReach(loads=LOADS), duration=0.05, **NOISE)
    trials = env.sample(3, 0, "train")
    played = play(network(env), env, trials.to(torch.float32))
    assert {v.dtype for v in played.values()} == {torch.float64}


def test_what_does_not_fit_is_refused():
    "Trials of another task, things that are no trials."
    env = point_mass_world()
    with pytest.raises(ValueError, match="trials"):
        play(network(env), env, point_mass_world(DelayedReach()).sample(3))
    with pytest.raises(TypeError, match=r"trials = 3 .*sample"):
        play(network(env), env, 3)
    with pytest.raises(ValueError, match="seed"):
        play(network(env), env, seed=-1)


def test_imposed_goals_and_postures_are_used():
    "Changed data changes the episode: goals appear in the observation and in the target."
    env = point_mass_world()
    trials = with_goals(env.sample(4, 0), torch.full((4, 2), 0.25))
    posture = torch.full((4, 4), 0.1)
    played = play(network(env), env, dataclasses.replace(trials, joint_state=posture))
    assert (played["observation"][..., :2] == 0.25).all() and (played["target_position"] == 0.25).all()
    np.testing.assert_allclose(played["observation"][:, 0, 2:4].detach(), 0.1, atol=1e-7)
    assert drives(env, 4).shape == (10, 4, 4)


def in_child(function, q):
    "What a forked process does."
    q.put(function())


def forked(function):
    "What a function returns in a forked process, which must not hang."
    context = multiprocessing.get_context("fork")
    q = context.Queue()
    child = context.Process(target=in_child, args=(function, q))
    child.start()
    try:
        return q.get(timeout=60)
    finally:
        child.kill()
        child.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("engine", ["fused", "eager"])
def test_a_forked_process_has_threads_of_its_own(engine):
    "It plays and learns as its parent did, with as many threads; so does its parent afterwards."
    env = point_mass_world(duration=0.05)
    before = torch.get_num_threads()

    def work():
        torch.set_num_threads(2)
        net = network(env, n_units=32)
        played = play(net, env, env.sample(2048, 1), engine=engine)["endpoint_position"].sum().item()
        log = mn.train(net, env, n_batches=2, batch_size=1024, engine=engine, progress=False)
        return played, log["loss"].tolist(), torch.get_num_threads()

    try:
        mine = work()
        assert mine[2] == 2
        assert forked(work) == mine
        assert forked(work) == mine
        assert work() == mine
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_of_a_data_loader():
    "Each plays trials with the built program."
    env = point_mass_world(duration=0.05)
    net = network(env)
    want = play(net, env, env.sample(600, 1), engine="fused")["endpoint_position"].detach()

    class Plays(torch.utils.data.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return play(net, env, env.sample(600, 1), engine="fused")["endpoint_position"].detach()

    for batch in torch.utils.data.DataLoader(Plays(), batch_size=2, num_workers=2, timeout=60):
        for one in batch:
            torch.testing.assert_close(one, want)


class Own(nn.Module):
    "A network of one's own; what it returns can be spoilt."

    def __init__(self, env, spoil=lambda action, hidden: (action, hidden), n_inputs=None, init=None, **attributes):
        super().__init__()
        torch.manual_seed(0)
        n_inputs = env.n_observations if n_inputs is None else n_inputs
        self.cell, self.readout = nn.GRUCell(n_inputs, 5), nn.Linear(5, env.n_actions)
        self.spoil, self.init = spoil, init
        for name, value in attributes.items():
            setattr(self, name, value)

    def init_hidden(self, batch_size):
        return torch.zeros(batch_size, 5) if self.init is None else self.init(batch_size)

    def forward(self, observation, hidden):
        hidden = self.cell(observation, hidden)
        return self.spoil(torch.sigmoid(self.readout(hidden)), hidden)


#: what comes back instead of (action, hidden), and words of the error
SPOILT = {
    "three things": (lambda a, h: (a, h, h), r"3 things: tensor \(3, 4\)"),
    "an action only": (lambda a, h: a, r"tensor \(3, 4\) float32"),
    "nothing": (lambda a, h: None, "None"),
    "a dict": (lambda a, h: {"action": a}, "action"),
    "another size": (lambda a, h: (a[:, :3], h), r"tensor \(3, 3\)"),
    "another batch": (lambda a, h: (a[:1], h), r"tensor \(1, 4\)"),
    "another precision": (lambda a, h: (a.double(), h), "float64"),
    "whole numbers": (lambda a, h: (a.long(), h), "int64"),
    "an array": (lambda a, h: (a.detach().numpy(), h), "array of shape"),
    "another hidden state": (lambda a, h: (a, (h, h)), "2 things"),
    "no hidden state": (lambda a, h: (a, None), "None"),
    "the wrong way round": (lambda a, h: (h, a), r"tensor \(3, 5\)"),
}


@pytest.mark.parametrize("engine", ["eager", "fused"])
@pytest.mark.parametrize("name", SPOILT)
def test_what_a_policy_must_not_return(name, engine):
    "The error names its class, what came, and what is needed."
    spoil, words = SPOILT[name]
    env = point_mass_world()
    with pytest.raises((TypeError, ValueError), match=rf"^Own: .*returned = .*{words}.* must be \(action, hidden\)"):
        play(Own(env, spoil), env, env.sample(3), engine=engine)


@pytest.mark.parametrize("engine", ["eager", "fused"])
def test_a_network_for_other_observations(engine):
    "Its first layer is too small, its hidden state is of another size, or its forward takes something else."
    env = point_mass_world()
    with pytest.raises(ValueError, match=r"Own: observation = 'tensor \(3, 12\) float32' .*first layer takes 9"):
        play(Own(env, n_inputs=9), env, env.sample(3), engine=engine)
    with pytest.raises(ValueError, match=r"Own: observation = .*forward.observation, hidden"):
        play(Own(env, init=lambda n: torch.zeros(n, 7)), env, env.sample(3), engine=engine)
    with pytest.raises(ValueError, match=r"Own: hidden = 'tensor \(3, 10\) float32'"):
        play(Own(env, lambda a, h: (a, torch.cat((h, h), 1))), env, env.sample(3), engine=engine)


def test_an_error_of_the_networks_own_stays_as_it_is():
    "It is not about what it was given."

    def fail(action, hidden):
        raise KeyError("mine")

    env = point_mass_world()
    with pytest.raises(KeyError, match="mine"):
        play(Own(env, fail), env, env.sample(3))


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), 1, [0.1, 0.2], torch.tensor(0.5), "some", None])
def test_an_attribute_that_happens_to_be_called_hidden_noise(value):
    "A network whose forward takes no noise is played as it is."
    env = point_mass_world()
    want = play(Own(env), env)["action"]
    assert_equal(play(Own(env, hidden_noise=value), env)["action"], want)


def test_noise_for_a_network_of_ones_own():
    "One that takes it gets it, from the stream of that name; a third argument of another name is left alone."
    env = point_mass_world()

    class Noisy(Own):
        def forward(self, observation, hidden, noise=None):
            return super().forward(observation, hidden if noise is None else hidden + noise)

    class Masked(Own):
        def forward(self, observation, hidden, mask=None):
            assert mask is None
            return super().forward(observation, hidden)

    quiet, noisy = play(Own(env), env), play(Noisy(env, hidden_noise=0.3), env)
    noise = 0.3 * torch.randn(64, env.n_steps, 5, generator=Streams(0)["hidden noise"], dtype=torch.float64).float()
    hidden = Own(env).cell(noisy["observation"][:, 0], noise[:, 0])
    torch.testing.assert_close(noisy["hidden"][:, 0], hidden)
    assert float((noisy["action"] - quiet["action"]).abs().max().detach()) > 1e-3
    assert_equal(play(Masked(env, hidden_noise=0.3), env)["action"], quiet["action"])
    with pytest.raises(ValueError, match=r"hidden_noise = 0.3 .*one tensor .batch, unit. but 2 things"):
        play(Noisy(env, hidden_noise=0.3, init=lambda n: (torch.zeros(n, 5),) * 2), env)


def test_a_subclass_that_takes_no_noise():
    "Which it has none of, or else is refused: the noise would be drawn apart from the seed."

    class Plain(PolicyGRU):
        def forward(self, observation, hidden):
            return super().forward(observation, hidden)

    env = point_mass_world()
    assert play(Plain(env.n_observations, 3, env.n_actions), env)["action"].shape == (64, 10, 4)
    with pytest.raises(ValueError, match=r"Plain: hidden_noise = 0.1 .*third argument `noise`"):
        play(Plain(env.n_observations, 3, env.n_actions, hidden_noise=0.1), env)


def test_seeds_and_trials_in_other_containers():
    "Arrays and ranges of seeds; too few, too many, unequal batches and other things are refused."
    env = point_mass_world()
    nets = mn.Replicates([network(env, seed=0), network(env, seed=1)])
    want = play(nets, env, seed=[3, 4])["action"]
    for seeds in (np.array([3, 4]), range(3, 5), torch.tensor([3, 4]), (np.int64(3), Streams(4))):
        assert_equal(play(nets, env, seed=seeds)["action"], want)
    for wrong in ([3], [3, 4, 5], []):
        with pytest.raises(ValueError, match=r"seeds.*one for each of 2 networks"):
            play(nets, env, seed=wrong)
    with pytest.raises(ValueError, match=r"batches of \[2, 3\].*same size"):
        play(nets, env, [env.sample(2), env.sample(3)])
    with pytest.raises(TypeError, match=r"trials = 5 .*from sample"):
        play(nets, env, [env.sample(2), 5])
    with pytest.raises(ValueError, match="0 batches"):
        play(network(env), env, [])
    with pytest.raises(ValueError, match=r"3 seeds.*share 4 trials equally"):
        env.begin(env.sample(4), [1, 2, 3])
