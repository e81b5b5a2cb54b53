"""Files that version 0.1.0 wrote, before the package had folders: a run goes on, an experiment and results are read."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from torch.optim import lr_scheduler

import motornet_nb as mn

OLD = Path(__file__).parent / "data" / "version_0_1_0"


def old_world() -> mn.Environment:
    "The world of the old run: an arm with noise and a curl field."
    body = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen(), dtype=torch.float64)
    task = mn.DelayedReach(loads=[mn.CurlField(3.0), mn.ForcePulse(2.0, 90.0, onset=0.02, duration=0.03)])
    return mn.Environment(body, task, duration=0.08, vision_noise=0.01, proprioception_noise=0.01)


def old_network(env: mn.Environment) -> mn.PolicyGRU:
    "The network of the old run."
    net = mn.PolicyGRU(env.n_observations, 4, env.n_actions, hidden_noise=0.01)
    net.reset_parameters(torch.Generator().manual_seed(5))
    return net.to(torch.float64)


def old_loss() -> mn.ReachLoss:
    "The loss of the old run."
    return mn.ReachLoss(beta=3.0)


def warm_up(optimizer: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
    "The learning rate of the old run."
    return lr_scheduler.LinearLR(optimizer, start_factor=0.25, total_iters=6)


def old_run(folder: Path, n_batches: int, **settings) -> tuple[pd.DataFrame, mn.Environment, mn.PolicyGRU]:
    "Train as the old run did."
    env = old_world()
    net = old_network(env)
    settings = {"batch_size": 3, "engine": "eager", "seed": 11, "progress": False} | settings
    log = mn.train(
        net,
        env,
        loss=old_loss(),
        n_batches=n_batches,
        optimizer=lambda p: torch.optim.Adam(p, lr=0.01),
        scheduler=warm_up,
        checkpoint=folder,
        **settings,
    )
    return log, env, net


@pytest.mark.parametrize("engine", ["eager", "fused"])
def test_an_old_run_goes_on(engine, tmp_path):
    "With the losses that the old version had when it went on itself, to the last bits of double precision."
    shutil.copytree(OLD / "run", tmp_path / "run")
    log, _, _ = old_run(tmp_path / "run", 5, resume=True, engine=engine)
    expected = pd.read_csv(OLD / "experiment" / "log.csv", index_col=0)
    assert len(log) == 5
    np.testing.assert_allclose(log["loss"], expected["loss"], rtol=1e-11)


def test_an_old_run_with_another_setting_is_refused(tmp_path):
    "An old recipe is compared in all that it says."
    shutil.copytree(OLD / "run", tmp_path / "run")
    with pytest.raises(ValueError, match=r"batch_size = 4 is not allowed; it must be 3"):
        old_run(tmp_path / "run", 5, resume=True, engine="eager", batch_size=4)


def test_an_old_experiment_is_loaded():
    "Body, task, loads, network, loss, log and results, equal to what the code makes today."
    old = mn.load(OLD / "experiment")
    env = old_world()
    assert old.environment == env
    assert old.environment.to_config() == env.to_config()
    assert old.loss == old_loss()
    assert type(old.policy) is mn.PolicyGRU and old.policy.hidden_noise == 0.01
    assert list(old.log["loss"]) == list(pd.read_csv(OLD / "experiment" / "log.csv", index_col=0)["loss"])


def test_an_old_experiment_plays_as_it_did():
    "The network that was saved does in its world what the saved results say, drawn with the same seed."
    old = mn.load(OLD / "experiment")
    again = mn.simulate(old.policy, old.environment, n=4, seed=2, engine="eager")
    assert set(old.results.data_vars) <= set(again.data_vars)
    for name in old.results.data_vars:
        if old.results[name].dtype.kind == "f":
            np.testing.assert_allclose(again[name], old.results[name], rtol=1e-9, atol=1e-12, err_msg=name)
        else:
            assert (again[name].values == old.results[name].values).all(), name


def test_old_results_are_read_by_themselves():
    "As a plain netCDF file."
    results = xr.load_dataset(OLD / "experiment" / "results.nc", engine="h5netcdf")
    hand = mn.analysis.endpoint_speed(results)
    assert hand.dims[:2] == ("trial", "time") and hand.sizes["trial"] == 4
    assert len(mn.analysis.reach_kinematics(results)) == 4
    assert mn.views.trajectories(results) is not None and mn.views.activations(results) is not None


def test_configurations_name_classes_bare():
    "So that they do not depend on where a class lives."
    config = old_world().to_config()
    names = [x["type"] for x in _with_type(config)]
    assert {"Environment", "RigidTendonArm26", "TwoDofArm", "DelayedReach", "CurlField"} <= set(names)
    assert not [name for name in names if "." in name]
    assert mn.from_config(config) == old_world()


def _with_type(config):
    "All dicts in a configuration that name a type."
    if isinstance(config, dict):
        if "type" in config:
            yield config
        for value in config.values():
            yield from _with_type(value)
    elif isinstance(config, list):
        for value in config:
            yield from _with_type(value)
