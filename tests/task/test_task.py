"""What all tasks have in common: requests, loads, inputs and labels of their own."""

import dataclasses
import json
import typing

import numpy as np
import pytest
import torch
from drawn import TwoStepReach, draw
from worlds import arm, assert_equal

import motornet_nb as mn
from motornet_nb import (
    CenterOutReach,
    CurlField,
    DelayedReach,
    ForcePulse,
    RandomTargetReach,
    Streams,
    Task,
    from_config,
)


def test_wrong_requests_are_refused():
    "Splits, numbers of trials, postures of the wrong size, centre-out outside a plane."
    for n, split, name in ((5, "exam", "split"), (0, "train", "n ="), (2.5, "train", "n =")):
        with pytest.raises(ValueError, match=name):
            draw(RandomTargetReach(), n, split=split)
    with pytest.raises(ValueError, match="joint_state"):
        draw(CenterOutReach(start_posture=[0.1, 0.2, 0.3]), 2, split="test")
    line = mn.Effector(mn.PointMass(1), mn.ReluMuscle())
    with pytest.raises(ValueError, match="plane"):
        CenterOutReach().sample(2, line, 10, Streams(0), "test")


def test_conditions_say_which_loads_acted():
    "The condition of a trial is its kind and the loads it had."
    trials = draw(DelayedReach(loads=[CurlField(1.0), ForcePulse(1.0, trials="catch")]), 20)
    for condition, catch in zip(trials.labels["condition"], trials.labels["is_catch"].tolist(), strict=True):
        assert condition == ("catch + CurlField + ForcePulse" if catch else "reach + CurlField")


def test_a_task_of_ones_own():
    "A subclass declares its parameters, draws in a few lines, is saved and played like the others."
    task = TwoStepReach(reach=0.03, loads=[CurlField(4.0)])
    assert from_config(json.loads(json.dumps(task.to_config()))) == task
    env = mn.Environment(arm(), task, duration=0.4)
    assert env.observation_labels[:3] == ["target x", "target y", "vision x"] and env.n_observations == 2 + 2 + 12
    trials = env.sample(10, 0)
    assert trials.labels["condition"] == ["step + CurlField"] * 10
    aside = trials.goal - trials.start
    assert (aside[:, 0] <= 0.03).all() and aside[:, 0].std() > 0 and not aside[:, 1].any()
    assert_equal(trials.inputs[:, 19], trials.start)
    assert_equal(trials.inputs[:, 20], trials.goal)
    assert mn.play(mn.PolicyGRU(16, 4, 6), env, trials)["endpoint_position"].shape == (10, 40, 2)


def test_the_base_class_asks_for_draw():
    "A task without draw() says so."
    with pytest.raises(NotImplementedError, match="draw"):
        draw(Task(), 3)


def test_a_task_with_loads_can_be_replaced():
    "Its loads stay what they are."
    task = CenterOutReach(loads=[CurlField(strength=3.0), ForcePulse(magnitude=2.0)])
    other = task.replace(distance=0.05)
    assert [type(load) for load in other.loads] == [CurlField, ForcePulse]
    assert other.replace(distance=task.distance) == task


class Paced(RandomTargetReach):
    "Says how fast to reach: one number a trial."

    input_names = ("speed", "goal")

    def own_inputs(self, trials, streams, split):
        return {"speed": torch.rand(len(trials), generator=streams["speed"], dtype=torch.float64)}


def test_an_input_of_ones_own():
    "One number, at its place among the inputs and in the observation, for networks that learn and that are only played."
    env = mn.Environment(mn.ReluPointMass24(), Paced(), duration=0.1)
    assert env.observation_labels[:4] == ["speed", "goal x", "goal y", "vision x"] and env.n_observations == 13
    trials = env.sample(5, 3)
    speed = torch.rand(5, generator=Streams(3)["speed"], dtype=torch.float64).float()
    assert torch.equal(trials.inputs[..., 0], speed[:, None].expand(5, 11))
    assert torch.equal(trials.inputs[:, 4, 1:], trials.goal)
    log = mn.train(mn.PolicyGRU(13, 4, 4), env, n_batches=2, batch_size=2, engine="eager", progress=False)
    assert len(log) == 2
    ds = mn.simulate(mn.PolicyGRU(13, 4, 4), env, trials)
    assert ds["observation"].values[:, 0, 0].tolist() == speed.tolist()


