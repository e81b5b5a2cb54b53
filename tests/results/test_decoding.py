"""Decoding, from activity that says what it says."""

import numpy as np
import pytest
import xarray as xr
from populations import directions, population
from worlds import network, point_mass_world

import motornet_nb as mn
from motornet_nb.results.decoding import decode

N_TRIALS, N_SAMPLES, N_UNITS = 20, 30, 40
HAND = ("trial", "time", "space")


def activity(rng, within=0.1):
    "Each trial at a place of its own, its samples around it."
    return rng.normal(size=(N_TRIALS, 1, N_UNITS)) + within * rng.normal(size=(N_TRIALS, N_SAMPLES, N_UNITS))


def linear(seed=0, **of_trials) -> xr.Dataset:
    "A velocity that is a linear function of the activity."
    rng = np.random.default_rng(seed)
    x = activity(rng)
    about = {"units": "m/s", "long_name": "hand velocity"}
    velocity = {"endpoint_velocity": (HAND, 2 + x @ rng.normal(size=(N_UNITS, 2)), about)}
    return population(x, variables=velocity, **of_trials)


def test_a_linear_relation_is_decoded():
    ds = linear()
    found = decode(ds)
    assert (found["r_squared"] > 0.99).all() and (found["r_squared_fold"] > 0.99).all()
    np.testing.assert_allclose(found["predictions"], ds["endpoint_velocity"], atol=0.05)
    assert found["predictions"].dims == ("trial", "time", "output") and list(found["output"].values) == ["x", "y"]
    assert found["predictions"].attrs["units"] == "m/s"


def test_r_squared_is_that_of_the_predictions():
    ds = linear()
    ds["endpoint_velocity"] = ds["endpoint_velocity"] + 5 * np.random.default_rng(1).normal(
        size=ds["endpoint_velocity"].shape
    )
    found = decode(ds)
    y, z = found["target"].values.reshape(-1, 2), found["predictions"].values.reshape(-1, 2)
    expected = 1 - ((y - z) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)
    np.testing.assert_allclose(found["r_squared"], expected)
    assert (0 < expected).all() and (expected < 0.9).all()


def test_shuffled_trials_are_not_decoded():
    ds = linear()
    order = np.random.default_rng(2).permutation(N_TRIALS)
    ds["endpoint_velocity"] = ds["endpoint_velocity"].isel(trial=order).assign_coords(trial=ds["trial"])
    assert (decode(ds)["r_squared"] < 0.1).all()


def test_no_trial_is_on_both_sides():
    "What is constant in each trial and random between trials can be learnt by heart, and must not be decoded."
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold, cross_val_score

    rng = np.random.default_rng(3)
    ds = population(activity(rng, within=0.01))
    ds["chance"] = (("trial", "time"), np.repeat(rng.normal(size=(N_TRIALS, 1)), N_SAMPLES, 1))
    x, y = ds["hidden"].values.reshape(-1, N_UNITS), ds["chance"].values.ravel()
    leaking = cross_val_score(Ridge(1e-3), x, y, cv=KFold(5, shuffle=True, random_state=0)).mean()
    assert leaking > 0.99 and float(decode(ds, "chance")["r_squared"][0]) < 0.1
    fold = decode(ds, "chance")["fold"].values
    assert sorted(np.bincount(fold)) == [4] * 5


def test_groups_are_held_out_together():
    direction = np.repeat(directions(5), 4)
    found = decode(linear(target_direction=direction), groups="target_direction")
    assert all(len(set(found["fold"].values[direction == d])) == 1 for d in direction)


