"""Trials of a task for some bodies."""

import torch
from worlds import arm

import motornet_nb as mn
from motornet_nb import Streams, Task
from motornet_nb.task.assembly import assemble

STEPS = 100
BODIES = {"arm": arm(), "point mass": mn.ReluPointMass24()}


def draw(task, n=64, seed=0, split="train", body="arm", steps=STEPS, **arguments):
    "Trials of a task."
    return task.sample(n, BODIES[body], steps, Streams(seed), split, **arguments)


def hand(body, joint_state):
    "Endpoint positions of joint states."
    return body.joint_to_cartesian(joint_state)[:, :2]


class TwoStepReach(Task):
    "A task of one's own: reach to a point on the x axis, drawn from its own stream."

    reach = mn.parameters.number(0.05, "m", "largest distance", above=0)

    input_names = ("target",)

    def draw(self, n, effector, n_steps, streams, split, joint_state):
        joint_state = effector.as_joint_state([0.8, 1.6], n) if joint_state is None else joint_state
        start = effector.joint_to_cartesian(joint_state)[:, :2]
        aside = self.reach * torch.rand(n, generator=streams["goal"])
        goal = start + torch.stack((aside, torch.zeros(n)), 1)
        return assemble(
            effector, n_steps, joint_state, goal, torch.full((n,), 20), self.input_names, "target jump", "step"
        )
