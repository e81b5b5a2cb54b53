"""Responses to perturbations, from hands and muscles whose course is known."""

import math

import numpy as np
import pytest
import xarray as xr
from worlds import arm, network

import motornet_nb as mn
from motornet_nb.results.kinematics import reach_kinematics
from motornet_nb.results.responses import (
    muscle_responses,
    perturbation_response,
    perturbation_span,
    posture_kinematics,
    twin_distance,
)
from motornet_nb.results.twins import simulate_twin

ONSET, END, STEP = 0.2, 0.3, 0.01
TIME = np.arange(1, 81) * STEP
PUSHES = np.array([[6.0, 0.0], [0.0, 4.0], [0.0, 0.0]])  # N: to the right, ahead, none


def bump(peak_time=0.15, width=0.1, left_over=0.0):
    "A course that is 0 until the onset, 1 at its peak, and comes back to `left_over`."
    since = np.clip(TIME - ONSET, 0, None)
    rise = np.clip(since / peak_time, 0, 1)
    fall = 1 - (1 - left_over) * np.clip((since - peak_time) / width, 0, 1)
    return rise * fall


def pushed(size=0.03, course=None, goal=(0.0, 0.1), drift=0.0):
    "Three trials: the hand is pushed aside by `size` times a course, along the force; and the twins, which stay where they are."
    course = bump() if course is None else course
    n, along = len(PUSHES), PUSHES / np.maximum(np.linalg.norm(PUSHES, axis=1, keepdims=True), 1e-9)
    start = np.tile([0.1, 0.4], (n, 1))
    rest = start[:, None] + drift * TIME[:, None] * np.array([0.0, -1.0])
    acts = (ONSET + 1e-9 < TIME) & (END + 1e-9 > TIME)
    moved = rest + size * course[:, None] * along[:, None]

    def dataset(hand, load):
        variables = {
            "endpoint_position": (("trial", "time", "space"), hand),
            "endpoint_velocity": (("trial", "time", "space"), np.gradient(hand, STEP, axis=1)),
            "endpoint_load": (("trial", "time", "space"), load),
            "target_position": (("trial", "time", "space"), np.tile((start + goal)[:, None], (1, 80, 1))),
            "start_position": (("trial", "space"), start),
            "goal_position": (("trial", "space"), start + goal),
        }
        labels = {"trial": [3, 4, 5], "time": TIME, "space": ["x", "y"], "condition": ("trial", ["a", "b", "c"])}
        return xr.Dataset(variables, labels)

    return dataset(moved, acts[:, None] * PUSHES[:, None]), dataset(rest, np.zeros_like(moved))


def with_muscles(ds, twin, courses):
    "The same with activations: 0.2 in the twin, and that plus a course for each muscle."
    names = [f"m{i}" for i in range(len(courses))]
    base = np.full((3, 80, len(courses)), 0.2)
    dims = ("trial", "time", "muscle")
    ds = ds.assign(activation=(dims, base + np.stack(courses, -1)[None])).assign_coords(muscle=names)
    return ds, twin.assign(activation=(dims, base)).assign_coords(muscle=names)


def networks(*each):
    "Datasets as those of replicates."
    return xr.concat(each, "replicate").assign_coords(replicate=np.arange(len(each)))


# ---- the hand ------------------------------------------------------------------------------------------------------


def test_span_of_the_force():
    ds, twin = pushed()
    span = perturbation_span(ds, twin)
    np.testing.assert_allclose(span["onset"], [ONSET, ONSET, np.nan])
    np.testing.assert_allclose(span["end"], [END, END, np.nan])
    constant = ds.assign(endpoint_load=ds["endpoint_load"] + 2.0)
    same = perturbation_span(constant, twin.assign(endpoint_load=twin["endpoint_load"] + 2.0))
    xr.testing.assert_allclose(same, span)  # what both have is no perturbation
    np.testing.assert_allclose(perturbation_span(constant)["onset"], [0, 0, 0])
    torque = ds.drop_vars("endpoint_load").assign(
        joint_load=(("trial", "time", "joint"), ds["endpoint_load"].values * 0.1)
    )
    xr.testing.assert_allclose(perturbation_span(torque), span)


