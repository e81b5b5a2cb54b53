"""Datasets and a log that several figures are drawn from."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from worlds import arm, network

import motornet_nb as mn


@pytest.fixture(scope="package")
def ds():
    env = mn.Environment(arm(), mn.CenterOutReach(n_targets=4), duration=0.3)
    return mn.simulate(network(env, n_units=4), env)


@pytest.fixture(scope="package")
def conditions(ds):
    env = mn.Environment(arm(), mn.CenterOutReach(n_targets=4, loads=[mn.CurlField(8.0)]), duration=0.3)
    return xr.concat([ds, mn.simulate(network(env, n_units=4), env)], "trial")


@pytest.fixture(scope="package")
def mixed():
    "Random starts, targets and go cues, half of them catch trials."
    env = mn.Environment(arm(), mn.DelayedReach(), duration=0.3)
    return mn.simulate(network(env), env, n=40, split="train")


@pytest.fixture(scope="package")
def log():
    batches = np.arange(300)
    terms = {"position": 0.2 * 0.99**batches, "muscle": 0.01 + 0 * batches}
    rest = {"gradient_norm": 1.0 + 0 * batches, "learning_rate": 1e-3 + 0 * batches, "seconds": 0.1 + 0 * batches}
    table = pd.DataFrame({"loss": sum(terms.values()), **terms, **rest}, index=pd.Index(batches, name="batch"))
    table.loc[7, "muscle"] = 0.0
    return table
