"""Batches of trials: cues, catch trials, inputs."""

import math

import pytest
import torch
from drawn import BODIES, STEPS, draw
from worlds import assert_equal

from motornet_nb import (
    CenterOutReach,
    DelayedReach,
    PosturalHold,
    Streams,
)
from motornet_nb.task.assembly import catch_trials


@pytest.mark.parametrize("n", [1, 2, 7, 64, 65])
@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5, 1.0])
def test_catch_trials_are_exactly_as_many_as_asked(n, fraction):
    "floor(fraction n) of each batch, in changing places, for reaches and centre-out; their go time is NaN."
    for task in (DelayedReach(catch_fraction=fraction), CenterOutReach(catch_fraction=fraction)):
        trials = draw(task, n)
        catch = trials.labels["is_catch"]
        assert int(catch.sum()) == math.floor(fraction * n)
        assert_equal(torch.isnan(trials.labels["go_time"]), catch)
        assert [c == "catch" for c in trials.labels["condition"]] == catch.tolist()


def test_catch_trials_are_anywhere_in_the_batch():
    "Over batches each place is a catch trial equally often, whatever its go time would have been."
    places = sum(catch_trials(8, 0.5, Streams(s)["catch"]).double() for s in range(400)) / 400
    assert (places - 0.5).abs().max() < 5 * 0.5 / math.sqrt(400)


def test_desired_position_jumps_at_the_go_cue():
    "Start before the go cue, goal from it on; in catch trials the start throughout."
    trials = draw(DelayedReach(), 40)
    for i in range(40):
        go = STEPS + 1 if trials.labels["is_catch"][i] else round(float(trials.labels["go_time"][i]) / 0.01)
        want = torch.cat((trials.start[i].expand(go, 2), trials.goal[i].expand(STEPS + 1 - go, 2)))
        assert_equal(trials.target[i], want)
        assert trials.go_cue[i].tolist() == [1.0] * go + [0.0] * (STEPS + 1 - go)


@pytest.mark.parametrize("kind", [DelayedReach, CenterOutReach, PosturalHold])
def test_inputs_for_both_readings_of_the_cue(kind):
    "'start off': the target is visible throughout, start and cue vanish at the go; 'target jump': the target input is the desired position."
    for cue in ("start off", "target jump"):
        trials = draw(kind(cue=cue), 30)
        start, target, go = trials.inputs.split([2, 2, 1], -1)
        waiting = trials.go_cue[..., None]
        assert_equal(go, waiting)
        always_start = trials.start[:, None].expand_as(start)
        if cue == "start off":
            assert_equal(start, always_start * waiting)
            assert_equal(target, trials.goal[:, None].expand_as(target).contiguous())
        else:
            assert_equal(start, always_start.contiguous())
            assert_equal(target, trials.target)
    assert kind(cue=cue).input_labels(BODIES["arm"]) == ["start x", "start y", "target x", "target y", "go cue"]
