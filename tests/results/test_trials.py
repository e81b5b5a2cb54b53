"""Trials of a Dataset: one row a trial, directions in words, points of a plane."""

import math

import numpy as np
import pytest
import xarray as xr
from worlds import network

import motornet_nb as mn
from motornet_nb.results.trials import as_trials, degrees, direction_names, plane, plane_of, trial_values

N_TRIALS, N_STEPS = 3, 4


def made(space: int) -> xr.Dataset:
    "A Dataset of positions that are all different."
    position = np.arange(N_TRIALS * N_STEPS * space, dtype=np.float32).reshape(N_TRIALS, N_STEPS, space)
    return xr.Dataset(
        {"endpoint_position": (("trial", "time", "space"), position), "start_position": (("trial", "space"), position[:, 0])},
        {
            "time": 0.01 * np.arange(1, N_STEPS + 1),
            "target_direction": ("trial", [0.0, np.nan, 3 * math.pi / 2]),
            "go_time": ("trial", [0.0, 0.0, np.nan]),
        },
    )  # fmt: skip


@pytest.mark.parametrize("space", [1, 2, 3])
def test_first_two_coordinates(space):
    "On a line the second is 0; in space the third is left out."
    ds = made(space)
    position = ds["endpoint_position"].values
    flat = plane_of(ds, "endpoint_position")
    assert flat.shape == (N_TRIALS, N_STEPS, 2) and flat.dtype == float
    np.testing.assert_array_equal(flat[..., : min(space, 2)], position[..., :2])
    np.testing.assert_array_equal(flat[..., 1], position[..., 1] if space > 1 else 0)
    np.testing.assert_array_equal(plane_of(ds, "start_position", ()), flat[:, 0])
    for points in (position, position[0], position[0, 0], position[0, 0].tolist()):
        assert plane(points).shape == (*np.shape(points)[:-1], 2)
    assert plane(np.empty((0, space))).shape == (0, 2)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_positions_of_a_body_along_a_line_in_a_plane_and_in_space(dims):
    mass = mn.Effector(mn.PointMass(space_dim=dims), mn.ReluMuscle())
    mass.add_muscle([0, 1], [[1.0] * dims, [0.0] * dims], max_isometric_force=100)
    env = mn.Environment(mass, mn.RandomTargetReach(), duration=0.05)
    ds = mn.simulate(network(env), env, n=2)
    flat = plane_of(ds, "endpoint_position")
    assert flat.shape == (2, 5, 2)
    np.testing.assert_array_equal(flat[..., 0], ds.endpoint_position.sel(space="x"))
    np.testing.assert_array_equal(flat[..., 1], ds.endpoint_position.sel(space="y") if dims > 1 else 0)


def test_values_have_one_row_a_trial_whatever_the_order_of_dimensions():
    ds = made(2)
    want = ds["endpoint_position"].values
    dims = ("time", "space")
    np.testing.assert_array_equal(trial_values(ds.transpose("space", "time", "trial"), "endpoint_position", dims), want)
    np.testing.assert_array_equal(trial_values(ds, "endpoint_position", ("space", "time")), want.swapaxes(1, 2))
    later = ds.where(ds.time > 0.015)  # where() gives every variable a time
    np.testing.assert_array_equal(trial_values(later, "start_position", ("space",)), want[:, 0])
    assert trial_values(ds, "muscle_force", dims, missing=0.0).tolist() == np.zeros((3, 4, 2)).tolist()
    assert np.isnan(trial_values(ds, "muscle_force")).all()


def test_one_trial_without_its_dimension():
    ds = as_trials(made(2).isel(trial=1), "test")
    assert ds.sizes["trial"] == 1 and trial_values(ds, "endpoint_position", ("time", "space")).shape == (1, 4, 2)


def test_directions_in_words():
    assert direction_names(made(2)) == ["0°", "no target", "no go cue"]
    assert direction_names(made(2).drop_vars("go_time")) == ["0°", "no target", "270°"]
    assert degrees(-math.pi / 4) == "315°" and degrees(2 * math.pi) == "0°" and degrees(math.nan) == "none"


def test_replicates_are_refused_where_one_network_is_needed():
    several = xr.concat([made(2), made(2)], "replicate")
    assert as_trials(several, "test", replicates=True).sizes["replicate"] == 2
    with pytest.raises(ValueError, match=r"test: ds = 'a Dataset of 2 replicates' .* ds\.isel\(replicate=0\)"):
        as_trials(several, "test")


@pytest.mark.parametrize("ds", [None, 3, xr.Dataset(), made(2).isel(time=0), made(2).drop_vars("endpoint_position")])
def test_what_is_no_result_is_refused(ds):
    with pytest.raises(TypeError, match=r"(?s)test: ds = .* must be a Dataset as simulate\(\) returns it"):
        as_trials(ds, "test")