def test_a_deviation_that_is_known():
    ds, twin = pushed(course=bump(left_over=0.4))
    found = perturbation_response(ds, twin)
    np.testing.assert_allclose(found["peak_deviation"], [0.03, 0.03, np.nan])
    np.testing.assert_allclose(found["time_to_peak"], [0.15, 0.15, np.nan])
    np.testing.assert_allclose(found["left_over"], [0.012, 0.012, np.nan])
    np.testing.assert_allclose(found["left_over_target"], [math.hypot(0.012, 0.1), 0.088, 0.1])
    assert np.isnan(found["return_time"]).all()  # 1.2 cm is left
    assert found["peak_deviation"].attrs["units"] == "m" and list(found["trial"]) == [3, 4, 5]
    assert list(found["condition"].values) == ["a", "b", "c"]


def test_the_force_and_its_side():
    found = perturbation_response(*pushed())
    np.testing.assert_allclose(found["magnitude"], [6, 4, np.nan])
    np.testing.assert_allclose(found["direction"], [0, math.pi / 2, np.nan])
    np.testing.assert_allclose(found["relative_direction"], [-math.pi / 2, 0, np.nan])  # the reach goes ahead
    assert list(found["side"].values) == ["right", "", ""]
    rightward = perturbation_response(*pushed(goal=(0.1, 0.0)))
    assert list(rightward["side"].values) == ["", "left", ""]
    held = perturbation_response(*pushed(goal=(0.0, 0.0)))
    assert list(held["side"].values) == [""] * 3 and np.isnan(held["relative_direction"]).all()


def test_return_is_when_the_distance_stays_small():
    ds, twin = pushed()  # from 3 cm at 0.15 s back to 0 at 0.25 s: 1 cm is crossed at two thirds
    assert np.isclose(perturbation_response(ds, twin)["return_time"][0], 0.15 + 0.1 * 2 / 3)
    relative = perturbation_response(ds, twin, threshold=0.5, relative=True)
    assert np.isclose(relative["return_time"][0], 0.2)
    assert perturbation_response(ds, twin, threshold=0.04)["return_time"][0] == 0  # it never was as far
    again = bump() + 0.5 * ((TIME > 0.6) & (TIME < 0.65))
    assert np.isclose(perturbation_response(*pushed(course=again))["return_time"][0], 0.65 - ONSET, atol=0.011)


def test_distance_is_from_the_moving_twin():
    ds, twin = pushed(drift=0.05)
    np.testing.assert_allclose(twin_distance(ds, twin)[0], 0.03 * bump(), atol=1e-12)
    np.testing.assert_allclose(perturbation_response(ds, twin)["peak_deviation"][:2], 0.03)


def test_networks_side_by_side_and_a_single_trial():
    small, large = pushed(size=0.01), pushed(size=0.05)
    both = perturbation_response(networks(small[0], large[0]), networks(small[1], large[1]))
    assert both["peak_deviation"].dims == ("replicate", "trial")
    np.testing.assert_allclose(both["peak_deviation"][:, 0], [0.01, 0.05])
    one = perturbation_response(large[0].isel(trial=0), large[1].isel(trial=0))
    assert one["condition"] == "a" and one["peak_deviation"].dims == ("trial",)
    words = ["side", "condition"]
    xr.testing.assert_allclose(one.drop_vars(words), both.isel(replicate=1, trial=[0], drop=True).drop_vars(words))


