"""The environment: delays, episode lengths, observations, noise, seeds, the manners of reset and step."""

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from worlds import arm, assert_equal, drives, network, point_mass_world, step_through

import motornet_nb as mn
from motornet_nb import (
    CenterOutReach,
    CurlField,
    DelayedReach,
    Environment,
    ForcePulse,
    PosturalHold,
    RandomTargetReach,
    ReluPointMass24,
    from_config,
)

BODY = ReluPointMass24()
ARM = arm()


def senses(env, infos):
    "Vision and proprioception as they are after each step: (time + 1, batch, ...)."
    c = env.effector.coefficients()
    states = [i["states"] for i in infos]
    length, velocity = (torch.stack([s["muscle"][:, k] for s in states]) for k in (1, 2))
    scaled = torch.cat((length / c.muscle["length_scale"], velocity / c.muscle["velocity_scale"]), -1)
    return torch.stack([s["fingertip"] for s in states]), scaled


@pytest.mark.parametrize("sense", ["vision", "proprioception"])
def test_every_multiple_of_the_timestep_is_a_delay(sense):
    "All 100 multiples of 10 ms up to 1 s."
    for k in range(1, 101):
        for seconds in (k * 0.01, k / 100, round(k * 0.01, 2)):
            env = Environment(BODY, RandomTargetReach(), **{f"{sense}_delay": seconds})
            assert env.delay_steps[sense] == k


def test_no_delay_is_one_step():
    "Unspecified and 0 both mean one step, which adds no delay."
    for delay in (None, 0, 0.0, 0.01):
        assert Environment(BODY, RandomTargetReach(), vision_delay=delay).delay_steps["vision"] == 1
    quick = arm(timestep=0.0002)
    env = Environment(quick, RandomTargetReach(), duration=0.01, vision_delay=0.005)
    assert env.delay_steps == {"vision": 25, "proprioception": 1} and env.n_steps == 50


@pytest.mark.parametrize(("vision", "proprioception"), [(1, 1), (5, 2), (2, 5), (3, 9), (12, 1), (1, 30)])
def test_what_a_delay_means_step_by_step(vision, proprioception):
    "Observation k holds vision of step max(0, k - dv + 1) and proprioception of step max(0, k - dp + 1)."
    env = Environment(
        ARM, RandomTargetReach(), duration=0.15, vision_delay=vision / 100, proprioception_delay=proprioception / 100
    )
    observations, infos = step_through(env, drives(env, 3), seed=1, options={"batch_size": 3})
    seen, felt = senses(env, infos)
    for k in range(16):
        assert_equal(observations[k, :, 2:4], seen[max(0, k - vision + 1)], f"vision at {k}")
        assert_equal(observations[k, :, 4:], felt[max(0, k - proprioception + 1)], f"proprioception at {k}")


@pytest.mark.parametrize("vision", [1, 2, 5, 30])
def test_what_the_task_shows_arrives_one_visual_delay_later(vision):
    "The inputs of observation k are those of time point max(0, k - dv): a cue at g is seen at g + dv."
    env = Environment(BODY, DelayedReach(catch_fraction=0.0), duration=0.2, vision_delay=vision / 100)
    trials = env.sample(6, 2, "train")
    observations, _ = step_through(env, drives(env, 6), options={"trials": trials})
    for k in range(21):
        assert_equal(observations[k, :, :5], trials.inputs[:, max(0, k - vision)])
    cue, go = observations[:, :, 4], (trials.labels["go_time"] / 0.01).round().long()
    for i in range(6):
        first = min(int(go[i]) + vision, 21) if go[i] > 0 else 0
        assert cue[:, i].tolist() == [1.0] * first + [0.0] * (21 - first)


