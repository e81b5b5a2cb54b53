"""The pure world: times, observations, noise, one step."""

import math

import numpy as np
import pytest
import torch
from worlds import arm, assert_equal, drives, point_mass_world, step_through

import motornet_nb as mn
from motornet_nb import (
    CurlField,
    DelayedReach,
    Environment,
    ForcePulse,
    PolicyGRU,
    RandomTargetReach,
    ReluPointMass24,
    Streams,
    from_config,
    simulate,
)
from motornet_nb.core.parameters import number, quantity

BODY = ReluPointMass24()


ARM = arm()


@pytest.mark.parametrize("sense", ["vision", "proprioception"])
@pytest.mark.parametrize("seconds", [0.015, 0.0101, 0.0999, 1e-3, 0.005])
def test_other_delays_are_refused(sense, seconds):
    "The message names the argument and the nearest delays that are possible."
    with pytest.raises(ValueError, match=rf"{sense}_delay = {seconds} .*multiple of .* 0.01 s, such as"):
        Environment(BODY, RandomTargetReach(), **{f"{sense}_delay": seconds})


def test_every_duration_has_its_number_of_steps():
    "0.05 to 3.00 s by 0.01 s: exactly that many steps, of trials and of episodes."
    for hundredths in range(5, 301):
        env = Environment(BODY, RandomTargetReach(), duration=hundredths * 0.01)
        assert env.n_steps == hundredths
        assert env.sample(1).n_steps == hundredths


def test_durations_that_are_no_multiple_are_refused():
    "Or shorter than a step, or not positive."
    for wrong in (0.055, 0.001, 0, -1, float("inf"), float("nan"), "long", None):
        with pytest.raises(ValueError, match="duration"):
            Environment(BODY, RandomTargetReach(), duration=wrong)


def test_observation_labels_say_what_is_where():
    "One label an element: task inputs, vision, lengths, velocities, past actions."
    env = Environment(ARM, DelayedReach(), action_stacking=2)
    muscles = list(ARM.muscle_names)
    assert env.observation_labels == [
        *("start x", "start y", "target x", "target y", "go cue", "vision x", "vision y"),
        *(f"length {m}" for m in muscles),
        *(f"velocity {m}" for m in muscles),
        *(f"action {m} -2" for m in muscles),
        *(f"action {m} -1" for m in muscles),
    ]
    assert env.n_observations == len(env.observation_labels) == 31 and env.n_actions == 6
    assert Environment(ARM, DelayedReach()).n_observations == 19
    assert Environment(ARM, RandomTargetReach()).n_observations == 16
    assert env.reset()[0].shape == (1, 31)


def noise_of(seed=0, n=400, **deviations):
    "Noisy minus noiseless observations of the same trials and actions: (time + 1, batch, observation)."
    actions = drives(point_mass_world(), n)
    noisy, quiet = (
        step_through(point_mass_world(**deviations), actions, seed=seed, options={"batch_size": n, "deterministic": d})[
            0
        ]
        for d in (False, True)
    )
    return noisy - quiet


PLACES = {"goal": slice(0, 2), "vision": slice(2, 4), "proprioception": slice(4, 12)}


@pytest.mark.parametrize(
    ("deviations", "expected"),
    [
        ({"vision_noise": 0.1}, {"goal": 0, "vision": 0.1, "proprioception": 0}),
        ({"proprioception_noise": 0.05}, {"goal": 0, "vision": 0, "proprioception": 0.05}),
        ({"observation_noise": 0.2}, {"goal": 0, "vision": 0.2, "proprioception": 0.2}),
        ({"observation_noise": 0.3, "vision_noise": 0.4}, {"goal": 0, "vision": 0.5, "proprioception": 0.3}),
        ({"vision_noise": 1}, {"goal": 0, "vision": 1, "proprioception": 0}),
        ({"vision_noise": [0.1, 0]}, {"goal": 0, "vision": [0.1, 0], "proprioception": 0}),
        (
            {"observation_noise": np.arange(12) / 10},
            {"goal": [0, 0.1], "vision": [0.2, 0.3], "proprioception": np.arange(4, 12) / 10},
        ),
    ],
    ids=["vision", "proprioception", "observation", "both", "integer", "list", "array"],
)
def test_noise_on_the_senses_has_the_given_deviation(deviations, expected):
    "Zero mean, the given standard deviation element by element; a single number never touches the goal."
    noise = noise_of(**deviations)
    for what, place in PLACES.items():
        part, deviation = noise[..., place], torch.as_tensor(expected[what], dtype=torch.float32)
        n = part[..., 0].numel()
        assert (part.mean((0, 1)).abs() <= 5 * deviation / math.sqrt(n) + 1e-7).all(), what
        assert ((part.std((0, 1)) - deviation).abs() <= 5 * deviation / math.sqrt(2 * n) + 1e-7).all(), what
        assert (part[..., (deviation == 0).expand(part.shape[-1])] == 0).all()


