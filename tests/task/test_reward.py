"""What a step is worth."""

import numpy as np
import pytest

from motornet_nb.task.reinforcement import make_env
from motornet_nb.task.reward import ReachReward, Reward


class BrokenReward(Reward):
    "A reward that is no number."

    def forward(self, outputs, target):
        return outputs["endpoint_position"][:, 0] * float("nan"), {}


def test_rewards():
    "Weights change the reward as the formula says; a reward of one's own is used; one that is no number stops."
    action = np.full(6, 0.5, dtype=np.float32)
    rewards = []
    for weights in ({}, {"distance_weight": 3.0, "effort_weight": 0.0}, {"reward": ReachReward(effort_weight=2.0)}):
        env = make_env("RandomTargetReach", **weights)
        env.reset(seed=2)
        _, reward, _, _, info = env.step(action)
        rewards.append(reward)
    d, e = info["distance"], info["effort"]
    np.testing.assert_allclose(rewards, [-d - 0.01 * e, -3 * d, -d - 2 * e], rtol=1e-5)
    env = make_env("RandomTargetReach", reward=BrokenReward())
    env.reset()
    with pytest.raises(FloatingPointError, match="reward of trial 0"):
        env.step(action)