@pytest.mark.parametrize("hundredths", [5, 10, 11, 12, 13, 14, 29, 57, 58, 114])
def test_episodes_end_exactly(hundredths):
    "Terminated with the last step and not before; a further step is refused."
    env = Environment(BODY, RandomTargetReach(), duration=hundredths / 100)
    env.reset(seed=0)
    ends = []
    with torch.no_grad():
        for _ in range(hundredths):
            _, reward, terminated, truncated, _ = env.step(torch.zeros(1, 4))
            assert reward is None and truncated is False
            ends.append(terminated)
    assert ends == [False] * (hundredths - 1) + [True]
    with pytest.raises(RuntimeError, match=f"over after {hundredths} steps"):
        env.step(torch.zeros(1, 4))


@pytest.mark.parametrize("n", [1, 3])
def test_past_actions_are_stacked_oldest_first(n):
    "The noisy actions, unclipped; zeros before there are any."
    env = point_mass_world(action_stacking=n, action_noise=0.2)
    actions = drives(env, 2) * 3 - 1
    observations, infos = step_through(env, actions, seed=3, options={"batch_size": 2})
    noisy = torch.stack([i["noisy action"] for i in infos[1:]])
    assert noisy.min() < -0.5 and noisy.max() > 1.5
    for k in range(11):
        past = [noisy[k - d] if k >= d else torch.zeros(2, 4) for d in range(n, 0, -1)]
        assert_equal(observations[k, :, -4 * n :], torch.cat(past, -1))


def test_senses_can_be_left_out_or_silenced():
    "Left out, the observation is shorter; silenced, the place is there and says 0, without noise."
    noise = {"observation_noise": 0.1, "vision_noise": 0.1, "proprioception_noise": 0.1}
    full = step_through(point_mass_world(), drives(point_mass_world(), 2), seed=0, options={"batch_size": 2})[0]
    places = {"vision": slice(2, 4), "proprioception": slice(4, 12)}
    for sense, other in (("vision", "proprioception"), ("proprioception", "vision")):
        env = point_mass_world(sensors=[other])
        got = step_through(env, drives(env, 2), seed=0, options={"batch_size": 2})[0]
        assert_equal(got, torch.cat((full[..., :2], full[..., places[other]]), -1))
        assert len(env.observation_labels) == env.n_observations == got.shape[-1]
        env = point_mass_world(silenced=sense)
        got = step_through(env, drives(env, 2), seed=0, options={"batch_size": 2})[0]
        assert not got[..., places[sense]].any() and got.shape == full.shape
        assert_equal(got[..., places[other]], full[..., places[other]])
        env = point_mass_world(silenced=[sense], **noise)
        got = step_through(env, drives(env, 2), seed=0, options={"batch_size": 2})[0]
        assert not got[..., places[sense]].any() and (got[..., places[other]] != full[..., places[other]]).all()
    blind = point_mass_world(sensors=[], action_stacking=1)
    assert blind.n_observations == 2 + 4
    both = point_mass_world(sensors=["proprioception", "vision"])
    assert both.sensors == ("vision", "proprioception")


def test_action_noise():
    "Added to the action before the muscles clip it, with the given deviation; a list gives each muscle its own."
    n = 500
    env = point_mass_world(action_noise=[0.1, 0, 1, 0.3])
    actions = drives(env, n)
    _, infos = step_through(env, actions, seed=1, options={"batch_size": n})
    noise = torch.stack([i["noisy action"] - i["action"] for i in infos[1:]])
    assert_equal(torch.stack([i["action"] for i in infos[1:]]), actions)
    want = torch.tensor([0.1, 0, 1, 0.3])
    assert ((noise.std((0, 1)) - want).abs() <= 0.05 * want).all() and not noise[..., 1].any()
    # the noisy action is what drives the body
    quiet = point_mass_world()
    quiet.reset(seed=1, options={"batch_size": n})
    for info in infos[1:]:
        *_, got = quiet.step(info["noisy action"])
        assert_equal(got["states"]["joint"], info["states"]["joint"])


NOISY = {"action_noise": 0.1, "observation_noise": 0.1, "vision_noise": 0.1, "proprioception_noise": 0.1}