@pytest.mark.parametrize("steps", [3, -2, 0])
def test_the_lag_of_the_target_is_found(steps):
    ds = linear()
    rng = np.random.default_rng(4)
    x = rng.normal(size=(N_TRIALS, N_SAMPLES, 5))
    later = np.full((N_TRIALS, N_SAMPLES, 2), 0.0)
    for k in range(N_SAMPLES):
        if 0 <= k - steps < N_SAMPLES:
            later[:, k] = x[:, k - steps, :2]
    ds = population(x, variables={"endpoint_velocity": (HAND, later)})
    lags = np.arange(-4, 5) * 0.01
    found = decode(ds, lag=lags)
    assert found["r_squared"].dims == ("lag", "output")
    best = float(found["lag"][int(found["r_squared"].mean("output").values.argmax())])
    assert best == pytest.approx(steps * 0.01) and float(found["r_squared"].sel(lag=best).min()) > 0.99
    assert float(found["r_squared"].drop_sel(lag=best).max()) < 0.2
    out = found["predictions"].sel(lag=0.03, method="nearest")
    assert np.isnan(out[:, :3]).all() and np.isfinite(out[:, 3:]).all()


def test_directions_are_decoded_as_cosine_and_sine():
    direction = np.linspace(-np.pi, np.pi, N_TRIALS, endpoint=False)
    rng = np.random.default_rng(5)
    tuned = np.cos(direction[:, None, None] - rng.uniform(-np.pi, np.pi, 12)) + 0.01 * rng.normal(
        size=(N_TRIALS, N_SAMPLES, 12)
    )
    found = decode(population(tuned, target_direction=direction), "target_direction")
    assert list(found["output"].values) == ["cos", "sin"] and (found["r_squared"] > 0.99).all()
    gap = np.angle(np.exp(1j * (found["decoded_direction"].values - direction[:, None])))
    assert np.abs(gap).max() < 0.1
    np.testing.assert_allclose(found["angular_error"], np.abs(gap).mean(0))


def test_trials_without_a_direction_are_left_out():
    direction = np.append(directions(N_TRIALS - 1), np.nan)
    assert decode(linear(target_direction=direction), "target_direction").sizes["trial"] == N_TRIALS - 1


def test_only_a_window_counts():
    ds = linear(go_time=np.full(N_TRIALS, 0.1))
    found = decode(ds, window=(0.0, 0.1))
    assert found.sizes["time"] == 11 and float(found["time"][0]) == 0
    np.testing.assert_allclose(found["target"], ds["endpoint_velocity"].isel(time=slice(9, 20)))


def test_variables_without_a_third_dimension_and_replicates():
    env = point_mass_world(mn.CenterOutReach(n_targets=5))
    every = [mn.simulate(network(env, n_units=6, seed=s), env) for s in (0, 1)]
    ds = xr.concat(every, "replicate", coords="different", compat="equals").assign_coords(seed=("replicate", [0, 1]))
    both = decode(ds, lag=[0.0, 0.02])
    assert both["r_squared"].dims == ("replicate", "lag", "output")
    np.testing.assert_allclose(both["r_squared"][1], decode(every[1], lag=[0.0, 0.02])["r_squared"])
    assert decode(every[0], "go_cue").sizes["output"] == 1


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds: decode(ds, "colour"), "target = 'colour' .* endpoint_velocity"),
        (lambda ds: decode(ds, variable="spikes"), "variable = 'spikes'"),
        (lambda ds: decode(ds, lag=0.005), "a multiple of 0.01 s"),
        (lambda ds: decode(ds, lag=5.0), "between -0.28 and 0.28 s"),
        (lambda ds: decode(ds, lag="soon"), "seconds, or several"),
        (lambda ds: decode(ds, lag=[]), "seconds, or several"),
        (lambda ds: decode(ds, n_folds=1), "n_folds = 1"),
        (lambda ds: decode(ds, n_folds=21), "from 2 to 20"),
        (lambda ds: decode(ds, groups="colour"), "groups = 'colour'"),
        (lambda ds: decode(ds, window=(0, 1)), "window"),
    ],
)
def test_wrong_arguments_are_refused_in_words(call, says):
    with pytest.raises(ValueError, match=says):
        call(linear())