def test_twins_of_a_simulation():
    env = mn.Environment(
        arm(),
        mn.CenterOutReach(loads=[mn.ForcePulse(5.0, direction="left", onset=0.1)]),
        duration=0.3,
        action_noise=0.05,
    )
    net = network(env)
    ds, twin = simulate_twin(net, env)
    found = perturbation_response(ds, twin)
    np.testing.assert_allclose(found["onset"], 0.1)
    np.testing.assert_allclose(found["end"], 0.2)
    np.testing.assert_allclose(found["relative_direction"], math.pi / 2, atol=1e-5)
    assert set(found["side"].values) == {"left"}
    gap = np.linalg.norm(ds["endpoint_position"].values.astype(float) - twin["endpoint_position"].values, axis=-1)
    np.testing.assert_allclose(found["peak_deviation"], gap.max(1), atol=1e-9)
    np.testing.assert_allclose(found["time_to_peak"], ds["time"].values[gap.argmax(1)] - 0.1, atol=1e-9)
    with pytest.raises(ValueError, match=r"(?s)twin = .*before the perturbation.*same noise"):
        perturbation_response(ds, mn.simulate(net, env.replace(task=mn.CenterOutReach()), seed=1))


@pytest.mark.parametrize(
    "change, word",
    [
        ({"twin": pushed()[1].isel(trial=[0])}, "twin"),
        ({"twin": pushed()[1].isel(time=slice(0, 40))}, "twin"),
        ({"threshold": 0.0}, "threshold"),
        ({"threshold": 2.0, "relative": True}, "threshold"),
    ],
)
def test_what_is_no_twin_is_refused(change, word):
    ds, twin = pushed()
    with pytest.raises(ValueError, match=f"(?s)perturbation_response: {word} = .*must be"):
        perturbation_response(**{"ds": ds, "twin": twin} | change)


# ---- muscles -------------------------------------------------------------------------------------------------------


def test_muscles_that_respond_early_late_and_not_at_all():
    since = TIME - ONSET
    step = np.where(since > 0.034, 0.1, 0.0)  # from the sample 40 ms after the onset on
    late = np.where((since > 0.094) & (since < 0.2), -0.05, 0.0)
    ds, twin = with_muscles(*pushed(), [step, late, np.full(80, 1e-4) * (since > 0)])
    found = muscle_responses(ds, twin)
    assert found["latency"].dims == ("trial", "muscle") and list(found["muscle"].values) == ["m0", "m1", "m2"]
    np.testing.assert_allclose(found["latency"][0], [0.04, 0.10, np.nan], atol=1e-9)
    np.testing.assert_allclose(found["short_latency"][0], [0.05, 0, 1e-4], atol=1e-9)  # of 30 and 40 ms one
    np.testing.assert_allclose(found["long_latency"][0], [0.1, 0, 1e-4], atol=1e-9)
    np.testing.assert_allclose(found["voluntary"][0], [0.1, -0.05, 1e-4], atol=1e-9)
    np.testing.assert_allclose(found["peak"][0], [0.1, -0.05, 1e-4], atol=1e-9)
    np.testing.assert_allclose(found["time_to_peak"][0, :2], [0.04, 0.10], atol=1e-9)
    assert all(np.isnan(found[name][2]).all() for name in found)  # the trial that was not perturbed
    assert np.isclose(muscle_responses(ds, twin, threshold=5e-5)["latency"][0, 2], STEP)
    both = muscle_responses(networks(ds, ds), networks(twin, twin))
    assert both["peak"].dims == ("replicate", "trial", "muscle")
    xr.testing.assert_allclose(both.isel(replicate=1, drop=True), found)


def test_windows_that_a_trial_does_not_hold():
    ds, twin = with_muscles(*pushed(), [np.where(TIME > ONSET, 0.1, 0.0)])
    found = muscle_responses(ds, twin, short_latency=(0.001, 0.005), voluntary=(0.1, 0.7))
    assert np.isnan(found["short_latency"]).all() and np.isnan(found["voluntary"]).all()
    np.testing.assert_allclose(found["long_latency"][0], 0.1)
    for arguments in ({"voluntary": (0.2, 0.1)}, {"long_latency": 0.1}, {"threshold": -1.0}, {"variable": "hidden"}):
        with pytest.raises(ValueError, match=f"(?s)muscle_responses: {next(iter(arguments))} = "):
            muscle_responses(ds, twin, **arguments)


