"""Tasks: distributions, cues, catch trials, test sets, inputs, start postures."""

import json
import math

import numpy as np
import pytest
import torch
from drawn import BODIES, STEPS, draw, hand
from worlds import arm, assert_equal

import motornet_nb as mn
from motornet_nb import (
    CenterOutReach,
    CurlField,
    DelayedReach,
    ForcePulse,
    PosturalHold,
    RandomTargetReach,
    Streams,
    from_config,
)
from motornet_nb.body.posture import default_posture


def uniform(values, low, high, sigmas=5):
    "Whether values look uniform between two limits: range, mean, and counts in ten bins."
    values = values.double()
    assert values.min() >= low - 1e-6 and values.max() <= high + 1e-6
    n = len(values)
    counts = torch.histc(values, 10, low, high)
    assert (counts - n / 10).abs().max() < sigmas * math.sqrt(n * 0.09)


@pytest.mark.parametrize("task", [RandomTargetReach(), DelayedReach()], ids=lambda t: type(t).__name__)
@pytest.mark.parametrize("body", BODIES)
def test_starts_and_targets_are_uniform_in_joint_space(task, body):
    "Postures fill the joint ranges at rest; targets are the endpoints of such postures, independent of the starts."
    effector = BODIES[body]
    trials = draw(task, 3000, body=body)
    for j in range(2):
        uniform(trials.joint_state[:, j], float(effector.pos_lower_bound[j]), float(effector.pos_upper_bound[j]))
    assert not trials.joint_state[:, 2:].any()
    assert_equal(trials.start, hand(effector, trials.joint_state))
    goal = hand(effector, effector.draw_joint_state(3000, torch.Generator().manual_seed(5)))
    for axis in range(2):  # same distribution as independently drawn hands
        a, b = trials.goal[:, axis].sort().values, goal[:, axis].sort().values
        assert (a - b).abs().mean() < 0.05 * (b.max() - b.min())
    correlation = torch.corrcoef(torch.cat((trials.start, trials.goal), 1).T)[:2, 2:]
    assert correlation.abs().max() < 5 / math.sqrt(3000)


def test_go_times_are_uniform_over_the_trial():
    "Every step of the trial may be the go, T itself excluded; a range limits it."
    trials = draw(DelayedReach(catch_fraction=0.0), 5000)
    go = (trials.labels["go_time"] / 0.01).round()
    assert go.min() == 0 and go.max() == STEPS - 1
    uniform(go + 0.5, 0, STEPS)
    assert set(trials.labels["go_time"].tolist()) <= {round(k * 0.01, 12) for k in range(STEPS)}
    trials = draw(DelayedReach(catch_fraction=0.0, go_range=[0.2, 0.3]), 500)
    assert set((trials.labels["go_time"] / 0.01).round().long().tolist()) == set(range(20, 30))
    fixed = draw(DelayedReach(catch_fraction=0.0, go_range=[0.1, 0.1]), 5)
    assert torch.allclose(fixed.labels["go_time"], torch.tensor(0.1, dtype=torch.float64))


def test_immediate_reach():
    "The only input is the goal, which is where the endpoint should be from the first moment on."
    trials = draw(RandomTargetReach(), 5)
    goal = trials.goal[:, None].expand(5, STEPS + 1, 2).contiguous()
    assert_equal(trials.inputs, goal)
    assert_equal(trials.target, goal)
    assert not trials.go_cue.any() and not trials.labels["is_catch"].any()
    assert RandomTargetReach().input_labels(BODIES["arm"]) == ["goal x", "goal y"]


