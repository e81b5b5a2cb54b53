"""Fixtures: golden numbers, both precisions."""

import functools
import os
import signal
from pathlib import Path

import pytest
import torch
import xarray as xr

torch.set_num_threads(1)
# a shell starts what runs in the background without interrupts; the tests of interrupts need them
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
#: the golden numbers: beside the checkout where there are some, else the copy that comes with the tests
FOLDERS = (ROOT.parent / "shared" / "reference", ROOT / "tests" / "data")
PRECISIONS = {"f64": torch.float64, "f32": torch.float32}


@functools.cache
def load_reference(name: str) -> xr.Dataset:
    "A file of golden numbers by its name, without its ending."
    path = next(p for folder in FOLDERS if (p := folder / f"{name}.nc").is_file())
    return xr.load_dataset(path, engine="h5netcdf")


#: tests that drive a browser, run notebooks, compile a lot or kill processes: they begin first, and `make check` leaves them out
SLOW = (
    *(
        "test_lab",
        "test_scene",
        "test_app",
        "test_browser",
        "test_publishing",
        "test_demo",
        "test_report",
        "test_wheel",
    ),
    *("tests/fused/", "test_fused_engine", "test_compiled_engine", "test_engines", "test_rollout", "test_audit"),
    *("test_run_folder", "test_checkpoint", "test_training", "test_recipe", "test_recorded_variables"),
    *("test_effector_builder", "test_task_builder", "test_against_mujoco", "test_reinforcement"),
)


def pytest_collection_modifyitems(items):
    "Mark what is slow, and put the longest first, so that no worker has to wait for another at the end."
    for item in items:
        if any(name in item.nodeid for name in SLOW):
            item.add_marker("slow")
    longest = (
        "tests/test_lab.py",
        "tests/test_app.py",
        "tests/test_scene.py",
        "test_every_notebook_runs",
        "tests/panels/test_publishing.py",
    )
    items.sort(key=lambda item: not any(name in item.nodeid for name in longest))


def _shared(tmp_path_factory, name: str) -> str:
    "A folder that all workers of a test run share: what one has compiled, the others find."
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    return str(folder)


@pytest.fixture(scope="session", autouse=True)
def programs(tmp_path_factory):
    "Folders for what the fused engine and torch.compile build, unless the caller has chosen some."
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("MOTORNET_NB_CACHE", "TORCHINDUCTOR_CACHE_DIR"):
            if variable not in os.environ:
                patch.setenv(variable, _shared(tmp_path_factory, variable.lower()))
        yield


@pytest.fixture(scope="session")
def reference():
    "`reference(name)` is a Dataset of golden numbers."
    return load_reference


@pytest.fixture(params=list(PRECISIONS))
def precision(request) -> str:
    "f64, then f32: the ending of the golden numbers in that precision."
    return request.param


@pytest.fixture
def dtype(precision) -> torch.dtype:
    "The torch dtype that goes with `precision`."
    return PRECISIONS[precision]


@pytest.fixture
def generator() -> torch.Generator:
    "A seeded source of chance."
    return torch.Generator().manual_seed(20)