def test_muscles_of_a_simulation_respond_after_the_delay_of_their_senses():
    pulse = mn.ForcePulse(20.0, direction="around", onset=0.1, duration=0.05)
    latencies = []
    for delay in (0.02, 0.06):
        task = mn.PosturalHold(loads=[pulse])
        env = mn.Environment(arm(), task, duration=0.4, proprioception_delay=delay, vision_delay=0.1)
        found = muscle_responses(*simulate_twin(network(env), env), threshold=1e-4)
        latencies.append(float(found["latency"].min()))
    assert latencies[0] > 0.02 and np.isclose(latencies[1] - latencies[0], 0.04)


# ---- postures ------------------------------------------------------------------------------------------------------


def test_a_posture_that_is_known():
    ds, _ = pushed(goal=(0.0, 0.0), course=bump(left_over=0.2))
    found = posture_kinematics(ds)
    np.testing.assert_allclose(found["onset"], [ONSET, ONSET, np.nan])
    np.testing.assert_allclose(found["peak_displacement"], [0.03, 0.03, 0], atol=1e-12)
    np.testing.assert_allclose(found["time_to_peak"][:2], 0.15)
    np.testing.assert_allclose(found["end_error"], [0.006, 0.006, 0], atol=1e-12)
    np.testing.assert_allclose(found["return_time"][:2], 0.15 + 0.1 * (1 - 1 / 3) / 0.8, atol=1e-9)
    np.testing.assert_allclose(found["path_length"], [0.03 + 0.024, 0.054, 0], atol=1e-12)
    np.testing.assert_allclose(found["end_speed"], 0, atol=1e-12)
    assert np.isnan(found["return_time"][2]) and found["end_speed"].attrs["units"] == "m/s"


def test_drift_is_how_far_the_hand_was_before_the_load():
    found = posture_kinematics(pushed(goal=(0.0, 0.0), drift=0.05)[0])
    np.testing.assert_allclose(found["drift"], [0.05 * ONSET, 0.05 * ONSET, 0.05 * 0.8])
    np.testing.assert_allclose(found["end_speed"], 0.05)


def test_trials_with_a_go_cue_are_left_to_reach_kinematics():
    ds, _ = pushed(goal=(0.0, 0.0))
    mixed = ds.assign_coords(go_time=("trial", [np.nan, 0.1, np.nan]))
    found = posture_kinematics(mixed)
    assert all(np.isnan(found[n][1]) and np.isfinite(found[n][0]) for n in found)
    assert "posture_kinematics" in reach_kinematics.__doc__


def test_held_postures_of_a_simulation():
    env = mn.Environment(arm(), mn.PosturalHold(n_test_trials=3), duration=0.2)
    ds = mn.simulate(network(env), env)
    found = posture_kinematics(networks(ds, ds))
    away = np.linalg.norm(ds["endpoint_position"].values - ds["start_position"].values[:, None], axis=-1)
    np.testing.assert_allclose(found["peak_displacement"], [away.max(1)] * 2, atol=1e-6)
    np.testing.assert_allclose(found["drift"], [away[:, -1]] * 2, atol=1e-6)
    np.testing.assert_allclose(found["end_error"][0], reach_kinematics(ds)["endpoint_error"], atol=1e-7)
    assert found["end_error"].dims == ("replicate", "trial") and np.isnan(found["onset"]).all()
    for arguments in ({"threshold": 0}, {"last": 0.0}):
        with pytest.raises(ValueError, match="posture_kinematics: "):
            posture_kinematics(ds, **arguments)
