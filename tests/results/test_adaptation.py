"""Adaptation, from movements and forces that are known, and from channels whose walls are."""

import math

import numpy as np
import pytest
import torch
import xarray as xr
from worlds import arm, network

import motornet_nb as mn
from motornet_nb.results.adaptation import (
    adaptation_index,
    adaptation_rate,
    after_effect,
    channel_profile,
    force_compensation,
    lateral_deviation_at,
    learning_curve,
    share_left,
)
from motornet_nb.results.kinematics import lateral_deviation, reach_kinematics, reach_measure

DIRECTIONS = np.array([0.3, 1.9, 4.0])


def reaches(slope=0.0, bow=0.0, offset=0.0, directions=DIRECTIONS, go_time=0.1, dt=0.01):
    """Minimum-jerk reaches that begin 0.1 s after the go cue, bowed to the left, and pushed by walls with a force to the left.

    That force is `slope` times the velocity along the line at the start of each step, plus `offset`; `slope` and `bow` may differ between trials."""
    time = np.arange(1, round(1 / dt) + 1) * dt
    tau = np.clip((time - go_time - 0.1) / 0.5, 0, 1)
    along, rate = 10 * tau**3 - 15 * tau**4 + 6 * tau**5, (30 * tau**2 - 60 * tau**3 + 30 * tau**4) / 0.5
    n = len(directions)
    slope, bow = np.broadcast_to(slope, n), np.broadcast_to(bow, n)
    ahead = np.stack((np.cos(directions), np.sin(directions)), -1)
    left = np.stack((-ahead[:, 1], ahead[:, 0]), -1)
    beside, turn = (bow[:, None] * f(math.pi * along) for f in (np.sin, lambda x: math.pi * np.cos(x) * rate))
    start = np.tile([0.1, 0.4], (n, 1))
    position = start[:, None] + 0.1 * along[:, None] * ahead[:, None] + beside[..., None] * left[:, None]
    velocity = 0.1 * rate[:, None] * ahead[:, None] + turn[..., None] * left[:, None]
    before = 0.1 * np.concatenate(([0.0], rate[:-1]))
    force = (slope[:, None] * before + offset)[..., None] * left[:, None]
    variables = {
        "endpoint_position": (("trial", "time", "space"), position),
        "endpoint_velocity": (("trial", "time", "space"), velocity),
        "channel_force": (("trial", "time", "space"), force),
        "start_position": (("trial", "space"), start),
        "goal_position": (("trial", "space"), start + 0.1 * ahead),
    }
    coordinates = {
        "trial": np.arange(n),
        "time": time,
        "space": ["x", "y"],
        "target_direction": ("trial", directions),
        "go_time": ("trial", np.full(n, go_time)),
    }
    return xr.Dataset(variables, coordinates)


def networks(*each):
    "Datasets as those of replicates."
    return xr.concat(each, "replicate").assign_coords(replicate=np.arange(len(each)))


@pytest.fixture(scope="module")
def channel():
    "Reaches of a network that was never trained, in a channel."
    walls = mn.ForceChannel(stiffness=3000.0, wall_damping=60.0)
    env = mn.Environment(arm(), mn.CenterOutReach(n_targets=5, first_angle=0.4, loads=[walls]), duration=0.4)
    return mn.simulate(network(env), env)


# ---- channels ------------------------------------------------------------------------------------------------------


def test_a_slope_that_is_known():
    found = force_compensation(reaches(slope=[5.0, -1.0, 8.0]), 8.0)
    np.testing.assert_allclose(found["slope"], [5, -1, 8])
    np.testing.assert_allclose(found["compensation"], [0.625, -0.125, 1])
    np.testing.assert_allclose(found["r_squared"], 1)
    assert found["slope"].attrs["units"] == "N s/m" and found["slope"].dims == ("trial",)
    np.testing.assert_allclose(found["target_direction"], DIRECTIONS)
    np.testing.assert_allclose(force_compensation(reaches(slope=-5.0), -10.0)["compensation"], 0.5)


def test_the_force_of_a_step_belongs_to_the_sample_before():
    "Without the offset a slope of 5 is another one, and more so with longer steps."
    for dt, error in ((0.01, 0.002), (0.04, 0.03)):
        ds = reaches(slope=5.0, dt=dt)
        profile = channel_profile(ds)
        np.testing.assert_allclose(profile["step_begin"], ds["time"] - dt, atol=1e-12)
        ahead = np.stack((np.cos(DIRECTIONS), np.sin(DIRECTIONS)), -1)
        same_sample = np.einsum("nts,ns->nt", ds["endpoint_velocity"], ahead)
        later = profile["velocity_along"].values[:, 1:]
        np.testing.assert_allclose(later[np.isfinite(later)], same_sample[:, :-1][np.isfinite(later)], atol=1e-12)
        force = np.nan_to_num(profile["lateral_force"].values)
        wrong = (force * same_sample).sum(1) / (same_sample**2).sum(1)
        assert (wrong < 5 * (1 - error)).all()
        np.testing.assert_allclose(force_compensation(ds)["slope"], 5)