def test_noise_is_independent_over_time_trials_and_elements():
    "Also at the reset and while the senses still show their first sample."
    noise = noise_of(vision_noise=0.1)[..., 2:4]
    table = noise.permute(0, 2, 1).reshape(22, 400)  # time x element, over trials
    correlation = torch.corrcoef(table) - torch.eye(22)
    assert correlation.abs().max() < 5 / math.sqrt(400)
    kinds = ("vision_noise", "proprioception_noise", "observation_noise")
    first = [noise_of(n=1, **{kind: 1.0})[0, 0] for kind in kinds]
    assert len({float(noise[noise != 0][0]) for noise in first}) == 3  # each kind has its own stream
    late = step_through(point_mass_world(vision_delay=0.05, vision_noise=0.1), drives(point_mass_world(), 1), seed=0)[0]
    assert len(late[:5, 0, 2].unique()) == 5


NOISY = {"action_noise": 0.1, "observation_noise": 0.1, "vision_noise": 0.1, "proprioception_noise": 0.1}


def test_noise_changes_nothing_else():
    "Switching any noise on or off leaves starts, goals, loads and the other noises as they were."
    task = DelayedReach(loads=[ForcePulse([1.0, 5.0])])
    base = point_mass_world(task).begin(point_mass_world(task).sample(5, 3, "train"), 3)
    alone = {name: point_mass_world(task, **{name: 0.1}) for name in NOISY}
    together = point_mass_world(task, **NOISY)
    for env in (*alone.values(), together):
        episode = env.begin(env.sample(5, 3, "train"), 3)
        for name in ("joint_state", "goal", "go_cue"):
            assert_equal(getattr(episode.trials, name), getattr(base.trials, name))
        assert_equal(episode.inputs.endpoint_load, base.inputs.endpoint_load)
    everything = together.begin(base.trials, 3).inputs
    single = {name: env.begin(base.trials, 3).inputs for name, env in alone.items()}
    assert_equal(everything.action_noise, single["action_noise"].action_noise)
    parts = [single[n].observation_noise for n in ("observation_noise", "vision_noise", "proprioception_noise")]
    torch.testing.assert_close(everything.observation_noise, sum(parts))


def test_no_noise_is_drawn_at_zero_deviation():
    "An environment without noise has no noise among its inputs."
    env = point_mass_world(vision_noise=0, action_noise=[0.0] * 4)
    assert set(dict(env.begin(env.sample(2)).inputs.items())) == {"task"}


def test_trials_of_another_world_are_refused():
    "Another number of steps, timestep, task, or number of loads."
    env = Environment(ARM, DelayedReach(), duration=0.2)
    others = [
        Environment(ARM, DelayedReach(), duration=0.3),
        Environment(arm(timestep=0.02), DelayedReach(), duration=0.4),
        Environment(ARM, RandomTargetReach(), duration=0.2),
        Environment(ARM, DelayedReach(loads=[CurlField(1.0)]), duration=0.2),
    ]
    for other in others:
        with pytest.raises(ValueError, match="trials"):
            env.begin(other.sample(2))


WRONG = [
    ({"vision_noise": [0.1, 0.1, 0.1]}, "vision_noise .* 2 elements"),
    ({"proprioception_noise": [0.1] * 7}, "proprioception_noise .* 8 elements"),
    ({"observation_noise": [0.1] * 3}, "observation_noise .* 12 elements"),
    ({"action_noise": [0.1] * 5}, "action_noise .* 4 elements"),
    ({"action_noise": -0.1}, "action_noise"),
    ({"vision_noise": float("nan")}, "vision_noise"),
    ({"vision_noise": [[0.1, 0.1]]}, "vision_noise"),
    ({"action_stacking": -1}, "action_stacking"),
    ({"action_stacking": 1.5}, "action_stacking"),
    ({"sensors": ["smell"]}, "sensors"),
    ({"sensors": ["vision", "vision"]}, "sensors"),
    ({"silenced": "smell"}, "silenced"),
    ({"vision_delay": -0.01}, "vision_delay"),
    ({"vision_delay": "late"}, "vision_delay"),
    ({"effector": 3}, "effector"),
    ({"task": "reach"}, "task"),
]


@pytest.mark.parametrize(("arguments", "match"), WRONG)
def test_wrong_arguments_are_refused(arguments, match):
    "The message names the argument, the value and what is allowed."
    with pytest.raises(ValueError, match=rf"Environment: {match}"):
        Environment(**{"effector": BODY, "task": RandomTargetReach()} | arguments)
    with pytest.raises(ValueError, match="muscles"):
        Environment(mn.Effector(mn.PointMass(), mn.ReluMuscle()), RandomTargetReach())


