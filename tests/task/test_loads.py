"""Loads: when they act, in which direction, how strongly, and how they add up."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from worlds import arm, assert_equal, drives, network, point_mass_world, step_through

import motornet_nb as mn
from motornet_nb import (
    CenterOutReach,
    ConstantLoad,
    CurlField,
    DelayedReach,
    Environment,
    ForceChannel,
    ForcePulse,
    FunctionLoad,
    PosturalHold,
    RandomTargetReach,
    ReluPointMass24,
    from_config,
)
from motornet_nb.task.loads import Load, Motion

DT = 0.01
LOADS = [
    ConstantLoad(force_vector=[1.0, -2.0], onset=0.1, duration=0.2),
    ConstantLoad(torque_vector=[0.5, 0.1], trials="catch"),
    ForcePulse(3.0, direction="left", aligned_to="go cue", onset=0.07),
    ForcePulse([0.0, 4.0], onset_range=[0.1, 0.3], probability=0.5, trials="go"),
    CurlField(8.0),
    ForceChannel(stiffness=2000.0, wall_damping=60.0),
]


def delayed(load, n=200, duration=0.5, seed=0, split="train", **task):
    "Trials of a delayed reach of a point mass with one load, and what was drawn for it."
    env = point_mass_world(DelayedReach(loads=[load], **task), duration=duration)
    trials = env.sample(n, seed, split)
    return trials, trials.loads[0]


def recorded(load_or_loads, n=4, env_arguments=None, body=None, task=RandomTargetReach, **arguments):
    "A rollout with given loads."
    task = task(loads=load_or_loads)
    env = Environment(ReluPointMass24() if body is None else body, task, **{"duration": 0.3} | (env_arguments or {}))
    return mn.play(network(env), env, env.sample(n, 3, "train"), 3, **arguments)


def test_a_load_begins_and_ends_when_it_says():
    "Onset and duration are whole steps; without a duration it lasts to the end."
    for onset, duration, acting in (
        (0.0, None, range(50)),
        (0.1, 0.2, range(10, 30)),
        (0.14, 0.29, range(14, 43)),
        (0.45, 0.2, range(45, 50)),
    ):
        _, drawn = delayed(ConstantLoad(force_vector=[1.0, 0.0], onset=onset, duration=duration), n=3)
        assert drawn["gain"].shape == (3, 50)
        for row in drawn["gain"]:
            assert row.nonzero().flatten().tolist() == list(acting), (onset, duration)


def test_a_load_can_wait_for_the_go_cue():
    "Counted from the go cue of each trial; a trial without go cue, or with one too late for the load, has none."
    trials, drawn = delayed(ForcePulse(1.0, aligned_to="go cue", onset=0.07), catch_fraction=0.5)
    catch, go = trials.labels["is_catch"], trials.labels["go_time"]
    in_time = ~catch & (go.nan_to_num(1.0) < 0.425)
    assert_equal(drawn["mask"], in_time)
    assert 0 < int(in_time.sum()) < int((~catch).sum())
    assert ["ForcePulse" in c for c in trials.labels["condition"]] == in_time.tolist()
    assert not drawn["gain"][catch].any()
    for row, time in zip(drawn["gain"][~catch], go[~catch], strict=True):
        first = round(float(time) / DT) + 7
        assert row.nonzero().flatten().tolist() == list(range(first, min(first + 10, 50)))


TIMES = [
    ({"duration": 0.004}, r"duration = 0.004 .* 0.01 s, such as 0.01 s"),
    ({"duration": 1e-10}, r"duration = 1e-10 .* such as 0.01 s"),
    ({"duration": 0.015}, r"duration = 0.015 .* such as 0.01 or 0.02 s"),
    ({"duration": 0.025}, r"duration = 0.025 .* such as 0.02 or 0.03 s"),
    ({"onset": 0.004}, r"onset = 0.004 .* such as 0 or 0.01 s"),
    ({"onset": 0.015, "aligned_to": "go cue"}, r"onset = 0.015 .* such as 0.01 or 0.02 s"),
    ({"onset_range": [0.1, 0.215]}, r"onset_range = 0.215 .* such as 0.21 or 0.22 s"),
    ({"onset_range": [0.101, 0.2]}, r"onset_range = 0.101 .* such as 0.1 or 0.11 s"),
]


@pytest.mark.parametrize(("arguments", "match"), TIMES, ids=lambda x: str(x)[:40])
def test_times_between_two_steps_are_refused(arguments, match):
    "When the environment is made, and when a task is used on its own; the message has the nearest times."
    load = ForcePulse(1.0, **arguments)
    with pytest.raises(ValueError, match=match):
        point_mass_world(DelayedReach(loads=[load]), duration=0.5)
    with pytest.raises(ValueError, match=match):
        DelayedReach(loads=[load]).sample(4, ReluPointMass24(), 50, mn.Streams(0))
    fine = ReluPointMass24(timestep=0.0005)
    Environment(fine, DelayedReach(loads=[load.replace(duration=max(load.duration, 0.004))]), duration=0.5)


@pytest.mark.parametrize("timestep", [0.01, 0.005, 0.002, 0.0007])
@pytest.mark.parametrize("aligned_to", ["start", "go cue"])
def test_the_impulse_is_the_one_that_was_asked_for(timestep, aligned_to):
    "Whatever the step, a load acts as long as it says, and for as long in every trial it is drawn for."
    steps = 14
    load = ForcePulse(10.0, duration=steps * timestep, aligned_to=aligned_to, onset_range=[0.0, 20 * timestep])
    task = DelayedReach(loads=[load], go_range=[0.0, 50 * timestep], catch_fraction=0.0)
    drawn = Environment(ReluPointMass24(timestep=timestep), task, duration=100 * timestep).sample(200, 0).loads[0]
    torch.testing.assert_close(drawn["gain"].sum(1) * timestep, torch.full((200,), steps * timestep))
    assert len(drawn["gain"].argmax(1).unique()) > 15


def test_a_load_that_would_act_in_no_trial_is_refused():
    "An onset at the end or later, also counted from a go cue; where only some cues come too late it is accepted."
    late = ForcePulse(1.0, onset=0.3)
    for load, task, match in (
        (late, RandomTargetReach, r"onset = 0.3 .*before the end of a trial of 0.3 s"),
        (late.replace(onset=2.0), RandomTargetReach, r"onset = 2.0 .*before the end"),
        (late.replace(onset_range=[0.3, 0.4]), RandomTargetReach, r"onset_range = \[0.3, 0.4\] .*before the end"),
        (late.replace(onset=0.2, aligned_to="go cue"), CenterOutReach, r"onset = 0.2 .*with a go cue at 0.1 s"),
        (late.replace(onset=0.0, aligned_to="go cue"), PosturalHold, r"aligned_to = 'go cue' .*'start', as no trial"),
    ):
        env = point_mass_world(task(loads=[load]), duration=0.3)
        with pytest.raises(ValueError, match=match):
            env.sample(4)
    last = point_mass_world(RandomTargetReach(loads=[late.replace(onset=0.29)]), duration=0.3).sample(3).loads[0]
    assert last["gain"].nonzero()[:, 1].tolist() == [29] * 3
    some = point_mass_world(RandomTargetReach(loads=[late.replace(onset_range=[0.2, 0.4])]), duration=0.3)
    trials = some.sample(400, 1)
    drawn, begins = trials.loads[0], trials.loads[0]["gain"].any(1)
    assert_equal(drawn["mask"], begins)
    assert abs(begins.double().mean() - 0.475) < 4 * 0.5 / 20
    assert ["ForcePulse" in c for c in trials.labels["condition"]] == begins.tolist()


def test_a_load_can_be_limited_to_kinds_of_trials():
    "Catch trials, trials with a go cue, or all."
    for kind in ("catch", "go", "all"):
        trials, drawn = delayed(ConstantLoad(force_vector=[1.0, 0.0], trials=kind), n=40)
        catch = trials.labels["is_catch"]
        want = {"catch": catch, "go": ~catch, "all": torch.ones(40, dtype=torch.bool)}[kind]
        assert_equal(drawn["mask"], want)
        assert_equal(drawn["gain"].any(1), want)
        assert [("ConstantLoad" in c) for c in trials.labels["condition"]] == want.tolist()


def test_probability_is_independent_of_catch():
    "A load with probability p acts in that share of trials, of catch trials as of others."
    trials, drawn = delayed(ForcePulse(1.0, probability=0.3), n=4000)
    catch = trials.labels["is_catch"]
    for some in (catch, ~catch):
        assert abs(drawn["mask"][some].double().mean() - 0.3) < 4 * math.sqrt(0.21 / 2000)
    assert not delayed(ForcePulse(1.0, probability=0.0))[1]["mask"].any()
    assert delayed(ForcePulse(1.0, probability=1.0))[1]["mask"].all()


def test_pulse_directions():
    "A fixed angle, left or right of the reach, evenly around, or uniform."
    for direction, turn in (("left", math.pi / 2), ("right", -math.pi / 2)):
        trials, drawn = delayed(ForcePulse(2.0, direction=direction))
        reach = trials.goal - trials.start
        angle = torch.atan2(reach[:, 1], reach[:, 0]) + turn
        want = 2 * torch.stack((angle.cos(), angle.sin()), 1)
        torch.testing.assert_close(drawn["vector"], want, atol=1e-5, rtol=0)
    # to the right of an upward reach is rightward: positive x
    _, drawn = delayed(ForcePulse(2.0, direction=math.pi / 2), n=3)
    torch.testing.assert_close(drawn["vector"], torch.tensor([[0.0, 2.0]] * 3), atol=1e-6, rtol=0)
    _, drawn = delayed(ForcePulse(2.0, direction="around"), n=4)
    torch.testing.assert_close(drawn["vector"], torch.tensor([[2.0, 0], [0, 2], [-2, 0], [0, -2]]), atol=1e-6, rtol=0)
    _, drawn = delayed(ForcePulse(1.0, direction="random"), n=4000)
    angle = torch.atan2(drawn["vector"][:, 1], drawn["vector"][:, 0])
    counts = torch.histc(angle, 8, -math.pi, math.pi)
    assert (counts - 500).abs().max() < 5 * math.sqrt(500)


def test_pulse_ranges():
    "A pair is a uniform range, of magnitudes and of onsets; each trial has its own."
    _, drawn = delayed(ForcePulse([2.0, 6.0], onset_range=[0.1, 0.3]), n=4000)
    size = drawn["vector"].norm(dim=1)
    assert size.min() >= 2 - 1e-5 and size.max() <= 6 + 1e-5
    assert abs(size.mean() - 4) < 5 * (4 / math.sqrt(12)) / math.sqrt(4000)
    assert abs(size.std() - 4 / math.sqrt(12)) < 0.05
    first = drawn["gain"].argmax(1)
    assert first.min() == 10 and first.max() == 30 and set(first.tolist()) == set(range(10, 31))
    assert (drawn["gain"].sum(1) == 10).all()


def test_perturbation_of_the_paper():
    "Sideways at the go cue + 70 ms + visual delay, {3, 6} N for 100 ms, to the right of the reach."
    pulse = ForcePulse(6.0, direction="right", aligned_to="go cue", onset=0.12)
    env = Environment(arm(), CenterOutReach(loads=[pulse]), duration=0.8, vision_delay=0.05)
    trials = env.sample()
    loads = mn.play(network(env), env, trials)["endpoint_load"]
    assert loads.any(2).nonzero()[:, 1].unique().tolist() == list(range(22, 32))
    reach = (trials.goal - trials.start) / 0.1
    want = 6 * torch.stack((reach[:, 1], -reach[:, 0]), 1)
    torch.testing.assert_close(loads[:, 25], want, atol=1e-4, rtol=0)


def test_curl_field_pushes_to_the_left_of_the_motion():
    "f = b (-vy, vx) at every step, with the velocity at the start of the step; to the right for b < 0."
    for b in (8.0, -8.0):
        played = recorded(CurlField(b), body=arm())
        velocity, force = played["endpoint_velocity"][:, :-1], played["endpoint_load"][:, 1:]
        want = b * torch.stack((-velocity[..., 1], velocity[..., 0]), -1)
        torch.testing.assert_close(force, want, atol=1e-5, rtol=1e-5)
        assert not played["endpoint_load"][:, 0].any()  # it starts from rest
        left = velocity[..., 0] * force[..., 1] - velocity[..., 1] * force[..., 0]
        moving = velocity.norm(dim=-1) > 1e-3
        assert (left[moving] * b > 0).all() and moving.any()
        assert (force * velocity).sum(-1).abs().max() < 1e-4  # no work
    loaded, free = recorded(CurlField(20.0))["endpoint_position"], recorded(())["endpoint_position"]
    assert (loaded - free).abs().max() > 1e-3


def test_channel_keeps_the_hand_on_the_line_and_records_its_force():
    "A sideways push carries a relaxed arm far away, but only millimetres off the line of the channel, whose force opposes it."
    push = ConstantLoad(force_vector=[5.0, 0.0])

    def run(*loads):
        env = Environment(
            arm(), CenterOutReach(n_targets=1, first_angle=math.pi / 2, loads=[push, *loads]), duration=0.5
        )
        torch.manual_seed(0)
        return mn.play(mn.PolicyGRU(env.n_observations, 8, env.n_actions), env)

    free, held = run(), run(ForceChannel())
    aside = [(r["endpoint_position"] - r.trials.start[:, None])[..., 0].abs().max().item() for r in (free, held)]
    assert aside[0] > 0.2 and aside[1] < 0.008
    stiff = run(ForceChannel(stiffness=3000.0, wall_damping=60.0))
    assert (stiff["endpoint_position"] - stiff.trials.start[:, None])[..., 0].abs().max() < 0.003
    x = (stiff["endpoint_position"] - stiff.trials.start[:, None])[0, :, 0]
    vx = stiff["endpoint_velocity"][0, :, 0]
    force = stiff["channel_force"][0]
    # the upward line's normal points to the left (-x): the force is along x only
    torch.testing.assert_close(force[1:, 0], -(3000 * x + 60 * vx)[:-1], atol=2e-3, rtol=1e-3)
    assert force[:, 1].abs().max() < 1e-4
    torch.testing.assert_close(stiff["endpoint_load"][0], force + torch.tensor([5.0, 0.0]), atol=1e-4, rtol=0)
    assert "channel_force" not in set(free)


def test_channel_needs_enough_damping():
    "Walls that would shake at this timestep are refused."
    with pytest.raises(ValueError, match="wall_damping"):
        recorded(ForceChannel(stiffness=5000.0, wall_damping=50.0))
    recorded(ForceChannel(stiffness=5000.0, wall_damping=51.0))


def test_channel_without_a_line_does_nothing():
    "Where start and goal are the same, there is no line and no force."
    played = recorded(ForceChannel(), body=arm(), task=PosturalHold)
    assert not played["channel_force"].any() and torch.isfinite(played["endpoint_position"]).all()


def test_two_channels_add_up_in_the_record():
    "The recorded force is that of all channels together."
    one, two = recorded(ForceChannel(duration=0.1)), recorded([ForceChannel(duration=0.1), ForceChannel(onset=0.1)])
    assert_equal(one["channel_force"][:, :10], two["channel_force"][:, :10])
    assert not one["channel_force"][:, 10:].any() and two["channel_force"][:, 10:].any()
    assert_equal(two["channel_force"], two["endpoint_load"])


def test_loads_add_up():
    "Prescribed and motion-dependent loads of all kinds sum, on the endpoint and on the joints."
    a, b = ConstantLoad(force_vector=[1.0, 2.0]), ConstantLoad(force_vector=[0.5, -1.0], onset=0.1, duration=0.1)
    total = recorded([a, b])["endpoint_load"]
    want = torch.tensor([[1.0, 2.0]]).repeat(30, 1)
    want[10:20] += torch.tensor([0.5, -1.0])
    assert_equal(total, want.expand(4, -1, -1).contiguous())
    field, torque = CurlField(5.0), ConstantLoad(torque_vector=[0.3, 0.1])
    both = recorded([a, field, torque], body=arm())
    velocity = torch.cat((torch.zeros(4, 1, 2), both["endpoint_velocity"][:, :-1]), 1)
    curl = 5 * torch.stack((-velocity[..., 1], velocity[..., 0]), -1)
    torch.testing.assert_close(both["endpoint_load"], curl + torch.tensor([1.0, 2.0]), atol=1e-5, rtol=0)
    assert_equal(both["joint_load"], torch.tensor([0.3, 0.1]).expand(4, 30, 2).contiguous())


def test_a_force_that_is_given_in_two_ways_is_the_same():
    "Prescribed, as a function, and handed to step(): bit for bit the same motion, on the endpoint and on the joints."
    for on, vector in (("endpoint", [2.0, -1.0]), ("joint", [0.4, -0.2])):
        vector = torch.tensor(vector)
        constant = ConstantLoad(**{"force_vector" if on == "endpoint" else "torque_vector": vector})
        function = FunctionLoad(
            function=lambda state, time, trial, v=vector: v.expand(len(state.joint_position), 2), on=on
        )
        ways = []
        for loads, extra in (([constant], {}), ([function], {}), ([], {f"{on}_load": vector})):
            env = Environment(arm(), RandomTargetReach(loads=loads), duration=0.1)
            env.reset(seed=1, options={"batch_size": 3})
            for action in drives(env, 3):
                *_, info = env.step(action, **extra)
            ways.append(info["states"]["joint"])
        assert_equal(ways[0], ways[1])
        assert_equal(ways[0], ways[2])
        env = Environment(arm(), RandomTargetReach(), duration=0.1)
        free = step_through(env, drives(env, 3), seed=1, options={"batch_size": 3})[1][-1]["states"]["joint"]
        assert (free - ways[0]).abs().max() > 1e-4


def test_a_function_sees_state_time_and_trial():
    "Motion at the start of the step, time in seconds, start, goal and labels of each trial."
    seen = []

    def spy(state, time, trial):
        seen.append((state, float(time), trial))
        return trial["go_time"].nan_to_num()[:, None] * state.endpoint_velocity

    env = Environment(arm(), DelayedReach(loads=spy), duration=0.2)
    trials = env.sample(4, 1, "train")
    played = mn.play(network(env), env, trials)
    assert len(seen) == 20 and np.allclose([t for _, t, _ in seen], np.arange(20) * DT)
    assert_equal(seen[0][0].joint_position, trials.joint_state[:, :2])
    assert_equal(seen[7][0].joint_position, played["joint_position"][:, 6])
    assert_equal(seen[7][0].joint_velocity, played["joint_velocity"][:, 6])
    assert_equal(seen[7][0].endpoint_position, played["endpoint_position"][:, 6])
    torch.testing.assert_close(seen[7][0].endpoint_velocity, played["endpoint_velocity"][:, 6])
    trial = seen[3][2]
    assert_equal(trial["start"], trials.start)
    assert_equal(trial["goal"], trials.goal)
    assert_equal(trial["is_catch"], trials.labels["is_catch"])
    torch.testing.assert_close(trial["target_direction"], trials.labels["target_direction"].float())
    assert_equal(trial["gain"], torch.ones(4, 1))
    assert played["endpoint_load"].dtype == torch.float32
    assert played["endpoint_load"].shape == (4, 20, 2)


def test_a_function_with_a_timeline():
    "Wrapped, a function has onset and duration like any load."
    played = recorded(
        FunctionLoad(function=lambda s, t, trial: torch.ones_like(s.endpoint_position), onset=0.1, duration=0.05)
    )
    assert played["endpoint_load"].any(2).any(0).nonzero().flatten().tolist() == list(range(10, 15))


def test_loads_reach_learnable_quantities_in_the_graph():
    "Gradients flow through a force that depends on motion."
    env = Environment(arm(), RandomTargetReach(loads=[CurlField(5.0)]), duration=0.1)
    net = network(env)
    mn.play(net, env, env.sample(3))["endpoint_load"].square().sum().backward()
    assert net.weight_ih.grad.abs().sum() > 0


def test_loads_are_drawn_from_streams_of_their_own():
    "Adding a load changes neither the targets nor what is drawn for loads before it."
    pulse = ForcePulse([1.0, 5.0], probability=0.5)
    alone = point_mass_world(DelayedReach(loads=[pulse])).sample(20, 4, "train")
    both = point_mass_world(DelayedReach(loads=[pulse, pulse])).sample(20, 4, "train")
    none = point_mass_world(DelayedReach()).sample(20, 4, "train")
    assert_equal(alone.goal, none.goal)
    assert_equal(alone.go_cue, none.go_cue)
    assert_equal(both.loads[0]["vector"], alone.loads[0]["vector"])
    assert not torch.equal(both.loads[1]["vector"], alone.loads[0]["vector"])


@pytest.mark.parametrize("load", LOADS, ids=lambda load: type(load).__name__)
def test_configuration_round_trip(load):
    "Through JSON, and as printed Python."
    assert from_config(json.loads(json.dumps(load.to_config()))) == load
    assert eval(repr(load), vars(mn)) == load
    assert load != load.replace(onset=load.onset + 0.5)


def test_a_function_cannot_be_saved():
    "The message says why."
    with pytest.raises(TypeError, match=r"FunctionLoad\.function .* cannot be written"):
        FunctionLoad(function=len).to_config()


WRONG = [
    (ConstantLoad, {}, "force_vector"),
    (ConstantLoad, {"force_vector": [1.0, 0.0], "torque_vector": [1.0, 0.0]}, "force_vector"),
    (ConstantLoad, {"force_vector": [1.0, float("inf")]}, "force_vector"),
    (ForcePulse, {"magnitude": [1.0, 2.0, 3.0]}, "magnitude"),
    (ForcePulse, {"magnitude": [2.0, 1.0]}, "magnitude"),
    (ForcePulse, {"magnitude": 1.0, "direction": "up"}, "direction"),
    (ForcePulse, {"magnitude": 1.0, "onset_range": [0.1]}, "onset_range"),
    (ForcePulse, {"magnitude": 1.0, "onset_range": [0.2, 0.1]}, "onset_range"),
    (ForcePulse, {"magnitude": 1.0, "duration": 0.0}, "duration"),
    (ForcePulse, {"magnitude": 1.0, "onset": -0.1}, "onset"),
    (CurlField, {"strength": "strong"}, "strength"),
    (CurlField, {"strength": 1.0, "probability": 1.5}, "probability"),
    (CurlField, {"strength": 1.0, "trials": "some"}, "trials"),
    (CurlField, {"strength": 1.0, "aligned_to": "end"}, "aligned_to"),
    (ForceChannel, {"stiffness": 0.0}, "stiffness"),
    (FunctionLoad, {"function": 3}, "function"),
    (FunctionLoad, {"function": len, "on": "muscle"}, "on"),
]


@pytest.mark.parametrize(("kind", "arguments", "name"), WRONG)
def test_wrong_arguments_are_refused(kind, arguments, name):
    "The message names the class, the argument and what is allowed."
    with pytest.raises(ValueError, match=rf"{kind.__name__}: {name} = .* it must be "):
        kind(**arguments)


def test_loads_that_do_not_fit_the_body_are_refused():
    "A vector of the wrong size, planar loads in space, things that are no load."
    for load, name in (
        (ConstantLoad(force_vector=[1.0, 2, 3]), "force_vector"),
        (ConstantLoad(torque_vector=[1.0]), "torque_vector"),
    ):
        with pytest.raises(ValueError, match=rf"{name}.*2 numbers"):
            recorded(load)
    line = mn.Effector(mn.PointMass(1), mn.ReluMuscle())
    line.add_muscle([0, 1], [[1.0], [0.0]]).add_muscle([0, 1], [[-1.0], [0.0]])
    for load, name in ((ForcePulse(1.0), "direction"), (CurlField(1.0), "strength"), (ForceChannel(), "stiffness")):
        with pytest.raises(ValueError, match=rf"{name}.*plane"):
            recorded(load, body=line)
    with pytest.raises(ValueError, match=r"loads .*list of Load"):
        RandomTargetReach(loads=[3])


def test_a_load_of_ones_own():
    "A subclass declares its parameters and says what the force is; the timeline comes with it."

    class Spring(Load):
        "Pulls the endpoint back to its start."

        stiffness = mn.parameters.quantity(100.0, "N/m", "stiffness")
        depends_on_motion = True

        def sample(self, trials, generator):
            return super().sample(trials, generator) | {"origin": trials.start}

        def force(self, motion, time, drawn):
            return float(self.stiffness) * (drawn["origin"] - motion.endpoint_position)

    played = recorded(Spring(stiffness=50.0, onset=0.05))
    away = played.trials.start - played["endpoint_position"][:, 9]
    torch.testing.assert_close(played["endpoint_load"][:, 10], 50 * away)
    assert not played["endpoint_load"][:, :5].any()


def test_the_base_class_asks_for_a_force():
    "A load without force() says so."
    with pytest.raises(NotImplementedError, match="force"):
        Load().force(Motion(*[torch.zeros(1, 2)] * 4), torch.zeros(1), {})


def test_trials_keep_the_loads_that_were_drawn():
    "Replaying trials replays their loads; changed data changes the motion."
    env = point_mass_world(RandomTargetReach(loads=[ForcePulse([1.0, 5.0])]))
    net, trials = network(env), env.sample(5, 2, "train")
    first, again = mn.play(net, env, trials, 0), mn.play(net, env, trials, 99)
    assert_equal(first["endpoint_position"], again["endpoint_position"])
    silent = dataclasses.replace(
        trials, loads=({**trials.loads[0], "gain": torch.zeros_like(trials.loads[0]["gain"])},)
    )
    assert not mn.play(net, env, silent)["endpoint_load"].any()
