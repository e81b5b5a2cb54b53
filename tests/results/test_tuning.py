"""Preferred directions, from activity that is known."""

from functools import partial

import numpy as np
import pytest
import xarray as xr

from motornet_nb.results.tuning import movement_activity, preferred_directions

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