def test_inputs_of_ones_own_over_time_and_of_several_numbers():
    "As `input_sizes` says; values of another shape, or of no input, are refused."

    class Context(Paced):
        input_names = ("context", "goal", "speed")
        input_sizes: typing.ClassVar = {"context": 3}
        given: typing.ClassVar = {}

        def own_inputs(self, trials, streams, split):
            return self.given

    body, time = mn.ReluPointMass24(), torch.arange(11.0)
    assert Context().input_labels(body) == ["context 1", "context 2", "context 3", "goal x", "goal y", "speed"]
    Context.given = {"context": torch.eye(3)[[0, 2]], "speed": time.expand(2, 11)}
    trials = Context().sample(2, body, 10, Streams(0))
    assert trials.inputs[1, 7].tolist() == [0, 0, 1, *trials.goal[1].tolist(), 7]
    for wrong, words in (
        ({"context": torch.zeros(2, 2), "speed": time.expand(2, 11)}, r"context.*\(2, 2\).*\(2, 3\) or \(2, 11, 3\)"),
        ({"context": torch.eye(3)[:2], "speed": torch.zeros(3)}, r"speed.*\(3,\).*\(2,\) or \(2, 11\)"),
        ({"speed": torch.zeros(2), "sped": torch.zeros(2)}, r"'sped'.*context, goal, speed"),
        ({}, r"with 2 inputs.*the 6 that Context declares.*context 1.*own_inputs"),
    ):
        Context.given = wrong
        with pytest.raises(ValueError, match=words):
            Context().sample(2, body, 10, Streams(0))


def test_trials_with_other_inputs():
    "What differs is said: how many the task declares, and how many there are."
    env = mn.Environment(mn.ReluPointMass24(), RandomTargetReach(), duration=0.1)
    other = mn.Environment(mn.ReluPointMass24(), DelayedReach(), duration=0.1)
    with pytest.raises(ValueError, match=r"with 5 inputs.*the 2 that RandomTargetReach declares.*goal x, goal y"):
        mn.play(mn.PolicyGRU(env.n_observations, 3, 4), env, other.sample(2))
    loaded = mn.Environment(mn.ReluPointMass24(), RandomTargetReach(loads=[CurlField(1.0)]), duration=0.1)
    with pytest.raises(ValueError, match=r"with 1 loads.*RandomTargetReach, which has 0"):
        env.begin(loaded.sample(2))


def test_labels_of_every_kind():
    "Arrays, tables and lists have one row a trial; in the Dataset a table has a dimension of its own."

    class Labelled(RandomTargetReach):
        more: typing.ClassVar = {}

        def draw(self, *arguments):
            trials = super().draw(*arguments)
            return dataclasses.replace(trials, labels=trials.labels | self.more)

    Labelled.more = {
        "via": torch.arange(6.0).reshape(3, 2),
        "speed": np.array([1.5, 2.5, 3.5]),
        "pair": [[1, 2], [3, 4], [5, 6]],
        "word": np.array(["a", "b", "c"]),
    }
    env = mn.Environment(mn.ReluPointMass24(), Labelled(), duration=0.1)
    ds = mn.simulate(mn.PolicyGRU(env.n_observations, 3, 4), env, n=3)
    assert ds["via"].dims == ("trial", "via_element") and ds["via"].values.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert ds["pair"].values.tolist() == [[1, 2], [3, 4], [5, 6]] and ds["word"].values.tolist() == ["a", "b", "c"]
    assert ds["speed"].dims == ("trial",) and ds["speed"].values.tolist() == [1.5, 2.5, 3.5]
    assert env.sample(3).select([2]).labels["speed"].tolist() == [3.5]
    assert ds.isel(trial=1)["via"].values.tolist() == [2, 3]
    for wrong in ({"via": torch.zeros(4)}, {"via": torch.zeros(3, 2, 2)}, {"via": ["a"]}, {"via": [[1], [1, 2], [3]]}):
        Labelled.more = wrong
        with pytest.raises(ValueError, match=r"labels\['via'\]"):
            env.sample(3)
    Labelled.more = {"time": torch.zeros(3)}
    with pytest.raises(ValueError, match=r"labels = 'time' .*another name"):
        env.sample(3)
