"""Conditions in one simulation: every combination, told apart by coordinates, each as if it were played alone."""

import json

import numpy as np
import pytest
import xarray as xr
from worlds import network

import motornet_nb as mn


@pytest.fixture
def env():
    return mn.Environment(mn.ReluPointMass24(), mn.CenterOutReach(n_targets=3), duration=0.15)


GRID = {"loads": {"none": [], "field": mn.CurlField(8.0), "channel": [mn.ForceChannel()]}, "distance": [0.05, 0.1]}


def test_each_combination_is_as_if_played_alone(env, tmp_path):
    net = network(env)
    ds = mn.simulate(net, env, grid=GRID, seed=4)
    assert ds.sizes["trial"] == 18 and ds.trial.values.tolist() == list(range(18))
    assert ds.loads.values.tolist() == ["none"] * 6 + ["field"] * 6 + ["channel"] * 6
    assert ds.distance.values.tolist() == [0.05] * 3 + [0.1] * 3 + [0.05] * 3 + [0.1] * 3 + [0.05] * 3 + [0.1] * 3
    alone = mn.simulate(net, env.replace(task=mn.CenterOutReach(n_targets=3, loads=[mn.CurlField(8.0)])), seed=4)
    here = ds.isel(trial=(ds.loads == "field") & (ds.distance == 0.1))
    for name in ("endpoint_position", "hidden", "endpoint_load", "target_direction", "condition"):
        np.testing.assert_array_equal(here[name].values, alone[name].values)
    assert ds.channel_force.isel(trial=slice(0, 12)).isnull().all() and ds.channel_force[12:].notnull().all()
    ds.to_netcdf(tmp_path / "grid.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "grid.nc", engine="h5netcdf") as again:
        assert (
            again.loads.values.tolist() == ds.loads.values.tolist()
            and mn.from_config(json.loads(again.attrs["config"])) == env
        )


def test_parameters_of_the_environment_and_replicates(env):
    both = [network(env), mn.PolicyGRU(env.n_observations, 4, env.n_actions)]
    same = mn.Replicates([both[1], mn.PolicyGRU(env.n_observations, 4, env.n_actions)])
    ds = mn.simulate(same, env, grid={"vision_delay": [0.01, 0.05]})
    assert ds.endpoint_position.dims[:2] == ("replicate", "trial") and ds.vision_delay.attrs["units"] == "s"
    assert ds.vision_delay.dims == ("trial",) and len(set(ds.vision_delay.values)) == 2
    with pytest.raises(ValueError, match="shape"):
        mn.simulate(both, env)


def test_a_list_of_networks_is_played_side_by_side(env):
    nets = [mn.PolicyGRU(env.n_observations, 4, env.n_actions) for _ in range(3)]
    ds = mn.simulate(nets, env)
    assert ds.sizes["replicate"] == 3 and "seed" not in ds.coords
    np.testing.assert_allclose(
        ds.isel(replicate=2).endpoint_position, mn.simulate(nets[2], env).endpoint_position, atol=1e-6
    )


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({}, "a dict from parameters"),
        ({"strength": [1.0]}, "a parameter of the task or the environment"),
        ({"duration": [0.1]}, "a parameter of the task or the environment"),
        ({"loads": [mn.CurlField(1.0)]}, "a dict from labels to values"),
        ({"distance": []}, "at least one value"),
        ({"distance": [-1.0]}, "distance"),
    ],
)
def test_what_is_no_grid_is_refused(env, grid, words):
    with pytest.raises(ValueError, match=words):
        mn.simulate(network(env), env, grid=grid)


def test_trials_and_a_grid_exclude_each_other(env):
    with pytest.raises(ValueError, match="trials"):
        mn.simulate(network(env), env, env.sample(2), grid={"distance": [0.1]})
