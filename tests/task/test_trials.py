"""Batches of trials as data."""

import dataclasses

import pytest
import torch
from worlds import assert_equal, point_mass_world

from motornet_nb import CurlField, DelayedReach, ForcePulse


@pytest.fixture
def trials():
    "Six trials with labels and two loads."
    env = point_mass_world(DelayedReach(loads=[CurlField(2.0), ForcePulse([1.0, 2.0])]))
    return env.sample(6, 1, "train")


def test_a_batch_knows_its_size(trials):
    "Length and number of steps; T + 1 time points."
    assert len(trials) == 6 and trials.n_steps == 10 and trials.target.shape == (6, 11, 2)
    assert trials.inputs.shape == (6, 11, 5) and trials.go_cue.shape == (6, 11)


@pytest.mark.parametrize("index", [[4, 1], slice(1, 4), torch.tensor([False, True, False, False, True, True]), 2])
def test_selecting_trials_takes_everything_along(trials, index):
    "Tensors, labels, texts and what was drawn for loads keep together."
    chosen = trials.select(index)
    rows = torch.arange(6)[index].reshape(-1)
    assert len(chosen) == len(rows)
    assert_equal(chosen.goal, trials.goal[rows])
    assert_equal(chosen.inputs, trials.inputs[rows])
    assert_equal(chosen.labels["target_direction"], trials.labels["target_direction"][rows])
    assert chosen.labels["condition"] == [trials.labels["condition"][i] for i in rows]
    assert_equal(chosen.loads[1]["vector"], trials.loads[1]["vector"][rows])
    assert_equal(chosen.loads[0]["gain"], trials.loads[0]["gain"][rows])
    assert chosen.timestep == trials.timestep


def test_trials_change_precision(trials):
    "Numbers follow, truth values stay truth values, labels keep their precision."
    double = trials.to(torch.float64)
    for name in ("joint_state", "start", "goal", "target", "go_cue", "inputs"):
        assert getattr(double, name).dtype == torch.float64 and getattr(trials, name).dtype == torch.float32
    assert double.loads[1]["vector"].dtype == torch.float64 and double.loads[1]["mask"].dtype == torch.bool
    single = double.to("cpu", torch.float32)
    assert_equal(single.goal, trials.goal)
    assert single.labels["go_time"].dtype == torch.float64 and single.labels["is_catch"].dtype == torch.bool


def test_trials_cannot_be_changed_by_accident(trials):
    "They are frozen; a changed copy is made with dataclasses.replace."
    with pytest.raises(dataclasses.FrozenInstanceError):
        trials.goal = trials.start
    moved = dataclasses.replace(trials, goal=trials.goal + 1)
    assert_equal(moved.goal, trials.goal + 1)


def test_trials_are_equal_where_every_number_is(trials):
    "NaN included; comparing never raises, and equal ones have the same hash."
    again = trials.select(slice(None))
    assert trials == again and hash(trials) == hash(again) and len({trials, again}) == 1
    assert (trials.labels["go_time"].isnan().any() or trials.labels["is_catch"].sum() == 0) and trials != "trials"
    goal = trials.goal.clone()
    goal[3, 1] += 1e-6
    assert dataclasses.replace(trials, goal=goal) != trials
    goal[3, 1] = torch.nan
    with_nan = dataclasses.replace(trials, goal=goal)
    assert with_nan == dataclasses.replace(trials, goal=goal.clone()) and with_nan != trials
    assert trials.select([0, 1, 2]) != trials and trials.to(torch.float64) != trials
    other = trials.labels | {"condition": ["other", *trials.labels["condition"][1:]]}
    assert dataclasses.replace(trials, labels=other) != trials
    loads = (trials.loads[0] | {"gain": 2 * trials.loads[0]["gain"]}, trials.loads[1])
    assert dataclasses.replace(trials, loads=loads) != trials


def test_the_same_seed_gives_equal_trials():
    "And another seed others."
    env = point_mass_world(DelayedReach(loads=[CurlField(2.0)]))
    assert env.sample(6, 1) == env.sample(6, 1) and env.sample(6, 1) != env.sample(6, 2)
