"""Inputs of an episode: by name, at a step, without noise, and by the names of version 0.1."""

import pytest
import torch
from worlds import arm

import motornet_nb as mn
from motornet_nb.task.episode import Inputs


class Windy(mn.ConstantLoad):
    "A constant force that is recorded alone."

    recorded_as = "wind"


@pytest.fixture
def env() -> mn.Environment:
    "Loads of both kinds, and noise."
    loads = [mn.CurlField(3.0), Windy(force_vector=[1.0, 2.0]), mn.ForceChannel()]
    return mn.Environment(arm(), mn.RandomTargetReach(loads=loads), duration=0.2, action_noise=0.1)


def test_inputs_of_a_step(env):
    "What has an entry at that time; at the end of the trial only what is still observed."
    inputs = env.begin(env.sample(4)).inputs
    assert len(inputs.gains) == 2 and set(inputs.own_forces) == {"wind"} and inputs.joint_load is None
    now = inputs.at(3)
    assert torch.equal(now.action_noise, inputs.action_noise[3]) and torch.equal(now.gains[1], inputs.gains[1][3])
    assert torch.equal(now.own_forces["wind"], inputs.own_forces["wind"][3]) and now.time == inputs.time[3]
    last = inputs.at(env.n_steps)
    assert last.task.shape == now.task.shape and last.action_noise is None and last.endpoint_load is None
    assert inputs.without_noise() == inputs._replace(action_noise=None)


def test_the_names_of_version_0_1(env):
    "Reading by text, `items()`, `|`, and a dict in place of the inputs of a step."
    episode = env.begin(env.sample(4))
    names = [name for name, _ in episode.inputs.items()]
    assert names == ["task", "action_noise", "endpoint_load", "force recorded as wind", "gain 0", "gain 1", "time"]
    assert "gain 1" in episode.inputs and "joint_load" not in episode.inputs
    assert episode.inputs["gain 1"] is episode.inputs.gains[1]
    assert episode.inputs["force recorded as wind"] is episode.inputs.own_forces["wind"]
    now = {name: sequence[0] for name, sequence in episode.inputs.items()}
    action = torch.full((4, 6), 0.3)
    old, new = (env.advance(episode.constants, episode.state, action, x)[1] for x in (now, episode.inputs.at(0)))
    assert list(old) == list(new) and all(torch.equal(old[name], new[name]) for name in new)
    assert torch.equal(env.observe(now, episode.feedback), env.observe(episode.inputs.at(0), episode.feedback))
    pushed = episode.inputs | {"joint_load": torch.ones(20, 4, 2)}
    assert isinstance(pushed, Inputs) and pushed.joint_load.shape == (20, 4, 2) and len(pushed.gains) == 2
