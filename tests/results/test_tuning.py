"""Preferred directions, from activity that is known."""

from functools import partial

import numpy as np
import pytest
import torch
import xarray as xr

import motornet_nb as mn
from motornet_nb.results.tuning import METHODS, movement_activity, preferred_directions, tuning_curves

preferred = partial(preferred_directions, window="movement")  # of the synthetic Datasets, which are short
BEST = np.array([0.3, 2.0, -1.2, 3.0])


def synthetic(direction, rate, n_steps=10, go=None):
    "A Dataset whose units have a constant activity (trial, unit)."
    variables = {
        "hidden": (("trial", "time", "unit"), np.repeat(rate[:, None], n_steps, 1), {"units": "1"}),
        "endpoint_position": (("trial", "time", "space"), np.zeros((len(rate), n_steps, 2))),
    }
    coordinates = {"time": np.arange(1, n_steps + 1) * 0.01, "unit": np.arange(rate.shape[1])}
    ds = xr.Dataset(variables, coordinates | {"target_direction": ("trial", direction)})
    return ds if go is None else ds.assign_coords(go_time=("trial", go))


@pytest.fixture
def direction():
    return np.arange(8) * np.pi / 4


def test_cosines_are_found(direction):
    depth = np.array([0.5, 0.1, 2.0, 0.01])
    tuned = preferred(synthetic(direction, 1 + depth * np.cos(direction[:, None] - BEST)))
    assert set(tuned) == {"preferred_direction", "modulation_depth", "r_squared", "tuned"} and tuned[
        "r_squared"
    ].dims == ("unit",)
    np.testing.assert_allclose(tuned["preferred_direction"], BEST)
    np.testing.assert_allclose(tuned["modulation_depth"], depth)
    np.testing.assert_allclose(tuned["r_squared"], 1)
    assert tuned["preferred_direction"].attrs["units"] == "rad"


def test_directions_need_not_be_balanced():
    direction = np.array([0.0, 0.1, 0.2, 1.5, 3.0])
    tuned = preferred(synthetic(direction, 1 + np.cos(direction[:, None] - BEST)))
    np.testing.assert_allclose(tuned["preferred_direction"], BEST)


def test_what_is_no_cosine_is_not_described(direction):
    rate = np.stack([np.cos(2 * direction), np.cos(direction) + np.cos(2 * direction)], 1)
    tuned = preferred(synthetic(direction, rate))
    np.testing.assert_allclose(tuned["r_squared"], [0, 0.5], atol=1e-12)


def test_noise_is_averaged(direction):
    many = np.tile(direction, 100)
    noise = np.random.default_rng(0).normal(size=(len(many), 4))
    tuned = preferred(synthetic(many, np.cos(many[:, None] - BEST) + noise))
    np.testing.assert_allclose(tuned["preferred_direction"], BEST, atol=0.15)
    np.testing.assert_allclose(tuned["r_squared"], 1 / 3, atol=0.1)


def test_a_unit_that_never_varies_has_no_direction(direction):
    tuned = preferred(synthetic(direction, np.full((8, 2), 0.1)))
    assert np.isnan(tuned["preferred_direction"]).all() and np.isnan(tuned["r_squared"]).all()
    np.testing.assert_allclose(tuned["modulation_depth"], 0, atol=1e-12)


def test_only_the_movement_counts(direction):
    ds = synthetic(direction, np.cos(direction[:, None] - BEST), go=np.full(8, 0.05))
    ds["hidden"] = ds["hidden"].where(ds["time"] > 0.045, 100 * np.cos(ds["target_direction"]))
    np.testing.assert_allclose(preferred(ds)["preferred_direction"], BEST)


def test_trials_without_direction_or_go_cue_are_left_out(direction):
    go = np.full(11, 0.05)
    go[8:10] = np.nan, 0.2  # none, and after the end
    ds = synthetic(
        np.append(direction, [1.0, 1.0, np.nan]), np.cos(np.append(direction, [0, 0, 0])[:, None] - BEST), go=go
    )
    np.testing.assert_allclose(preferred(ds)["preferred_direction"], BEST)


def test_chunks_give_the_same(direction):
    pytest.importorskip("dask")
    ds = synthetic(direction, np.cos(direction[:, None] - BEST))
    xr.testing.assert_allclose(preferred(ds.chunk(trial=1)), preferred(ds))