def test_a_field_that_is_known_is_pushed_against_to_the_right():
    "The wall does to the hand what the field would do, so the hand pushes the other way."
    ds = reaches(slope=8.0, directions=np.array([math.pi / 2]))
    field = mn.CurlField(8.0)
    motion = torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([[0.0, 0.3]])
    of_field = field.force(mn.task.loads.Motion(*motion), None, {"strength": torch.tensor([[8.0]])})
    wall = ds["channel_force"].values[0, 40]
    assert (
        wall[0] < 0 and float(of_field[0, 0]) < 0
    )  # both to the left of a hand that goes ahead: the hand pushes right
    np.testing.assert_allclose(force_compensation(ds, 8.0)["compensation"], 1)


def test_recorded_forces_are_those_of_the_walls_at_the_sample_before(channel):
    "Stiffness and damping of the walls, times where the sample before was, give every recorded force."
    d = (channel["goal_position"] - channel["start_position"]).values.astype(float)
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    normal = np.stack((-d[:, 1], d[:, 0]), -1)
    offset = (channel["endpoint_position"] - channel["start_position"]).transpose("trial", "time", "space").values
    aside = np.einsum("nts,ns->nt", offset.astype(float), normal)
    speed = np.einsum("nts,ns->nt", channel["endpoint_velocity"].values.astype(float), normal)
    forces = -(3000 * aside + 60 * speed)
    profile = channel_profile(channel)
    recorded = profile["lateral_force"].values
    assert np.nanmax(abs(recorded)) > 0.1
    np.testing.assert_allclose(recorded[:, 1:], forces[:, :-1], atol=2e-3)  # single precision, times 3000
    assert np.nanmax(abs(recorded[:, 1:] - forces[:, 1:])) > 0.02  # not those of the same sample
    along = np.einsum("nts,ns->nt", channel["endpoint_velocity"].values.astype(float), d)
    np.testing.assert_allclose(profile["velocity_along"].values[:, 1:], along[:, :-1], atol=1e-6)


def test_slopes_are_those_of_least_squares(channel):
    found, with_intercept = (force_compensation(channel, intercept=i, window=(0.05, 0.2)) for i in (False, True))
    profile = channel_profile(channel)
    begin = profile["step_begin"].values
    used = (begin > 0.149) & (begin < 0.301)
    for i in range(5):
        v, f = profile["velocity_along"].values[i, used], profile["lateral_force"].values[i, used]
        (slope,), (rest,), *_ = np.linalg.lstsq(v[:, None], f, rcond=None)
        np.testing.assert_allclose(found["slope"][i], slope, rtol=1e-6)
        np.testing.assert_allclose(found["r_squared"][i], 1 - rest / (f**2).sum(), atol=1e-9)
        np.testing.assert_allclose(
            [with_intercept["slope"][i], with_intercept["intercept"][i]], np.polyfit(v, f, 1), rtol=1e-6
        )
        np.testing.assert_allclose(with_intercept["r_squared"][i], np.corrcoef(v, f)[0, 1] ** 2, atol=1e-9)
    assert (found["n_steps"] == used.sum()).all()


def test_an_intercept_is_found():
    found = force_compensation(reaches(slope=4.0, offset=0.7), intercept=True)
    np.testing.assert_allclose(found["slope"], 4)
    np.testing.assert_allclose(found["intercept"], 0.7)
    assert (abs(force_compensation(reaches(slope=4.0, offset=0.7))["slope"] - 4) > 0.5).all()


def test_a_body_that_begins_in_motion_has_no_velocity_before_the_first_step():
    ds = reaches(slope=3.0, offset=1.0)
    at_rest = ds.assign(initial_joint_velocity=(("trial", "joint"), np.array([[0.0, 0.0], [0.0, 0.1], [0.0, 0.0]])))
    first = channel_profile(at_rest)["velocity_along"].values[:, 0]
    np.testing.assert_array_equal(first, [0, np.nan, 0])
    later = channel_profile(at_rest.isel(time=slice(5, None)))["velocity_along"].values[:, 0]
    assert np.isnan(later).all()  # the sample before is not there