def test_deterministic_switches_all_noise_off():
    "At the reset for the whole episode, or step by step."
    n, options = 3, {"batch_size": 3, "deterministic": True}
    quiet, noisy = point_mass_world(), point_mass_world(**NOISY)
    actions = drives(quiet, n)
    want = step_through(quiet, actions, seed=1, options={"batch_size": n})
    got = step_through(noisy, actions, seed=1, options=options)
    assert_equal(got[0], want[0])
    for a, b in zip(got[1], want[1], strict=True):
        assert_equal(a["states"]["joint"], b["states"]["joint"])
    noisy.reset(seed=1, options={"batch_size": n})
    for k, action in enumerate(actions):
        observation, _, _, _, info = noisy.step(action, deterministic=True)
        assert_equal(observation, want[0][k + 1])
        assert_equal(info["noisy action"], action)
    noisy.reset(seed=1, options={"batch_size": n})
    assert (noisy.step(actions[0])[0][:, 2:] != want[0][1][:, 2:]).all()


def test_seeds_reproduce_bit_for_bit():
    "A seed fixes the whole sequence of episodes with all their noise, however long each was played."
    env, other = (point_mass_world(DelayedReach(), **NOISY) for _ in range(2))
    actions, options = drives(env, 3), {"batch_size": 3}
    first = [step_through(env, actions, seed=5, options=options)[0], step_through(env, actions, options=options)[0]]
    other.reset(seed=5, options=options)
    other.step(actions[0])  # leave the first episode early
    assert_equal(step_through(other, actions, options=options)[0], first[1])
    assert_equal(step_through(other, actions, seed=5, options=options)[0], first[0])
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(step_through(other, actions, seed=6, options=options)[0], first[0])
    fresh = [point_mass_world().reset()[0] for _ in range(2)]
    assert not torch.equal(*fresh)


def test_torchs_own_random_state_plays_no_part():
    "Neither read nor changed."
    env = point_mass_world(**NOISY)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = step_through(env, drives(env, 2), seed=5, options={"batch_size": 2})[0]
    assert_equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert_equal(step_through(env, drives(env, 2), seed=5, options={"batch_size": 2})[0], first)


def test_reset_options():
    "Batch size, start posture (NumPy and torch, with or without velocities), split and ready-made trials."
    env = Environment(ARM, CenterOutReach(), duration=0.2)
    assert env.reset(options={"batch_size": 7})[0].shape == (7, 19)
    for given in ([0.8, 1.2], np.array([[0.8, 1.2]]), torch.tensor([0.8, 1.2, 0.0, 0.0])):
        _, info = env.reset(options={"joint_state": given, "batch_size": 2})
        torch.testing.assert_close(info["states"]["joint"], torch.tensor([[0.8, 1.2, 0.0, 0.0]]).expand(2, 4))
        assert env.reset(options={"joint_state": given})[0].shape[0] == 1
    postures = np.random.default_rng(0).uniform(0.7, 1.0, (5, 4))
    postures[:, 1] += 0.7
    _, info = env.reset(options={"joint_state": postures})
    torch.testing.assert_close(info["states"]["joint"], torch.tensor(postures, dtype=torch.float32))
    _, info = env.reset(options={"batch_size": 8, "split": "test"})
    torch.testing.assert_close(info["goal"], env.sample().goal)
    trials = env.sample(3, 9, "train")
    _, info = env.reset(options={"trials": trials})
    assert_equal(info["goal"], trials.goal)


def test_info_is_a_snapshot_attached_to_the_graph():
    "States, action, noisy action and goal; later steps do not change it, gradients flow through it."
    env = Environment(ARM, RandomTargetReach(), duration=0.1)
    _, info = env.reset(seed=0, options={"batch_size": 2})
    kept = {k: v.clone() for k, v in info["states"].items()}
    shapes = {k: tuple(v.shape) for k, v in kept.items()}
    assert shapes == {
        "joint": (2, 4),
        "cartesian": (2, 4),
        "muscle": (2, 7, 6),
        "geometry": (2, 4, 6),
        "fingertip": (2, 2),
    }
    assert info["action"] is None and info["noisy action"] is None
    action = torch.full((2, 6), 0.5, requires_grad=True)
    for _ in range(4):
        observation, _, _, _, later = env.step(action)
    for name, value in kept.items():
        assert_equal(info["states"][name], value)
    assert set(later) == {"states", "action", "noisy action", "goal"}
    later["states"]["fingertip"].sum().backward()
    assert (action.grad.abs() > 0).any() and observation.requires_grad