@pytest.mark.parametrize("directions", [[0.0] * 8, [0.0, np.pi] * 4, [0.0, 2 * np.pi, np.pi, 1e-12] * 2])
def test_too_few_directions_are_refused(directions):
    with pytest.raises(ValueError, match="at least three"):
        preferred(synthetic(np.array(directions), np.ones((8, 2))))


def test_unknown_variable_is_refused(direction):
    with pytest.raises(ValueError, match="hidden"):
        preferred(synthetic(direction, np.ones((8, 2))), "spikes")


def test_mean_activity_is_exact_in_single_precision():
    "A mean over a long time is that of double precision, though activity is stored in single precision."
    values = np.full((3, 20000, 2), 0.3, dtype=np.float32)
    ds = xr.Dataset(
        {
            "hidden": (("trial", "time", "unit"), values),
            "endpoint_position": (("trial", "time", "space"), np.zeros((3, 20000, 2), dtype=np.float32)),
        },
        {"time": np.arange(1, 20001) * 0.001, "target_direction": ("trial", [0.0, 2.0, 4.0])},
    )
    np.testing.assert_allclose(movement_activity(ds, window="movement")[1], float(np.float32(0.3)), rtol=1e-12)


LONG = 80  # samples of 10 ms


@pytest.fixture(scope="module")
def env():
    task = mn.CenterOutReach(n_targets=6)
    return mn.Environment(mn.ReluPointMass24(), task, duration=0.4, vision_delay=0.05, proprioception_delay=0.02)


@pytest.fixture(scope="module")
def simulated(env):
    torch.manual_seed(0)
    return mn.simulate(mn.PolicyGRU(env.n_observations, 12, env.n_actions), env)


@pytest.fixture(scope="module")
def replicates(env):
    networks = [mn.PolicyGRU(env.n_observations, 5, env.n_actions) for _ in range(3)]
    return mn.simulate(mn.Replicates(networks, seeds=[7, 8, 9]), env)


def with_course(direction, go=None):
    "A Dataset of one unit whose activity is the time, in s."
    ds = synthetic(direction, np.zeros((len(direction), 1)), LONG, go)
    ds["hidden"] = ds["hidden"] + ds["time"]
    return ds


class TestWindow:
    def test_samples_are_from_begin_to_before_end(self, direction):
        ds = with_course(direction)
        for window, mean in (
            ((0.1, 0.13), 0.11),
            (np.array([0.1, 0.13]), 0.11),
            ((0.1, 0.105), 0.1),
            ((0.0, 0.02), 0.01),
            ((0.79, 0.81), 0.795),
        ):
            np.testing.assert_allclose(movement_activity(ds, window=window).activity, mean, rtol=1e-12)

    def test_it_follows_the_go_cue_of_each_trial(self, direction):
        go = 0.1 + 0.05 * np.arange(8)
        found = movement_activity(with_course(direction, go), window=(-0.05, 0.1), aligned_to="go cue")
        np.testing.assert_allclose(found.activity[:, 0], go + 0.02)  # mean of -0.05 ... 0.09
        assert found.window == "-0.05 to 0.1 s after the go cue"

    def test_the_default_begins_when_the_go_cue_reaches_the_network(self, simulated):
        "Written out: 15 samples from 0.15 s, the go cue at 0.1 s and the delay of 0.05 s."
        assert set(simulated["go_time"].values) == {0.1}
        at = simulated["time"].values
        mean = simulated["hidden"].values[:, (at > 0.145) & (at < 0.295)].astype(float).mean(1)
        found = movement_activity(simulated)
        np.testing.assert_allclose(found.activity, mean, rtol=1e-12)
        assert found.window == "0.05 to 0.2 s after the go cue"
        xr.testing.assert_identical(
            preferred_directions(simulated), preferred_directions(simulated, window=(0.05, 0.2), aligned_to="go cue")
        )

    def test_without_a_configuration_there_is_no_delay(self, simulated, direction):
        assert movement_activity(simulated.assign_attrs(config="{}")).window == "0 to 0.15 s after the go cue"
        found = movement_activity(with_course(direction, np.full(8, 0.3)))
        np.testing.assert_allclose(found.activity, 0.37)

    def test_without_a_delay_given_it_is_one_step(self):
        env = mn.Environment(mn.ReluPointMass24(), mn.CenterOutReach(n_targets=3), duration=0.4)
        ds = mn.simulate(mn.PolicyGRU(env.n_observations, 2, env.n_actions), env)
        assert movement_activity(ds).window == "0.01 to 0.16 s after the go cue"

    def test_it_matters(self, direction):
        ds = synthetic(direction, np.cos(direction[:, None] - BEST), LONG, np.full(8, 0.1))
        ds["hidden"] = ds["hidden"].where(ds["time"] < 0.4, -5 * ds["hidden"])
        early, late = preferred_directions(ds), preferred_directions(ds, window="movement")
        np.testing.assert_allclose(early["preferred_direction"], BEST)
        assert (np.cos(late["preferred_direction"] - BEST) < -0.99).all()
        assert early.attrs["window"] == "0 to 0.15 s after the go cue"
        assert late.attrs["window"] == "from the go cue to the end of the trial"

    @pytest.mark.parametrize(
        "window", [(0.3, 0.3), (0.3, 0.2), (np.nan, 0.2), (0.1, np.inf), (0.1,), 0.1, "reach", (True, 2), ("0", "1")]
    )
    def test_what_is_no_window_is_refused(self, direction, window):
        with pytest.raises(ValueError, match=r"movement_activity: window = .* None, 'movement', or \(begin, end\)"):
            movement_activity(with_course(direction), window=window)
        with pytest.raises(ValueError, match="aligned_to = 'end'"):
            movement_activity(with_course(direction), aligned_to="end")

    @pytest.mark.parametrize("window", [(0.5, 0.82), (-0.02, 0.1), (0.101, 0.109)])
    def test_what_is_not_within_the_trial_is_refused(self, direction, window):
        with pytest.raises(ValueError, match=r"samples are from 0.01 to 0.8 s, every 0.01 s"):
            preferred_directions(with_course(direction), window=window)

    def test_a_late_go_cue_leaves_no_room(self, direction):
        go = np.linspace(0.1, 0.75, 8)
        ds = with_course(direction, go)
        with pytest.raises(ValueError, match=r"None \(0 to 0.15 s after the go cue\).*go cues at 0.1 to 0.75 s"):
            preferred_directions(ds)
        room = ds.isel(trial=np.flatnonzero(go < 0.65))
        np.testing.assert_allclose(movement_activity(room).activity[:, 0], go[:6], atol=0.08)