def test_where_the_channel_does_not_act_nothing_counts():
    ds = reaches(slope=5.0)
    acts = (ds["time"] > 0.3) & (ds["time"] < 0.5)
    cut = ds.assign(channel_force=ds["channel_force"].where(acts, 0.0))
    np.testing.assert_allclose(force_compensation(cut)["slope"], 5)
    assert np.isnan(channel_profile(cut)["lateral_force"].sel(time=slice(0, 0.29))).all()
    cut["channel_force"][1] = 0.0
    assert np.isnan(force_compensation(cut)["slope"][1]) and np.isnan(force_compensation(cut)["r_squared"][1])
    catch = ds.assign_coords(go_time=("trial", [0.1, np.nan, 0.1]))
    assert np.isnan(force_compensation(catch)["slope"][1]) and force_compensation(catch)["n_steps"][1] == 0


def test_networks_side_by_side():
    found = force_compensation(networks(reaches(slope=2.0), reaches(slope=[1.0, 2.0, 6.0])))
    assert found["slope"].dims == ("replicate", "trial") and list(found["replicate"]) == [0, 1]
    np.testing.assert_allclose(found["slope"], [[2, 2, 2], [1, 2, 6]])


def test_one_trial_and_order_of_dimensions():
    ds = reaches(slope=[1.0, 2.0, 3.0])
    np.testing.assert_allclose(force_compensation(ds.isel(trial=1))["slope"], [2])
    xr.testing.assert_allclose(force_compensation(ds.transpose("space", "time", "trial")), force_compensation(ds))


@pytest.mark.parametrize(
    "change, word",
    [
        ({"ds": reaches().drop_vars("channel_force")}, "channel_force"),
        ({"ds": reaches().isel(space=[0])}, "dimensions"),
        ({"strength": 0.0}, "strength"),
        ({"strength": "8"}, "strength"),
        ({"window": (0.3, 0.1)}, "window"),
        ({"window": 0.3}, "window"),
    ],
)
def test_what_cannot_be_compensated_is_refused(change, word):
    with pytest.raises(ValueError, match=f"(?s){word}.*must be"):
        force_compensation(**{"ds": reaches()} | change)


# ---- deviations ----------------------------------------------------------------------------------------------------


def test_deviation_at_a_time():
    ds = reaches(bow=[0.02, 0.0, -0.01])
    lateral = lateral_deviation(ds)
    at = lateral_deviation_at(ds, 0.235, aligned_to="go cue")
    assert at.dims == ("trial",) and at.attrs["units"] == "m"
    np.testing.assert_allclose(at, lateral.interp(time=0.335), atol=1e-12)
    onset = 0.1 + reach_kinematics(ds)["reaction_time"].to_numpy()
    expected = [lateral.isel(trial=i).interp(time=onset[i] + 0.15) for i in range(3)]
    np.testing.assert_allclose(lateral_deviation_at(ds, 0.15), expected, atol=1e-12)
    assert np.isnan(lateral_deviation_at(ds, 0.95, aligned_to="go cue")).all()
    both = lateral_deviation_at(networks(ds, reaches()), 0.15)
    np.testing.assert_allclose(both, [expected, [0, 0, 0]], atol=1e-12)


def test_one_measure_of_reaches_with_labels():
    ds = networks(reaches(bow=0.01), reaches(bow=-0.02))
    found = reach_measure(ds, "max_lateral_deviation")
    assert found.dims == ("replicate", "trial") and found.attrs["units"] == "m"
    np.testing.assert_allclose(found, [[0.01] * 3, [-0.02] * 3], rtol=2e-3)
    np.testing.assert_allclose(found.sel(replicate=1)["target_direction"], DIRECTIONS)
    with pytest.raises(ValueError, match=r"name = 'condition'.*must be among target_direction"):
        reach_measure(ds, "condition")


def test_index_of_known_deviations():
    naive, adapted, base = (
        networks(reaches(bow=a), reaches(bow=b)) for a, b in ((0.03, 0.02), (0.01, 0.02), (0, 0.01))
    )
    found = adaptation_index(naive, adapted, base)
    np.testing.assert_allclose(found["adaptation_index"], [2 / 3, 0], atol=2e-3)
    np.testing.assert_allclose(found["naive"], [0.03, 0.02], rtol=2e-3)
    assert found["naive"].attrs["units"] == "m" and found["adaptation_index"].dims == ("replicate",)
    without = adaptation_index(naive.isel(replicate=0), adapted.isel(replicate=0))
    np.testing.assert_allclose(without["adaptation_index"], 2 / 3, atol=2e-3)
    assert np.isnan(adaptation_index(base, adapted, base)["adaptation_index"]).all()  # nothing to adapt to
    early = adaptation_index(naive, adapted, base, measure=0.1)
    np.testing.assert_allclose(early["adaptation_index"], [2 / 3, 0], atol=0.03)
    assert 0 < float(early["naive"][0]) < 0.03