def test_loads_of_a_step():
    "Forces and torques handed to step() act during that step, for all trials or each its own."
    env = point_mass_world()
    states = []
    for load in (None, [1.0, 0.0], torch.tensor([[1.0, 0.0], [0.0, -2.0]])):
        env.reset(seed=0, options={"joint_state": np.zeros((2, 2))})
        *_, info = env.step(torch.zeros(2, 4), endpoint_load=load)
        states.append(info["states"]["joint"])
    assert not states[0].any()  # the forces of the four muscles balance in the middle
    torch.testing.assert_close(states[1], torch.tensor([[0.0, 0, 0.01, 0]]).expand(2, 4))
    torch.testing.assert_close(states[2], torch.tensor([[0.0, 0, 0.01, 0], [0, 0, 0, -0.02]]))
    env.reset(seed=0, options={"joint_state": np.zeros((2, 2))})
    # the task's own load is not replaced
    env = point_mass_world(RandomTargetReach(loads=[mn.ConstantLoad(force_vector=[1.0, 2.0])]))
    env.reset(seed=0, options={"joint_state": np.zeros((2, 2))})
    *_, info = env.step(torch.zeros(2, 4), endpoint_load=[1.0, 0.0])
    torch.testing.assert_close(info["states"]["joint"], torch.tensor([[0.0, 0, 0.02, 0.02]]).expand(2, 4))
    env = point_mass_world()
    env.reset(seed=0, options={"joint_state": np.zeros((2, 2))})
    *_, info = env.step(torch.zeros(2, 4), joint_load=[0.0, 3.0])
    torch.testing.assert_close(info["states"]["joint"], torch.tensor([[0.0, 0, 0, 0.03]]).expand(2, 4))


def test_wrong_calls_are_refused_in_words():
    "Steps before a reset, wrong actions and loads, unknown or impossible options."
    env = point_mass_world()
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(torch.zeros(1, 4))
    env.reset(options={"batch_size": 3})
    for action in (torch.zeros(3, 5), torch.zeros(2, 4), torch.full((3, 4), torch.nan), "push", None):
        with pytest.raises(ValueError, match=r"action = .* finite numbers of shape \(3, 4\)"):
            env.step(action)
    for name in ("endpoint_load", "joint_load"):
        with pytest.raises(ValueError, match=rf"{name} = .* \(3, 2\)"):
            env.step(torch.zeros(3, 4), **{name: [1.0, 2.0, 3.0]})
    wrong = [
        ({"batch": 3}, "batch_size"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2.0}, "batch_size"),
        ({"joint_state": [5.0, 0.0]}, "joint_state"),
        ({"joint_state": np.zeros((3, 2)), "batch_size": 2}, "joint_state"),
        ({"deterministic": 1}, "deterministic"),
        ({"split": "exam"}, "split"),
        ({"trials": 3}, "trials"),
        (3, "options"),
    ]
    for options, name in wrong:
        with pytest.raises((ValueError, TypeError), match=name):
            env.reset(options=options)
    for seed in (-1, 1.5, True):
        with pytest.raises(ValueError, match="seed"):
            env.reset(seed=seed)


def test_double_precision_from_end_to_end():
    "States, observations and noise follow the body's precision, also when changed later."
    env = point_mass_world(DelayedReach(loads=[ForcePulse([1.0, 2.0])]), **NOISY)
    single = step_through(env, drives(env, 2), seed=0, options={"batch_size": 2})
    env.double()
    assert env.effector.dtype == torch.float64
    double = step_through(env, drives(env, 2), seed=0, options={"batch_size": 2})
    assert double[0].dtype == torch.float64
    assert all(v.dtype == torch.float64 for v in double[1][-1]["states"].values())
    torch.testing.assert_close(double[0].float(), single[0], atol=1e-5, rtol=1e-5)
    env.float()
    assert_equal(step_through(env, drives(env, 2), seed=0, options={"batch_size": 2})[0], single[0])