def test_activity_that_is_not_finite_is_refused(direction):
    ds = synthetic(direction, np.cos(direction[:, None] - BEST), LONG, np.full(8, 0.1)).assign_coords(
        trial=np.arange(8) * 10
    )
    ds["hidden"][3, 20, 1] = np.nan
    with pytest.raises(ValueError, match="hidden that is not finite in trials 30"):
        preferred_directions(ds)
    np.testing.assert_allclose(preferred_directions(ds, window=(0.3, 0.5))["preferred_direction"], BEST)
    np.testing.assert_allclose(preferred_directions(ds.drop_sel(trial=30))["preferred_direction"], BEST)
    ds["hidden"][3, 40:] = np.nan  # a shorter trial
    ds["hidden"][3, 20] = ds["hidden"][3, 19]
    shorter = preferred_directions(ds, window="movement")
    np.testing.assert_allclose(shorter["preferred_direction"], BEST)
    assert shorter.attrs["window"] == "from the go cue to the end of the trial, of trials 30 where they are finite"
    broken = ds.copy(deep=True)
    broken["hidden"][5] = np.nan
    with pytest.raises(ValueError, match=r"\(replicate 1\).*hidden that is not finite in trials 50"):
        preferred_directions(xr.concat([ds, broken], "replicate"), window=(0.3, 0.35))


def test_a_unit_that_is_never_known_is_nan(direction):
    ds = synthetic(direction, np.cos(direction[:, None] - BEST), LONG)
    ds["hidden"][:, :, 2] = np.nan
    for method in METHODS:
        found = preferred_directions(ds, method=method)
        known = found.isel(unit=[0, 1, 3])
        assert known["tuned"].all() and known.to_array().notnull().all()
        lost = found.isel(unit=2)
        assert not lost["tuned"] and np.isnan([lost[n] for n in lost if n != "tuned"]).all()
    assert np.isnan(tuning_curves(ds)[2]).all() and np.isfinite(tuning_curves(ds)[3]).all()