def test_centre_out_test_set():
    "Every target once, in order, on the circle, go at 100 ms, no catch trials, from (45, 90) degrees."
    trials = draw(CenterOutReach(), None, split="test")
    assert len(trials) == 8 and not trials.labels["is_catch"].any()
    torch.testing.assert_close(trials.start, torch.tensor([[-0.01697, 0.45396]]).expand(8, 2), atol=1e-5, rtol=0)
    angle = torch.arange(8) * math.pi / 4
    want = trials.start + 0.1 * torch.stack((angle.cos(), angle.sin()), 1)
    torch.testing.assert_close(trials.goal, want, atol=1e-6, rtol=0)
    assert_equal(trials.labels["target_direction"], torch.arange(8).double() * math.pi / 4)
    assert (trials.labels["go_time"] == 0.1).all() and (trials.go_cue.sum(1) == 10).all()
    assert trials.labels["condition"] == ["reach"] * 8
    degrees = np.degrees(trials.joint_state[0].numpy())
    np.testing.assert_allclose(degrees, [45, 90, 0, 0], atol=1e-5)


def test_centre_out_arguments():
    "Number, distance, first angle, posture and go time are used; more trials than targets go round again."
    task = CenterOutReach(n_targets=24, distance=0.05, first_angle=0.3, start_posture=[0.9, 1.2], go_time=0.25)
    trials = draw(task, 30, split="test")
    reach = trials.goal - trials.start
    torch.testing.assert_close(reach.norm(dim=1), torch.full((30,), 0.05), atol=1e-6, rtol=0)
    want = (0.3 + 2 * math.pi * torch.arange(30) / 24) % (2 * math.pi)
    torch.testing.assert_close(trials.labels["target_direction"], want.double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(trials.joint_state[0], torch.tensor([0.9, 1.2, 0, 0]))
    assert (trials.go_cue.sum(1) == 25).all() and len(draw(task, None, split="test")) == 24


def test_centre_out_training_draws_targets_at_random():
    "Each of the test targets, about equally often, half of them as catch trials."
    trials = draw(CenterOutReach(), 800)
    test = draw(CenterOutReach(), None, split="test")
    which = (trials.goal[:, None] - test.goal).norm(dim=-1).min(1)
    assert which.values.max() < 1e-5
    counts = torch.bincount(which.indices, minlength=8)
    assert (counts - 100).abs().max() < 5 * math.sqrt(800 / 8 * 7 / 8) and int(trials.labels["is_catch"].sum()) == 400


def test_point_mass_starts_in_the_middle():
    "Without a posture, a body that is no arm starts in the middle of its ranges."
    trials = draw(CenterOutReach(), None, split="test", body="point mass")
    assert not trials.joint_state.any() and torch.allclose(trials.goal[0], torch.tensor([0.1, 0.0]))
    torch.testing.assert_close(default_posture(BODIES["arm"]), torch.tensor([math.pi / 4, math.pi / 2]).double())


def test_hold():
    "The target is the start, no cue comes; postures are random in training, the given one in the test set."
    trials = draw(PosturalHold(), 500)
    uniform(trials.joint_state[:, 0], 0, math.radians(135))
    assert_equal(trials.goal, trials.start)
    assert (trials.go_cue == 1).all() and trials.labels["condition"] == ["hold"] * 500
    assert_equal(trials.target, trials.start[:, None].expand(500, STEPS + 1, 2).contiguous())
    test = draw(PosturalHold(start_posture=[1.0, 1.5], n_test_trials=4), None, split="test")
    assert len(test) == 4
    torch.testing.assert_close(test.joint_state, torch.tensor([[1.0, 1.5, 0, 0]]).expand(4, 4))
    pushed = draw(PosturalHold(loads=[ForcePulse(6.0, direction="around")]), None, split="test")
    assert len({tuple(v) for v in pushed.loads[0]["vector"].tolist()}) == 8


@pytest.mark.parametrize(
    "task", [RandomTargetReach(), DelayedReach(), CenterOutReach(), PosturalHold()], ids=lambda t: type(t).__name__
)
def test_start_can_be_imposed(task):
    "One row or a row a trial, positions alone or with velocities; the goals of random targets stay as they were."
    task = task.replace(distance=0.01) if isinstance(task, CenterOutReach) else task
    free = draw(task, 6)
    for given in (
        [0.8, 1.2],
        [[0.8, 1.2, 0.1, -0.2]],
        0.4 + torch.arange(12).reshape(6, 2) / 20,
        np.random.default_rng(0).uniform(0.6, 1, (6, 4)),
    ):
        trials = draw(task, 6, joint_state=given)
        want = torch.as_tensor(given, dtype=torch.float32).reshape(-1, np.shape(given)[-1]).expand(6, -1)
        assert_equal(trials.joint_state[:, : want.shape[1]], want.contiguous())
        assert_equal(trials.start, hand(BODIES["arm"], trials.joint_state))
        if "Random" in type(task).__name__ or "Delayed" in type(task).__name__:
            assert_equal(trials.goal, free.goal)
    for wrong in ([5.0, 5.0], [0.1], [[0.5, 0.5]] * 4, "here", [float("nan"), 0.5]):
        with pytest.raises(ValueError, match="joint_state"):
            draw(task, 6, joint_state=wrong)


def test_the_same_seed_gives_the_same_trials():
    "Bit for bit; another seed, another batch or the other split gives other ones."
    task = DelayedReach(loads=[ForcePulse([1.0, 2.0])])

    def everything(trials):
        return torch.cat((trials.joint_state, trials.goal, trials.go_cue, trials.loads[0]["vector"]), 1)

    first = everything(draw(task, seed=4))
    assert_equal(everything(draw(task, seed=4)), first)
    assert not torch.equal(everything(draw(task, seed=5)), first)
    assert not torch.equal(everything(task.sample(64, BODIES["arm"], STEPS, Streams(4, 1))), first)


def test_precision_does_not_change_the_trials():
    "The same numbers are drawn for a float64 body, and rounded later."
    single, double = (DelayedReach().sample(9, body, STEPS, Streams(2)) for body in (arm(), arm().double()))
    assert double.goal.dtype == torch.float64
    torch.testing.assert_close(double.goal.float(), single.goal, atol=1e-6, rtol=0)
    assert_equal(double.go_cue.float(), single.go_cue)


def test_sizes_of_test_sets():
    "Each task says how many test trials there are."
    for task, n in (
        (RandomTargetReach(), 64),
        (DelayedReach(n_test_trials=10), 10),
        (CenterOutReach(n_targets=5), 5),
        (PosturalHold(), 8),
    ):
        assert len(draw(task, None, split="test")) == task.n_test() == n
        assert len(draw(task, None, split="train")) == 64
        assert len(draw(task, 3, split="test")) == 3
    assert not draw(DelayedReach(), None, split="test").labels["is_catch"].any()


def test_targets_out_of_reach_are_refused():
    "A distance or a posture that puts a target where the body cannot get."
    for task in (CenterOutReach(distance=0.4), CenterOutReach(start_posture=[0.8, 0.02], n_targets=16)):
        with pytest.raises(ValueError, match=r"distance .* reach every target"):
            draw(task, None, split="test")


def test_cues_after_the_end_are_refused():
    "A go time, or a range of go times, that the trial is too short for."
    with pytest.raises(ValueError, match=r"go_time .*within the trial \(0 to 0.05 s\)"):
        draw(CenterOutReach(), 4, steps=5)
    with pytest.raises(ValueError, match=r"go_range .*within the trial \(0 to 0.2 s\)"):
        draw(DelayedReach(go_range=[0.1, 0.3]), 4, steps=20)


@pytest.mark.parametrize(
    ("task", "match"),
    [
        (CenterOutReach(go_time=0.015), r"go_time = 0.015 .* such as 0.01 or 0.02 s"),
        (CenterOutReach(go_time=0.004), r"go_time = 0.004 .* such as 0 or 0.01 s"),
        (DelayedReach(go_range=[0.105, 0.2]), r"go_range = 0.105 .* such as 0.1 or 0.11 s"),
        (DelayedReach(go_range=[0.1, 0.199]), r"go_range = 0.199 .* such as 0.19 or 0.2 s"),
    ],
    ids=str,
)
def test_cues_between_two_steps_are_refused(task, match):
    "When an environment is made, and when a task is used on its own; at a finer step they are what was asked for."
    with pytest.raises(ValueError, match=match):
        mn.Environment(BODIES["point mass"], task, duration=0.5)
    with pytest.raises(ValueError, match=match):
        draw(task, 4)
    env = mn.Environment(mn.ReluPointMass24(timestep=0.001), task.replace(catch_fraction=0.0), duration=0.5)
    go = env.sample(300, 0, "train").labels["go_time"]
    low, high = (x if isinstance(x, float) else float(x) for x in task.go_window())
    assert low - 1e-9 <= float(go.min()) <= float(go.max()) <= high + 1e-9
    assert float(go.min()) == pytest.approx(low, abs=0.003) and float(go.max()) == pytest.approx(high, abs=0.003)


WRONG = [
    (RandomTargetReach, {"n_test_trials": 0}, "n_test_trials"),
    (DelayedReach, {"catch_fraction": 1.5}, "catch_fraction"),
    (DelayedReach, {"go_range": [0.3, 0.1]}, "go_range"),
    (DelayedReach, {"go_range": [0.3]}, "go_range"),
    (DelayedReach, {"go_range": [-0.1, 0.1]}, "go_range"),
    (DelayedReach, {"cue": "shout"}, "cue"),
    (CenterOutReach, {"n_targets": 0}, "n_targets"),
    (CenterOutReach, {"distance": -0.1}, "distance"),
    (CenterOutReach, {"go_time": float("nan")}, "go_time"),
    (CenterOutReach, {"first_angle": "up"}, "first_angle"),
    (PosturalHold, {"start_posture": [[0.1, 0.2]]}, "start_posture"),
]


@pytest.mark.parametrize(("kind", "arguments", "name"), WRONG)
def test_wrong_arguments_are_refused(kind, arguments, name):
    "The message names the class, the argument and what is allowed."
    with pytest.raises(ValueError, match=rf"{kind.__name__}: {name} = .* it must be "):
        kind(**arguments)


TASKS = [
    RandomTargetReach(n_test_trials=5),
    DelayedReach(
        catch_fraction=0.25, go_range=[0.1, 0.4], cue="target jump", loads=[CurlField(8.0), ForcePulse([0.0, 4.0])]
    ),
    CenterOutReach(n_targets=24, distance=0.05, start_posture=[0.5, 1.0], first_angle=0.1, loads=[CurlField(-3.0)]),
    PosturalHold(start_posture=[0.5, 1.0], n_test_trials=3),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda t: type(t).__name__)
def test_configuration_round_trip(task):
    "Through JSON and as printed Python, loads included; the rebuilt task draws the same trials."
    again = from_config(json.loads(json.dumps(task.to_config())))
    assert again == task and eval(repr(task), vars(mn)) == task
    assert task != task.replace(loads=[CurlField(99.0)])
    assert_equal(draw(again, 7).target, draw(task, 7).target)


def test_all_directions_alike():
    "Of an arm, whose random reaches are not; starts, goals and the label agree."
    body = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())

    def resultant(task):
        trials = mn.Environment(body, task, duration=0.5).sample(3000, 1, "train")
        toward = trials.goal - trials.start
        angle = torch.atan2(toward[:, 1], toward[:, 0]).double()
        torch.testing.assert_close(angle % (2 * torch.pi), trials.labels["target_direction"], atol=1e-5, rtol=0)
        return float(torch.polar(torch.ones_like(angle), 2 * angle).mean().abs())

    assert resultant(mn.DelayedReach()) > 0.2 and resultant(mn.UniformDirectionReach()) < 0.05


def test_directions_alike_from_a_start_that_is_given():
    "Goals are chosen; the start is the one that was asked for. A body on a line has no directions."
    env = mn.Environment(mn.ReluPointMass24(), mn.UniformDirectionReach(n_candidates=8), duration=0.3)
    trials = env.sample(64, 0, "test", joint_state=[[0.1, -0.2]])
    assert (
        torch.allclose(trials.start, torch.tensor([[0.1, -0.2]]).expand(64, 2)) and len(trials.goal.unique(dim=0)) > 60
    )
    line = mn.Effector(mn.PointMass(space_dim=1), mn.ReluMuscle(), name="line")
    with pytest.raises(ValueError, match="moves in a plane"):
        mn.UniformDirectionReach().sample(4, line, 10, mn.Streams(0), "train")
