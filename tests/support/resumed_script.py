"""A training run with classes and functions of its own; tests/core/test_recipe.py runs it again, changed or not, in another process.

python resumed_script.py FOLDER SEED N_BATCHES
"""

import functools
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

import motornet_nb as mn

FIELD = 2.0
TABLE = {"left": 1.0, "right": [1.0, 2.0]}
config = SimpleNamespace(push=1.5)


@dataclass
class Options:
    leak: float = 0.2


def helper(x):
    "A helper."
    return x * FIELD  # as measured


def field(motion, time, trial):
    return helper(motion.endpoint_velocity) * TABLE["left"]


def law(gain):
    def pulse(motion, time, trial):
        return gain * torch.ones_like(motion.endpoint_velocity)

    return pulse


def scaled(motion, time, trial, factor=1.0):
    return factor * config.push * motion.endpoint_velocity


class Push(mn.loads.Load):
    depends_on_motion = True
    size = 3.0

    def force(self, motion, time, drawn):
        return self.size * torch.ones_like(motion.endpoint_velocity)


class Reach(mn.RandomTargetReach):
    def __init__(self, gain=1.0, **kwargs):
        super().__init__(**kwargs)
        self.gain = gain
        self._offset = np.float32(0.5)


class Net(nn.Module):
    def __init__(self, n_inputs, n_actions, tau=0.5):
        super().__init__()
        self.tau, self.options, self.act, self.sign = tau, Options(), torch.tanh, np.array([1, -1])
        self.n_calls = 0
        self.first, self.drop, self.second = nn.Linear(n_inputs, 6), nn.Dropout(0.1), nn.Linear(6, n_actions)
        self.norm = nn.BatchNorm1d(n_inputs)
        self.register_buffer("mask", torch.ones(6, dtype=torch.bool))

    def init_hidden(self, batch_size):
        return None

    def forward(self, observation, hidden):
        self.n_calls += 1
        h = self.act(self.first(self.norm(observation))) * self.mask
        return torch.sigmoid(self.tau * self.second(self.drop(h))), None


def effort(played, power=2):
    return played["action"].abs().pow(power).mean()


def main(folder, seed, n_batches):
    loads = [field, law(0.1), functools.partial(scaled, factor=2.0), Push()]
    env = mn.Environment(mn.ReluPointMass24(), Reach(gain=1.0, loads=loads), duration=0.03)
    torch.manual_seed(seed)
    net = Net(env.n_observations, env.n_actions)
    terms = {"position": mn.loss.PositionError(), "effort": effort, "extra": lambda r: 1e-3 * r["action"].mean()}
    loss = mn.Loss(weights={"position": 1.0, "effort": 0.1, "extra": 0.1}, terms=terms)
    mn.train(net, env, loss=loss, n_batches=n_batches, batch_size=2, engine="eager", progress=False, checkpoint=folder, resume=True,
        optimizer=lambda p: torch.optim.SGD(p, lr=0.01), scheduler=lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: 0.9**k))  # fmt: skip
    return net


if __name__ == "__main__":
    net = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    print("weights", net.first.weight.detach().double().sum().item(), "calls", net.n_calls)
