"""The gymnasium environments: spaces, seeds, reward, autoreset, names, and learning with Stable-Baselines3."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from gym_worlds import arm, same, world
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import motornet_nb as mn
from motornet_nb.task.reinforcement import ReachEnv, ReachVectorEnv, make_env, make_vector_env, to_stable_baselines

NAMES = [f"motornet_nb/{task}-v0" for task in ("CenterOutReach", "DelayedReach", "RandomTargetReach", "PosturalHold")]
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", NAMES)
def test_gymnasiums_checker_finds_nothing_to_say(name):
    "check_env passes without a single warning, for every registered name and with noise and stacking."
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(name, duration=0.2).unwrapped)
        noisy = {"action_noise": 0.1, "observation_noise": 0.1, "vision_noise": [0.1, 0.2], "action_stacking": 2}
        check_env(gymnasium.make(name, duration=0.1, effector=mn.ReluPointMass24(), **noisy).unwrapped)


def test_spaces():
    "The spaces have the environment's sizes, are float32, and bound observations and drives."
    env = gymnasium.make(NAMES[0])
    assert env.observation_space.shape == (19,) and env.observation_space.dtype == np.float32
    assert env.action_space == gymnasium.spaces.Box(0, 1, (6,), np.float32)
    assert np.isfinite(env.observation_space.high).all()
    assert env.unwrapped.environment.observation_labels[:5] == ["start x", "start y", "target x", "target y", "go cue"]


def test_default_is_the_papers_arm_with_the_papers_delays():
    "Without arguments: arm26 with Thelen muscles, vision 50 ms and proprioception 20 ms late, 1 s trials."
    world = gymnasium.make(NAMES[1]).unwrapped.environment
    assert world == mn.Environment(arm(), mn.DelayedReach(), vision_delay=0.05, proprioception_delay=0.02)


def test_an_episode_is_what_the_differentiable_environment_plays():
    "Observations equal those of Environment.step on the same trial with the same actions."
    world = mn.Environment(arm(), mn.CenterOutReach(loads=[mn.CurlField(8.0)]), duration=0.3, vision_delay=0.05)
    trial = world.sample().select([3])
    env, actions = ReachEnv(world), torch.rand(30, 1, 6, generator=torch.Generator().manual_seed(1))
    want, info = world.reset(options={"trials": trial})
    got, told = env.reset(seed=1, options={"trials": trial})
    assert told["condition"] == "reach + CurlField" and told["target_direction"] == pytest.approx(3 * np.pi / 4)
    np.testing.assert_array_equal(got, want[0].numpy())
    for k, action in enumerate(actions):
        want, _, _, _, info = world.step(action)
        got, reward, terminated, truncated, told = env.step(action[0].numpy())
        np.testing.assert_array_equal(got, want[0].numpy())
        hand, activation = info["states"]["fingertip"][0], info["states"]["muscle"][0, 0]
        np.testing.assert_array_equal(told["endpoint_position"], hand.numpy())
        np.testing.assert_array_equal(told["target_position"], trial.target[0, k + 1].numpy())
        distance, effort = float((hand - trial.target[0, k + 1]).norm()), float(activation.square().mean())
        assert told["distance"] == pytest.approx(distance) and told["effort"] == pytest.approx(effort)
        assert reward == pytest.approx(-distance - 0.01 * effort, abs=1e-7)
        assert (type(reward), type(terminated), type(truncated)) == (float, bool, bool)
        assert not terminated and truncated == (k == 29)


def test_nothing_is_attached_to_a_graph_or_shared():
    "What is returned is NumPy of its own, even for a body with learnable parameters."
    body = mn.ReluPointMass24(skeleton=mn.PointMass(mass=torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))))
    env, twin = (
        ReachEnv(mn.Environment(body, mn.RandomTargetReach(), duration=0.1, action_stacking=2)) for _ in range(2)
    )
    action = np.full(4, 0.5, dtype=np.float32)
    for e in (env, twin):
        observation, info = e.reset(seed=0)
        for _ in range(5):
            if e is env:  # spoil everything that was handed out
                observation[:] = 9
                for value in info.values():
                    if isinstance(value, np.ndarray):
                        value[:] = 9
            given = action.copy()
            observation, _, _, _, info = e.step(given)
            if e is env:
                given[:] = 9
        e.last = observation
    np.testing.assert_array_equal(env.last, twin.last)


def test_seeds():
    "A seed fixes the sequence of trials and noise bit for bit; a reset without seed draws the next; seeds differ."
    noise = {"action_noise": 0.1, "observation_noise": 0.1, "vision_noise": 0.1, "duration": 0.05}

    def two_trials(env, seed):
        seen = []
        for s in (seed, None):
            seen.append(env.reset(seed=s)[0])
            seen += [env.step(np.full(6, 0.3, dtype=np.float32))[0] for _ in range(5)]
        return np.array(seen)

    a, b = gymnasium.make(NAMES[2], **noise), gymnasium.make(NAMES[2], **noise)
    first = two_trials(a, 5)
    np.testing.assert_array_equal(first, two_trials(b, 5))
    np.testing.assert_array_equal(first, two_trials(a, 5))
    assert not np.array_equal(first[:6], first[6:])
    assert not np.array_equal(first, two_trials(a, 6))
    assert a.unwrapped.np_random_seed == 6
    unseeded = [gymnasium.make(NAMES[2]).reset()[0] for _ in range(2)]
    assert not np.array_equal(*unseeded)


def test_noise_does_not_move_the_targets_and_can_be_switched_off():
    "With the option deterministic a noisy environment equals a noiseless one, and plays the same trial."
    quiet, noisy = (
        make_env("RandomTargetReach", duration=0.1),
        make_env("RandomTargetReach", duration=0.1, vision_noise=0.1),
    )
    action = np.full(6, 0.2, dtype=np.float32)
    np.testing.assert_array_equal(quiet.reset(seed=3)[0], noisy.reset(seed=3, options={"deterministic": True})[0])
    np.testing.assert_array_equal(quiet.step(action)[0], noisy.step(action)[0])
    plain, shaken = quiet.reset(seed=3)[0], noisy.reset(seed=3)[0]
    np.testing.assert_array_equal(plain[:2], shaken[:2])  # the goal
    assert (plain[2:4] != shaken[2:4]).all()


def test_catch_trials_come_as_often_as_they_should_one_trial_at_a_time():
    "Half of the single trials of a task with a catch fraction of one half are catch trials."
    env = make_env("DelayedReach", duration=0.1, effector=mn.ReluPointMass24())
    env.reset(seed=0)
    catch = [env.reset()[1]["is_catch"] for _ in range(120)]
    assert 40 <= sum(catch) <= 80
    many = make_vector_env("DelayedReach", num_envs=100, duration=0.1, effector=mn.ReluPointMass24())
    assert many.reset(seed=0)[1]["is_catch"].sum() == 50


def test_start_posture_can_be_imposed():
    "The option joint_state sets where trials start, for one and for many."
    env = make_env("RandomTargetReach")
    want = env.environment.effector.joint_to_cartesian(torch.tensor([0.7, 1.1, 0.0, 0.0]))[:2]
    _, info = env.reset(options={"joint_state": [0.7, 1.1]})
    np.testing.assert_allclose(info["endpoint_position"], want, atol=1e-6)
    postures = np.stack((np.linspace(0.2, 1, 70), np.linspace(0.5, 1.5, 70)), 1)
    for n in (3, 70):
        many = ReachVectorEnv(env.environment, n)
        _, info = many.reset(options={"joint_state": postures[:n]})
        joints = torch.tensor(np.concatenate((postures[:n], np.zeros((n, 2))), 1), dtype=torch.float32)
        want = env.environment.effector.joint_to_cartesian(joints)[:, :2]
        np.testing.assert_allclose(info["endpoint_position"], want, atol=1e-6)


def test_steps_in_the_wrong_order_are_refused():
    "A step before the first reset or after the end says so."
    for env, action in ((ReachEnv(world()), np.zeros(6)), (ReachVectorEnv(world(), 2), np.zeros((2, 6)))):
        with pytest.raises(RuntimeError, match="reset"):
            env.step(action)
    env = ReachEnv(world())
    env.reset()
    for _ in range(10):
        env.step(np.zeros(6))
    with pytest.raises(RuntimeError, match="over after 10 steps"):
        env.step(np.zeros(6))


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_vector_environment_follows_the_protocol_of_gymnasium(mode):
    "Step for step the same as gymnasium's SyncVectorEnv around single trials, through several episodes, also out of phase."
    n, rng = 4, np.random.default_rng(0)
    native = ReachVectorEnv(world(), n, autoreset_mode=mode)
    sync = SyncVectorEnv([lambda: ReachEnv(world())] * n, autoreset_mode=mode)
    assert native.metadata["autoreset_mode"] is sync.metadata["autoreset_mode"] is mode
    assert native.observation_space == sync.observation_space and native.action_space == sync.action_space
    assert native.single_observation_space == sync.single_observation_space
    same(native.reset(seed=0), sync.reset(seed=0))
    ends = 0
    for k in range(45):
        if k in (4, 7, 23):  # some trials begin anew while the others go on
            mask = np.array([k == 4, True, k == 7, False])
            got, want = (env.reset(options={"reset_mask": mask.copy()}) for env in (native, sync))
            same(got, want, f"masked reset at {k}")
        actions = rng.uniform(0, 1, (n, 6)).astype(np.float32)
        got, want = native.step(actions), sync.step(actions)
        for what, a, b in zip(
            ("observations", "rewards", "terminations", "truncations", "infos"), got, want, strict=True
        ):
            same(a, b, f"{what} at {k}")
        truncated = want[3]
        ends += truncated.sum()
        if mode is AutoresetMode.DISABLED and truncated.any():
            got, want = (env.reset(options={"reset_mask": truncated.copy()}) for env in (native, sync))
            same(got, want, f"reset after {k}")
    assert ends >= 12


def test_disabled_autoreset_leaves_the_reset_to_the_caller():
    "Without autoreset, a step of a finished trial is refused."
    env = ReachVectorEnv(world(), 2, autoreset_mode="Disabled")
    env.reset(seed=0)
    for _ in range(10):
        *_, truncations, _ = env.step(np.zeros((2, 6)))
    assert truncations.all()
    with pytest.raises(RuntimeError, match="over"):
        env.step(np.zeros((2, 6)))
    env.reset(options={"reset_mask": np.array([True, True])})
    assert not env.step(np.zeros((2, 6)))[3].any()


def test_vector_seeds():
    "The same seed gives the same batches bit for bit, through autoresets; trials of a batch differ from each other."
    runs = []
    for _ in range(2):
        env = make_vector_env("DelayedReach", num_envs=5, duration=0.05, vision_noise=0.1)
        seen = [env.reset(seed=3)[0]]
        env.action_space.seed(3)
        for _ in range(12):
            seen.append(env.step(env.action_space.sample())[0])
        runs.append(np.array(seen))
    np.testing.assert_array_equal(*runs)
    assert len(np.unique(runs[0][0], axis=0)) == 5
    assert not np.array_equal(runs[0][0], runs[0][6])


def test_reset_masks_are_checked():
    "A mask that is no boolean array of the right size with something in it is refused, and the options stay the caller's."
    env = ReachVectorEnv(world(), 3)
    with pytest.raises(ValueError, match="first reset"):
        env.reset(options={"reset_mask": np.array([True, False, False])})
    env.reset()
    for wrong, error in (
        ([True] * 3, TypeError),
        (np.ones(3), TypeError),
        (np.ones(2, bool), ValueError),
        (np.zeros(3, bool), ValueError),
    ):
        with pytest.raises(error, match="reset_mask"):
            env.reset(options={"reset_mask": wrong})
    options = {"reset_mask": np.array([True, False, False])}
    _, info = env.reset(options=options)
    assert list(options) == ["reset_mask"] and info["_condition"].tolist() == [True, False, False]
    assert info["condition"].tolist()[1:] == [None, None]


def test_made_by_name():
    "make, make_vec in each mode, and the module prefix give the environments; arguments reach task, environment and reward."
    given = {"n_targets": 4, "duration": 0.05, "effort_weight": 0.5, "loads": [mn.CurlField(3.0)]}
    env = gymnasium.make(NAMES[0], **given).unwrapped
    assert isinstance(env, ReachEnv) and env.reward.effort_weight == 0.5
    assert (
        env.environment.task == mn.CenterOutReach(n_targets=4, loads=[mn.CurlField(3.0)])
        and env.environment.n_steps == 5
    )
    assert isinstance(gymnasium.make(f"motornet_nb:{NAMES[0]}").unwrapped, ReachEnv)
    native = gymnasium.make_vec(NAMES[0], num_envs=3, vectorization_mode="vector_entry_point", **given)
    assert isinstance(native, ReachVectorEnv) and native.num_envs == 3 and native.spec.id == NAMES[0]
    assert isinstance(gymnasium.make_vec(NAMES[0], num_envs=3), ReachVectorEnv)
    sync = gymnasium.make_vec(NAMES[0], num_envs=3, vectorization_mode="sync", **given)
    assert native.observation_space == sync.observation_space
    same_step = gymnasium.make_vec(NAMES[0], num_envs=2, autoreset_mode="SameStep", max_episode_steps=3)
    assert same_step.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    same_step.reset(seed=0)
    ends = [same_step.step(np.zeros((2, 6)))[3].all() for _ in range(6)]
    assert ends == [False, False, True, False, False, True]


def test_specification_survives_json():
    "With a body given as its configuration, gymnasium's specification can be written down and rebuilt."
    body = mn.ReluPointMass24(max_isometric_force=[400.0, 300, 200, 100])
    env = gymnasium.make(NAMES[3], effector=body.to_config(), duration=0.1)
    again = EnvSpec.from_json(json.loads(json.dumps(env.spec.to_json()))).make()
    assert again.unwrapped.environment == env.unwrapped.environment
    assert again.unwrapped.environment.effector == body


def test_wrong_arguments_are_refused_in_words():
    "Unknown or impossible arguments name themselves and what is allowed."
    with pytest.raises(TypeError, match=r"no argument n_tragets; there are .*n_targets"):
        gymnasium.make(NAMES[0], n_tragets=3)
    with pytest.raises(ValueError, match="vision_delay"):
        gymnasium.make(NAMES[0], vision_delay=0.013)
    with pytest.raises(TypeError, match="render_mode"):
        gymnasium.make(NAMES[0], render_mode="rgb_array")
    with pytest.raises(TypeError, match=r"environment .*Environment"):
        ReachEnv(arm())
    with pytest.raises(TypeError, match=r"reward .*Reward"):
        ReachEnv(world(), reward=3)
    for name, wrong in (("num_envs", 0), ("num_envs", 2.5), ("max_episode_steps", True), ("autoreset_mode", "Never")):
        with pytest.raises(ValueError, match=name):
            ReachVectorEnv(world(), **{name: wrong})
    env = ReachEnv(world())
    for options in ({"batch": 3}, {"deterministic": 1}, {"trials": world().sample(2)}, {"trials": "mine"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            env.reset(options=options)
    with pytest.raises(TypeError, match="SameStep"):
        to_stable_baselines(ReachVectorEnv(world(), 2))


def test_double_precision_bodies_give_float32_observations():
    "A float64 body is played in float64 and observed in float32."
    env = make_env("CenterOutReach", effector=arm().double())
    observation, info = env.reset(seed=0)
    assert observation.dtype == np.float32 and info["endpoint_position"].dtype == np.float32
    assert env.step(np.full(6, 0.1))[0].dtype == np.float32 and env._stepper.state.endpoint.dtype == torch.float64


def test_importing_the_package_registers_the_names():
    "A fresh interpreter that imports motornet_nb, before or after gymnasium, knows the names without importing SB3."
    code = (
        "import motornet_nb, gymnasium, sys;"
        "print(sorted(n for n in gymnasium.registry if n.startswith('motornet_nb/')), 'stable_baselines3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{sorted(NAMES)} False" and "warn" not in done.stderr.lower()


def test_stable_baselines_learns_on_one_trial_at_a_time():
    "PPO of Stable-Baselines3 trains on the registered environment as it is."
    from stable_baselines3 import PPO

    env = gymnasium.make(NAMES[2], effector=mn.ReluPointMass24(), duration=0.2)
    model = PPO("MlpPolicy", env, n_steps=64, batch_size=32, n_epochs=2, seed=0, device="cpu")
    before = [p.detach().clone() for p in model.policy.parameters()]
    model.learn(256)
    assert model.num_timesteps == 256
    assert any(not torch.equal(a, b) for a, b in zip(before, model.policy.parameters(), strict=True))
    action, _ = model.predict(env.reset(seed=1)[0], deterministic=True)
    assert action in env.action_space


def test_stable_baselines_learns_on_many_trials_at_once():
    "PPO trains on the whole vector environment, and its rewards get better."
    from stable_baselines3 import PPO

    env = gymnasium.make_vec(
        NAMES[3], num_envs=64, autoreset_mode="SameStep", effector=mn.ReluPointMass24(), duration=0.1, effort_weight=1.0
    )
    env = to_stable_baselines(env)
    model = PPO("MlpPolicy", env, n_steps=20, batch_size=640, n_epochs=5, learning_rate=3e-3, seed=0, device="cpu")

    def mean_reward():
        env.seed(7)
        observations, total = env.reset(), 0.0
        for _ in range(10):
            observations, rewards, done, infos = env.step(model.predict(observations)[0])
            total += rewards.mean()
        assert done.all() and all(
            i["TimeLimit.truncated"] and i["terminal_observation"].shape == (13 + 2,) for i in infos
        )
        return total

    before = mean_reward()
    model.learn(64 * 20 * 8)
    assert mean_reward() > before + 0.1
