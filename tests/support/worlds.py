"""Bodies doing tasks, and networks, that several tests share."""

import dataclasses

import torch
from torch import nn

from motornet_nb import (
    CenterOutReach,
    Environment,
    PolicyGRU,
    RandomTargetReach,
    ReluPointMass24,
    RigidTendonArm26,
    RigidTendonHillMuscleThelen,
    Task,
    Trials,
)


def arm(**arguments) -> RigidTendonArm26:
    "The paper's arm."
    return RigidTendonArm26(RigidTendonHillMuscleThelen(), **arguments)


def point_mass_world(task: Task | None = None, **arguments) -> Environment:
    "A point mass, which is quick, doing a task for 100 ms."
    return Environment(
        ReluPointMass24(), RandomTargetReach() if task is None else task, **{"duration": 0.1} | arguments
    )


def arm_world(task: Task | None = None, **arguments) -> Environment:
    "The paper's arm doing a task, centre-out reaches if none is given, for 200 ms."
    return Environment(arm(), CenterOutReach() if task is None else task, **{"duration": 0.2} | arguments)


def drives(env: Environment, n: int, seed: int = 0) -> torch.Tensor:
    "Random actions for a whole trial: (time, batch, muscle)."
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(env.n_steps, n, env.n_actions, generator=generator, dtype=torch.float64).to(env.effector.dtype)


def network(env: Environment, n_units: int = 12, seed: int = 0, **arguments) -> PolicyGRU:
    "A GRU for an environment with weights large enough to move the body."
    net = PolicyGRU(env.n_observations, n_units, env.n_actions, **arguments)
    generator = torch.Generator().manual_seed(seed)
    net.reset_parameters(generator)
    nn.init.normal_(net.output.weight, std=1.0, generator=generator)
    nn.init.constant_(net.output.bias, -1.0)
    return net.to(env.effector.dtype)


def step_through(env: Environment, actions: torch.Tensor, **reset) -> tuple[torch.Tensor, list[dict]]:
    "Observations (time + 1, batch, observation) and infos of an episode with given actions."
    observation, info = env.reset(**reset)
    observations, infos = [observation], [info]
    for action in actions:
        observation, _, _, _, info = env.step(action)
        observations.append(observation)
        infos.append(info)
    return torch.stack(observations), infos


def with_goals(trials: Trials, goal: torch.Tensor) -> Trials:
    "Trials of `RandomTargetReach` with other goals (batch, space) m."
    over_time = goal[:, None].expand(-1, trials.n_steps + 1, -1).contiguous()
    return dataclasses.replace(trials, goal=goal, target=over_time, inputs=over_time)


class Perceptron(nn.Module):
    "A network without memory."

    def __init__(self, n_inputs, n_actions, n_units=12):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_inputs, n_units), nn.Tanh(), nn.Linear(n_units, n_actions), nn.Sigmoid()
        )

    def init_hidden(self, batch_size):
        return None

    def forward(self, observation, hidden):
        return self.layers(observation), None


class PolicyLSTM(nn.Module):
    "A network with two hidden tensors."

    def __init__(self, n_inputs, n_actions, n_units=12):
        super().__init__()
        self.cell, self.readout, self.n_units = nn.LSTMCell(n_inputs, n_units), nn.Linear(n_units, n_actions), n_units

    def init_hidden(self, batch_size):
        zeros = self.readout.weight.new_zeros(batch_size, self.n_units)
        return zeros, zeros

    def forward(self, observation, hidden):
        hidden = self.cell(observation, hidden)
        return torch.sigmoid(self.readout(hidden[0])), hidden


def assert_equal(got, want, what: str = "") -> None:
    "Bit for bit the same tensors."
    assert got.dtype == want.dtype and torch.equal(got, want), f"{what}: largest difference {(got - want).abs().max()}"
