"""Runs of the smallest size, made once."""

from typing import NamedTuple

import pytest
import xarray as xr

from motornet_nb.studies.curl import curl_field
from motornet_nb.studies.pushes import perturbations


class Run(NamedTuple):
    "A run of a study and its folder."

    folder: object
    tree: xr.DataTree


@pytest.fixture(scope="session")
def curl_run(tmp_path_factory):
    "The curl field, smoke."
    folder = tmp_path_factory.mktemp("curl") / "run"
    return Run(folder, curl_field("smoke", folder, seed=3, progress=False))


@pytest.fixture(scope="session")
def push_run(tmp_path_factory):
    "Perturbations, smoke."
    folder = tmp_path_factory.mktemp("pushes") / "run"
    return Run(folder, perturbations("smoke", folder, seed=3, progress=False))