def test_after_effect_and_sides():
    base, after = reaches(bow=0.002), reaches(bow=[-0.03, -0.03, 0.03])
    found = after_effect(base, after)
    np.testing.assert_allclose(found["after_effect"], -0.01 - 0.002, rtol=3e-3)
    np.testing.assert_allclose(found["share_left"], 1 / 3)
    np.testing.assert_allclose(share_left(networks(base, after)), [1, 1 / 3])
    assert np.isnan(share_left(reaches().assign_coords(go_time=("trial", [np.nan] * 3))))


def test_different_numbers_of_networks_are_refused():
    one, three = networks(reaches(), reaches()), networks(reaches(), reaches(), reaches())
    with pytest.raises(ValueError, match=r"replicates = .*as many networks"):
        after_effect(one, three)
    with pytest.raises(ValueError, match="measure = 'speed'"):
        share_left(one, measure="speed")


# ---- learning ------------------------------------------------------------------------------------------------------


def test_learning_curve_is_made_of_the_measures_in_order():
    tests = {50: reaches(bow=0.01), 0: reaches(bow=[0.03, 0.02, 0.01])}
    curve = learning_curve(tests)
    assert curve["max_lateral_deviation"].dims == ("batch", "trial") and list(curve["batch"]) == [0, 50]
    np.testing.assert_allclose(curve["max_lateral_deviation"], [[0.03, 0.02, 0.01], [0.01] * 3], rtol=2e-3)
    several = learning_curve({k: networks(ds, ds) for k, ds in tests.items()}, measure=0.15)
    assert several["lateral_deviation"].dims == ("replicate", "batch", "trial")
    with pytest.raises(ValueError, match="tests = "):
        learning_curve({})


def test_an_exponential_gives_its_coefficients_back():
    batch = np.arange(0, 500, 25.0)
    known = np.array([[0.006, 0.024, 60.0], [-0.01, 0.05, 150.0], [0.03, -0.02, 20.0]])
    rate = adaptation_rate(batch, [a + b * np.exp(-batch / tau) for a, b, tau in known])
    for i, name in enumerate(("asymptote", "amplitude", "time_constant")):
        np.testing.assert_allclose(rate[name], known[:, i], rtol=1e-5)
        np.testing.assert_allclose(rate[f"{name}_error"], 0, atol=1e-4)
    assert (rate["note"] == "").all() and (rate["r_squared"] > 1 - 1e-9).all()


def test_standard_errors_say_how_much_the_coefficients_vary():
    rng, batch = np.random.default_rng(0), np.arange(0, 400, 10.0)
    curves = 0.006 + 0.024 * np.exp(-batch / 60) + 0.001 * rng.normal(size=(200, len(batch)))
    rate = adaptation_rate(batch, curves)
    for name in ("asymptote", "amplitude", "time_constant"):
        spread = float(rate[name].std("replicate", ddof=1))
        np.testing.assert_allclose(float((rate[f"{name}_error"] ** 2).mean() ** 0.5), spread, rtol=0.12, err_msg=name)


def test_units_labels_and_the_mean_over_targets():
    batch = np.arange(0, 200, 20.0)
    y = 0.01 + 0.02 * np.exp(-batch / 40)
    values = np.stack([y, y + 0.002], -1)[None]
    curve = xr.DataArray(
        values, {"replicate": [7], "batch": batch}, ("replicate", "batch", "trial"), attrs={"units": "m"}
    )
    rate = adaptation_rate(curve["batch"], curve)
    np.testing.assert_allclose(rate["asymptote"], [0.011], rtol=1e-6)
    assert list(rate["replicate"]) == [7] and rate["amplitude"].attrs["units"] == "m"
    alone = adaptation_rate(batch, y)
    assert alone["time_constant"].dims == () and np.isclose(alone["time_constant"], 40)


def test_a_curve_without_a_rate_says_why():
    batch = np.arange(0, 300, 25.0)
    gap = np.where(batch > 60, np.nan, 1.0)
    rate = adaptation_rate(batch, [0.03 - 1e-5 * batch, np.full(12, 0.02), gap])
    assert all(np.isnan(rate[name]).all() for name in rate if name != "note")
    assert "bend" in str(rate["note"][0].item()) or "converge" in str(rate["note"][0].item())
    assert "do not change" in str(rate["note"][1].item()) and "fewer than 4" in str(rate["note"][2].item())
    with pytest.raises(ValueError, match=r"values = .*12 batches"):
        adaptation_rate(batch, np.zeros(5))
