"""Short trainings, losses that break, and what is left of the weights."""

import math

import torch
from torch import nn
from worlds import Perceptron, network, point_mass_world

from motornet_nb import ReachLoss, train


def quick(net=None, env=None, **arguments):
    "A short training of a point mass."
    env = point_mass_world() if env is None else env
    net = network(env) if net is None else net
    return train(net, env, **{"n_batches": 3, "batch_size": 8, "engine": "eager", "progress": False} | arguments), net


def weights(net):
    return [p.detach().clone() for p in net.parameters()]


ENGINES = ["eager", "fused"]


def four_batches(net, env, **arguments):
    return train(net, env, **{"n_batches": 4, "batch_size": 6, "engine": "eager", "progress": False} | arguments)


def assert_same(before, net):
    for a, b in zip(before, net.parameters(), strict=True):
        torch.testing.assert_close(b.detach(), a, rtol=0, atol=0, equal_nan=True)


def breaking(*batches, value=math.nan):
    "A loss with a term that is 0, but in some of the batches it is judged for."
    count = []

    def broken(rollout):
        count.append(1)
        return rollout["activation"].sum() * (value if len(count) - 1 in batches else 0.0)

    return ReachLoss().add("broken", broken)


class Forgetful(nn.Module):
    "A network with dropout."

    def __init__(self, env):
        super().__init__()
        self.inner, self.dropout = Perceptron(env.n_observations, env.n_actions), nn.Dropout(0.2)

    def init_hidden(self, batch_size):
        return None

    def forward(self, observation, hidden):
        return self.inner(self.dropout(observation), None)
