"""Trials with clocks of their own, played without gradient."""

import numpy as np
import pytest
from gym_worlds import SameReach, arm, same

import motornet_nb as mn
from motornet_nb.task.reinforcement import ReachEnv, ReachVectorEnv, make_env, make_vector_env
from motornet_nb.task.stepper import OBSERVATION_LIMIT


def test_drives_out_of_range_are_clipped_and_wrong_actions_refused():
    "Drives beyond [0, 1] act like 0 and 1; wrong shapes, NaN and texts are refused in words."
    env = make_env("RandomTargetReach", duration=0.1)
    env.reset(seed=0)
    high = env.step([2.0] * 6)[4]
    env.reset(seed=0)
    same(high, env.step([1.0] * 6)[4])
    for wrong in ([0.1] * 5, [[0.1] * 6] * 2, [np.nan] + [0.1] * 5, "push", None, [[0.1], [0.1, 0.2]]):
        with pytest.raises(ValueError, match="action"):
            env.step(wrong)
    many = make_vector_env("RandomTargetReach", num_envs=3)
    many.reset()
    with pytest.raises(ValueError, match=r"action.*\(3, 6\)"):
        many.step(np.zeros((1, 6)))


def test_observations_stay_inside_the_space():
    "Even absurd noise is clipped to the limits of the space."
    env = make_env("RandomTargetReach", duration=0.05, observation_noise=1e6)
    observation, _ = env.reset(seed=0)
    assert observation in env.observation_space and np.abs(observation).max() == OBSERVATION_LIMIT


def test_noise_and_loads_follow_a_trial_that_begins_out_of_phase():
    "A trial that begins while others go on has its own time: noise, pulses and delays count from its own beginning."
    loads = [mn.ForcePulse(5.0, direction=0.0, onset=0.03, duration=0.02)]
    noisy = mn.Environment(
        arm(), SameReach(loads=loads), duration=0.1, vision_delay=0.03, vision_noise=0.01, action_noise=0.01
    )
    env = ReachVectorEnv(noisy, 2)
    quiet = {"deterministic": True}
    env.reset(seed=0, options=quiet)
    path = [env.step(np.zeros((2, 6)))[4]["endpoint_position"][0] for _ in range(6)]
    env.reset(seed=0, options=quiet)
    for _ in range(4):
        env.step(np.zeros((2, 6)))
    env.reset(options=quiet | {"reset_mask": np.array([False, True])})
    late = [env.step(np.zeros((2, 6)))[4]["endpoint_position"][1] for _ in range(6)]
    np.testing.assert_allclose(late, path, atol=1e-7)
    # noise: the trial that goes on is left alone by the other's reset
    seen = []
    for mask in (None, np.array([False, True])):
        env.reset(seed=1)
        env.step(np.zeros((2, 6)))
        if mask is not None:
            env.reset(options={"reset_mask": mask})
        seen.append(np.array([env.step(np.zeros((2, 6)))[0] for _ in range(5)]))
    np.testing.assert_allclose(seen[0][:, 0], seen[1][:, 0], atol=1e-6)
    assert (seen[0][:, 1] != seen[1][:, 1]).any()


def test_trials_that_begin_out_of_phase_are_played_as_if_alone():
    "Each trial of a batch, whenever it began, is observed and rewarded like a single one, with inputs and loads of its own."
    mine = mn.FunctionLoad(function=lambda state, time, trial: (5 + 100 * time) * trial["goal"])
    task = mn.DelayedReach(loads=[mine, mn.ForcePulse([2.0, 8.0], onset_range=[0.0, 0.1]), mn.ForceChannel()])
    env = mn.Environment(arm(), task, duration=0.12, vision_delay=0.03, action_stacking=1)
    first, second = env.sample(3, 0, "train"), env.sample(3, 1, "train")
    actions = np.random.default_rng(0).uniform(0, 1, (12, 3, 6)).astype(np.float32)
    many, began = ReachVectorEnv(env, 3), np.array([0, 5, 0])
    seen = [many.reset(options={"trials": first})[0]]
    for k in range(12):
        if k == 5:
            seen[-1] = many.reset(options={"trials": second, "reset_mask": began == 5})[0]
        seen.append(many.step(actions[k])[0])
    for i in range(3):
        one = ReachEnv(env)
        trial = (second if began[i] else first).select([i])
        alone = [one.reset(options={"trials": trial})[0]] + [one.step(a[i])[0] for a in actions[began[i] :]]
        np.testing.assert_allclose(np.array(seen)[began[i] :, i], alone, atol=2e-5)