class TestCurves:
    def test_trials_of_one_direction_are_averaged(self):
        direction = np.array([4.0, 0.5, 4.0 - 2 * np.pi, -1e-9, 2 * np.pi, 0.0, np.nan])
        rate = np.arange(7.0)[:, None] * [1, 10]
        found = tuning_curves(synthetic(direction, rate, LONG))
        np.testing.assert_allclose(found["direction"], [0, 0.5, 4.0], atol=1e-12)
        np.testing.assert_allclose(found, np.outer([1, 10], [4, 1, 1]))
        assert found.dims == ("unit", "direction") and found.attrs["units"] == "1"
        assert found["direction"].attrs["units"] == "rad" and (found["direction"] >= 0).all()

    def test_a_body_on_a_line_has_two_directions(self):
        ds = synthetic(np.array([0, np.pi]), np.array([[1.0], [2.0]]), LONG)
        np.testing.assert_allclose(tuning_curves(ds), [[1, 2]])
        with pytest.raises(ValueError, match=r"a Dataset with 2 directions of reach.* tuning_curves takes any number"):
            preferred_directions(ds, method="peak")

    def test_without_a_trial_that_has_a_direction_it_is_refused(self, direction):
        with pytest.raises(ValueError, match="tuning_curves: ds"):
            tuning_curves(synthetic(direction * np.nan, np.ones((8, 1)), LONG))

    def test_of_several_networks(self, simulated, replicates):
        found = tuning_curves([simulated, replicates])
        assert found.dims == ("replicate", "unit", "direction") and found.shape == (4, 12, 6)
        assert np.isnan(found[1:, 5:]).all()
        np.testing.assert_array_equal(found[0], tuning_curves(simulated))
        np.testing.assert_array_equal(found[2, :5], tuning_curves(replicates.isel(replicate=1)))


class TestMethods:
    def test_a_peak_is_one_of_the_directions(self, direction):
        rate = np.exp(np.cos(direction[:, None] - BEST) * 3)
        nearest = direction[np.abs(np.angle(np.exp(1j * (direction[:, None] - BEST)))).argmin(0)]
        found = preferred_directions(synthetic(direction, rate, LONG), method="peak")
        np.testing.assert_allclose(np.exp(1j * found["preferred_direction"]), np.exp(1j * nearest))
        np.testing.assert_allclose(found["modulation_depth"], (rate.max(0) - rate.min(0)) / 2)
        assert (abs(found["preferred_direction"]) <= np.pi).all()

    def test_the_magnitude_is_the_regression_on_a_diagonal_design(self, simulated):
        "The paper's: coefficients of a design with one column a direction, absolute, divided by the largest."
        activity = movement_activity(simulated).activity
        beta = np.abs(np.linalg.lstsq(np.eye(6), activity, rcond=None)[0])
        beta = (beta - beta.min(0)) / (beta.max(0) - beta.min(0))
        expected = simulated["target_direction"].values[beta.argmax(0)]
        found = preferred_directions(simulated, method="peak_of_magnitude")["preferred_direction"]
        np.testing.assert_allclose(np.exp(1j * found), np.exp(1j * expected))
        assert not np.allclose(found, preferred_directions(simulated, method="peak")["preferred_direction"])

    def test_negative_activity_turns_the_magnitude_around(self, direction):
        rate = np.cos(direction[:, None] - direction[[1, 6]]) + np.array([2, -2])
        found = preferred_directions(synthetic(direction, rate, LONG), method="peak_of_magnitude")
        np.testing.assert_allclose(found["preferred_direction"] % (2 * np.pi), direction[[1, 2]])

    def test_the_fit_is_that_of_another_implementation(self, simulated):
        from scipy.optimize import curve_fit

        direction, activity, _ = movement_activity(simulated)
        found = preferred_directions(simulated)
        for unit in range(3):
            (_, m, best), _ = curve_fit(
                lambda t, b, m, best: b + m * np.cos(t - best), direction, activity[:, unit], [0, 0.1, 1.0]
            )
            best += np.pi * (m < 0)
            own = found.isel(unit=unit)
            np.testing.assert_allclose(np.exp(1j * own["preferred_direction"]), np.exp(1j * best), atol=1e-5)
            np.testing.assert_allclose(own["modulation_depth"], abs(m), rtol=1e-5)

    def test_the_method_is_said(self, simulated):
        for method in METHODS:
            attrs = preferred_directions(simulated, method=method).attrs
            assert attrs["method"].startswith(f"{method}: ") and attrs["variable"] == "hidden"
        with pytest.raises(ValueError, match=r"method = 'max' .* cosine, peak, peak_of_magnitude"):
            preferred_directions(simulated, method="max")