ENVIRONMENTS = [
    Environment(
        ReluPointMass24(), RandomTargetReach(), duration=0.3, sensors=["vision"], action_noise=[0.1, 0.2, 0.3, 0.4]
    ),
    Environment(
        arm(damping=0.2),
        DelayedReach(loads=[CurlField(8.0), ForcePulse([0.0, 4.0], direction="left")], cue="target jump"),
        vision_delay=0.05,
        proprioception_delay=0.02,
        observation_noise=0.01,
        action_stacking=2,
        silenced="vision",
    ),
    Environment(mn.CompliantTendonArm26(), PosturalHold(), duration=0.002, vision_noise=0.1),
]


@pytest.mark.parametrize("env", ENVIRONMENTS, ids=["point mass", "arm", "compliant"])
def test_configuration_round_trip(env):
    "Through JSON and as printed Python; the rebuilt environment plays the same episode."
    again = from_config(json.loads(json.dumps(env.to_config())))
    assert again == env and eval(repr(env), vars(mn)) == env
    assert env != env.replace(vision_noise=0.7)
    few = drives(env, 2)[:10]
    a, b = (step_through(e, few, seed=1, options={"batch_size": 2})[0] for e in (env, again))
    assert_equal(a, b)


def test_a_copy_in_the_middle_of_an_episode():
    "Deep-copied or pickled, attached to a graph or not, it goes on with the same numbers, apart from what it was copied from."
    env = point_mass_world(CenterOutReach(loads=[CurlField(8.0)]), vision_delay=0.03, action_noise=0.1)
    net = network(env)
    observation, _ = env.reset(seed=1, options={"batch_size": 3})
    hidden = net.init_hidden(3)
    for _ in range(4):
        action, hidden = net(observation, hidden)
        observation, *_ = env.step(action)
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    courses = []
    for world in (env, *copies):
        seen, steps, o, h = [], 0, observation.detach(), hidden.detach()
        for _ in range(6):
            action, h = net(o, h)
            o, _, over, *_ = world.step(action)
            seen.append(o.detach())
            steps += 1
        assert over
        courses.append(torch.stack(seen))
        o.sum().backward()  # back to the copy, in each of them
    for course in courses[1:]:
        assert_equal(course, courses[0])
    first = [world.reset()[0] for world in (env, *copies)]
    for other in first[1:]:
        assert_equal(other, first[0])


def test_a_body_is_copied_with_its_state():
    "Whose gradients reach the copy's own parameters."
    force = nn.Parameter(torch.full((4,), 500.0))
    body = mn.ReluPointMass24(muscle_parameters={"max_isometric_force": force})
    body.reset(seed=0, options={"batch_size": 2})
    drive = torch.full((2, 4), 0.3, requires_grad=True)
    for _ in range(3):
        body.step(drive)
    other = copy.deepcopy(body)
    assert_equal(other.step(drive)["joint"].detach(), body.step(drive)["joint"].detach())
    other.step(drive)["joint"].sum().backward()
    (own,) = other.parameters()
    assert own is not force and force.grad is None and own.grad is not None


def test_truth_values_of_numpy():
    "Are truth values, too."
    env = point_mass_world(action_noise=0.1)
    options = {"batch_size": np.int64(2), "deterministic": np.bool_(True)}
    observation, _ = env.reset(seed=np.int64(1), options=options)
    want, _ = env.reset(seed=1, options={"batch_size": 2, "deterministic": True})
    assert_equal(observation, want)
    with pytest.raises(ValueError, match=r"deterministic = 1 .*True or False"):
        env.reset(options={"deterministic": 1})
