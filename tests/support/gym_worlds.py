"""A body and a task in which all trials are the same, for environments of gymnasium."""

import numpy as np
import torch

import motornet_nb as mn
from motornet_nb.task.tasks import assemble


class SameReach(mn.Task):
    "Every trial is the same one."

    input_names = ("goal", "go cue")

    def draw(self, n, effector, n_steps, streams, split, joint_state):
        joint_state = effector.as_joint_state([0.8, 1.4], n) if joint_state is None else joint_state
        goal = torch.tensor([[0.05, 0.5]]).expand(n, 2)
        return assemble(effector, n_steps, joint_state, goal, torch.full((n,), 3), self.input_names)


def arm() -> mn.Effector:
    return mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())


def world(**arguments) -> mn.Environment:
    "Ten steps of one and the same trial, with every kind of input a step can have except noise."
    later = mn.FunctionLoad(function=lambda state, time, trial: 10 * time * trial["goal"])
    loads = [mn.CurlField(20.0), mn.ForcePulse(2.0, direction=0.3, onset=0.02, duration=0.04), later]
    given = {"duration": 0.1, "vision_delay": 0.05, "proprioception_delay": 0.02, "action_stacking": 2} | arguments
    return mn.Environment(arm(), SameReach(loads=loads), **given)


def same(a, b, where="") -> None:
    "Two observations or infos hold the same things."
    assert type(a) is type(b), (where, type(a), type(b))
    if isinstance(a, dict):
        assert a.keys() == b.keys(), (where, sorted(a), sorted(b))
        for k in a:
            same(a[k], b[k], f"{where} {k}")
    elif isinstance(a, tuple) or (isinstance(a, np.ndarray) and a.dtype == object):
        assert len(a) == len(b), where
        for x, y in zip(a, b, strict=True):
            same(x, y, where)
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape), (where, a.dtype, b.dtype, a.shape, b.shape)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6, err_msg=where)
    else:
        assert a == b or (a != a and b != b), where