def test_untuned_units_are_marked(direction):
    weak, other = 0.04 * np.cos(direction), np.cos(2 * direction)
    rate = np.stack([np.cos(direction), weak, other + 0.9 * np.cos(direction), 0.5 * other, 0 * other], 1)
    found = preferred_directions(synthetic(direction, rate, LONG))
    np.testing.assert_allclose(found["r_squared"], [1, 1, 0.81 / 1.81, 0, np.nan], atol=1e-12)
    np.testing.assert_array_equal(found["tuned"], [True, False, False, False, False])
    assert np.isfinite(found["preferred_direction"][:3]).all()
    for unit in (0.001, 1000):  # of whatever size the activity is
        np.testing.assert_array_equal(
            preferred_directions(synthetic(direction, unit * rate, LONG))["tuned"], found["tuned"]
        )
    lenient = preferred_directions(synthetic(direction, rate, LONG), min_r_squared=0.4, min_depth=0.03)
    np.testing.assert_array_equal(lenient["tuned"], [True, True, True, False, False])
    assert "at least 0.4" in lenient.attrs["criterion"] and "at least 0.03" in lenient.attrs["criterion"]
    for limits in ({"min_r_squared": 1.5}, {"min_depth": -0.1}, {"min_depth": np.nan}, {"min_depth": "0"}):
        with pytest.raises(ValueError, match=f"{next(iter(limits))} = .* a number, 0 to 1"):
            preferred_directions(synthetic(direction, rate, LONG), **limits)


class TestSeveralNetworks:
    def test_each_replicate_is_as_alone(self, replicates):
        found = preferred_directions(replicates)
        assert dict(found.sizes) == {"replicate": 3, "unit": 5}
        np.testing.assert_array_equal(found["seed"], [7, 8, 9])
        for i in range(3):
            alone = preferred_directions(replicates.isel(replicate=i))
            xr.testing.assert_equal(found.isel(replicate=i).drop_vars(("replicate", "seed")), alone)

    def test_several_datasets_are_joined(self, simulated, replicates):
        found = preferred_directions((replicates, simulated))
        assert dict(found.sizes) == {"replicate": 4, "unit": 12} and found["tuned"].dtype == bool
        np.testing.assert_array_equal(found["replicate"], range(4))
        xr.testing.assert_equal(found.isel(replicate=3, drop=True), preferred_directions(simulated))
        assert np.isnan(found["preferred_direction"][0, 5:]).all() and not found["tuned"][0, 5:].any()
        assert "seed" not in found.coords  # not known of all
        np.testing.assert_array_equal(preferred_directions([replicates, replicates])["seed"], [7, 8, 9] * 2)
        assert preferred_directions([simulated]).sizes["replicate"] == 1

    def test_muscles_keep_their_order(self, simulated):
        other = simulated.assign_coords(muscle=[*"ba", *simulated["muscle"].values[:2]])
        found = preferred_directions([simulated, other], "muscle_force")
        np.testing.assert_array_equal(found["muscle"], [*simulated["muscle"].values, "b", "a"])
        alone = preferred_directions(other, "muscle_force")
        np.testing.assert_array_equal(
            found["preferred_direction"][1].sel(muscle=alone["muscle"]), alone["preferred_direction"]
        )
        assert found["tuned"].dtype == bool and not found["tuned"][0, 4:].any()

    def test_each_window_is_said(self, simulated):
        found = preferred_directions([simulated, simulated.assign_attrs(config="{}")])
        assert found.attrs["window"] == "0.05 to 0.2 s after the go cue; 0 to 0.15 s after the go cue"

    def test_nothing_is_refused(self, simulated):
        with pytest.raises(ValueError, match="preferred_directions: ds"):
            preferred_directions([])
        with pytest.raises(TypeError, match="preferred_directions: ds"):
            preferred_directions([simulated, 3])

    def test_results_can_be_written(self, replicates, tmp_path):
        for i, made in enumerate((preferred_directions(replicates), tuning_curves(replicates).to_dataset())):
            made.to_netcdf(tmp_path / f"{i}.nc", engine="h5netcdf")
            with xr.open_dataset(tmp_path / f"{i}.nc", engine="h5netcdf") as read:
                xr.testing.assert_identical(read.load(), made)


@pytest.mark.parametrize("variable", ["muscle_force", "activation"])
def test_muscles_have_directions(simulated, variable):
    found = preferred_directions(simulated, variable)
    assert found["preferred_direction"].dims == ("muscle",)
    np.testing.assert_array_equal(found["muscle"], simulated["muscle"])
    assert found["modulation_depth"].attrs["units"] == simulated[variable].attrs["units"]