def test_moving_reaches_everything():
    "Moved to another device, every tensor of the environment, body, muscles, task and loads is there, and trials follow."
    env = Environment(arm(), DelayedReach(loads=[CurlField(1.0)]), duration=0.1, vision_noise=0.1)
    trials = env.sample(2)
    env.to("meta")
    assert env.effector.device.type == "meta"
    tensors = {**dict(env.named_buffers()), **dict(env.named_parameters())}
    assert {"effector.skeleton.m1", "effector.muscle.gamma", "task.loads.0.strength", "vision_noise"} <= set(tensors)
    assert all(t.device.type == "meta" for t in tensors.values())
    moved = trials.to(env.effector.device, env.effector.dtype)
    assert (
        moved.goal.device.type == moved.loads[0]["strength"].device.type == moved.loads[0]["mask"].device.type == "meta"
    )


def test_the_pure_step_changes_nothing():
    "advance() leaves its arguments alone and gives the same for the same."
    env = Environment(ARM, RandomTargetReach(loads=[CurlField(3.0), ForcePulse(2.0)]), duration=0.2, action_noise=0.1)
    episode = env.begin(env.sample(3), 0)
    now = episode.inputs.at(2)
    kept = {k: v.clone() for k, v in now.items()}
    before = episode.state.body.position.clone()
    results = [env.advance(episode.constants, episode.state, torch.full((3, 6), 0.4), now)[1] for _ in range(2)]
    assert set(dict(now.items())) == set(kept) and all(torch.equal(now[k], kept[k]) for k in kept)
    assert_equal(episode.state.body.position, before)
    for name, value in results[0].items():
        assert_equal(value, results[1][name], name)


def test_sampling_by_seed_or_streams():
    "sample(seed) and sample(Streams(seed)) agree; a batch number gives other trials."
    env = point_mass_world()
    assert_equal(env.sample(4, 3).goal, env.sample(4, Streams(3)).goal)
    assert not torch.equal(env.sample(4, 3).goal, env.sample(4, Streams(3, 1)).goal)


class _WithTendons(Environment):
    "An arm that feels the force of its tendons, 30 ms late."

    own_senses = {"tendon_force": "muscle"}
    recorded = {"tendon_force": ("muscle", "1", "tendon force")}
    tendon_force_delay = number(0.03, "s", "delay", at_least=0)
    tendon_force_noise = quantity(0.0, "1", "noise", at_least=0, ndim=None)

    def sense(self, name, state, c):
        return state.muscle["force"] / c.muscle["max_isometric_force"]


def test_a_sense_of_ones_own_is_late_noisy_and_recorded():
    env = _WithTendons(ARM, RandomTargetReach(), duration=0.2)
    usual = Environment(ARM, RandomTargetReach(), duration=0.2)
    assert env.n_observations == usual.n_observations + 6
    assert env.observation_labels[-6:] == [f"tendon force {m}" for m in ARM.muscle_names]
    net = PolicyGRU(env.n_observations, 8, env.n_actions)
    ds = {engine: simulate(net, env, n=4, engine=engine) for engine in ("eager", "fused")}
    assert abs(ds["eager"].endpoint_position - ds["fused"].endpoint_position).max() < 1e-6
    felt, force = ds["eager"].observation.values[..., -6:], ds["eager"].tendon_force.values
    # the observation of a step is made before it: 3 steps late
    assert np.array_equal(felt[:, 3:], force[:, :-3]) and (felt[:, :3] == felt[:, :1]).all()
    played, rest = ds["eager"], force[:, 0]
    assert np.allclose(rest, (played.muscle_force / played.max_isometric_force).values[:, 0])
    noisy = simulate(net, env.replace(tendon_force_noise=0.1), n=64)
    assert abs(noisy.observation.values[..., -6:].std() - 0.1) < 0.01
    assert from_config(env.to_config()) == env
    assert "tendon force biceps" in env._repr_html_()


@pytest.mark.parametrize(
    "senses, words",
    [({"vision": "space"}, "own_senses"), ({"muscle_force": "muscle"}, "own_senses"), ({"touch": "skin"}, "'space'")],
)
def test_a_sense_that_cannot_be_is_refused(senses, words):
    kind = type("Env", (Environment,), {"own_senses": senses})
    with pytest.raises(ValueError, match=words):
        kind(ARM, RandomTargetReach(), duration=0.2)


def test_a_sense_that_nobody_says_is_refused():
    kind = type("Numb", (Environment,), {"own_senses": {"touch": ["finger"]}})
    env = kind(ARM, RandomTargetReach(), duration=0.2)
    with pytest.raises(NotImplementedError, match="touch"):
        env.begin(env.sample(2))
