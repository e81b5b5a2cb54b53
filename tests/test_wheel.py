"""The package as strangers get it: built, put into an environment of its own, and used from another folder.

The environment sees the libraries of the one that runs the tests, but not its motornet_nb: nothing is downloaded.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: of which the sources are made
SOURCES = ("motornet_nb", "nbs", "tests")
QUICKSTART = """
import motornet_nb as mn
arm = mn.RigidTendonArm26(muscle=mn.RigidTendonHillMuscleThelen())
env = mn.Environment(arm, mn.DelayedReach(), duration=0.5, vision_delay=0.05, proprioception_delay=0.02)
net = mn.PolicyGRU(env.n_observations, 20, arm.n_muscles)
log = mn.train(net, env, n_batches=2, batch_size=8, progress=False)
assert len(log) == 2 and "fused" in log.attrs["engine"], log.attrs
test = mn.Environment(arm, mn.CenterOutReach(), duration=1.0, vision_delay=0.05, proprioception_delay=0.02)
results = mn.simulate(net, test, seed=1)
results.to_netcdf("results.nc")
mn.views.trajectories(results)
assert "batch_size : int, default 64" in mn.train.__doc__
trained = mn.pretrained("preferred_directions/arm", replicate=0)
reaches = mn.simulate(trained.policy, next(iter(trained.tests().values())))
error = mn.analysis.reach_kinematics(reaches)["endpoint_error"]
assert error.mean() < 0.02, error
print(mn.__version__, mn.__file__)
"""
#: gymnasium imports what stands before the colon
GYMNASIUM = """
import sys, gymnasium
env = gymnasium.make("motornet_nb:motornet_nb/CenterOutReach-v0")
observation, _ = env.reset(seed=1)
assert observation.shape == env.observation_space.shape
several = gymnasium.make_vec("motornet_nb:motornet_nb/DelayedReach-v0", num_envs=3)
assert several.reset(seed=1)[0].shape[0] == 3
print(sys.modules["motornet_nb"].__file__)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    "A folder with the sdist, and the wheel that was made of it."
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, source)
        elif path.name in SOURCES:
            shutil.copytree(path, source / path.name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(source)]
    run = subprocess.run(command, capture_output=True, text=True, env=strangers())
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr
    return dist


def strangers(**more: str) -> dict[str, str]:
    "The variables of this process, without those that lead back to the repository."
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")} | more


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    "A Python that has the wheel, and sees the libraries that are here."
    place = tmp_path_factory.mktemp("strange")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    run = subprocess.run([*pip, str(wheel)], capture_output=True, text=True, env=strangers())
    assert run.returncode == 0, run.stderr
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([str(python), "-c", where], check=True, capture_output=True, text=True).stdout.strip()
    libraries = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    Path(packages, "libraries.pth").write_text("\n".join(libraries))  # no .pth in there is read: not the editable one
    return python


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


def ran(installed: Path, folder: Path, *arguments: str) -> str:
    "What a command of the installed package prints; it must go well."
    extensions = str(Path(sys.prefix) / "share" / "jupyter")
    run = subprocess.run(
        [str(installed), "-I", *arguments],
        cwd=folder,
        env=strangers(JUPYTER_PATH=extensions, OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_the_wheel_has_what_it_needs_and_nothing_else(built):
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    names = set(zipfile.ZipFile(wheel).namelist())
    here = {p.relative_to(ROOT).as_posix() for p in (ROOT / "motornet_nb").rglob("*") if p.is_file()}
    here = {n for n in here if "__pycache__" not in n and "/." not in n}
    assert here == {n for n in names if n.startswith("motornet_nb/")}
    assert {"motornet_nb/py.typed", "motornet_nb/argument_notes.json"} < names
    assert all(n.startswith("motornet_nb") for n in names), "tests and notebooks are in the sdist"
    assert wheel.stat().st_size < 10e6
    inside = {n.partition("/")[2] for n in tarfile.open(sdist).getnames()}
    wanted = {"pyproject.toml", "README.md", "LICENSE", "CITATION.cff", "constraints.txt", "nbs/index.ipynb"}
    assert wanted <= inside and "tests/conftest.py" in inside and "tests/support/bodies.py" in inside


def test_the_quickstart_and_a_network_that_comes_with_it(installed, elsewhere):
    said = ran(installed, elsewhere, "-c", QUICKSTART)
    assert said.split()[-1].startswith(str(installed.parent.parent)), said
    assert (elsewhere / "results.nc").is_file()


def test_the_demo(installed, elsewhere):
    said = ran(installed, elsewhere, "-m", "motornet_nb", "demo", "--pretrained", "--quiet", "--folder", "demo")
    assert "mean endpoint error" in said and (elsewhere / "demo" / "report.html").stat().st_size > 1e5


def test_the_doctor(installed, elsewhere):
    findings = json.loads(ran(installed, elsewhere, "-m", "motornet_nb", "doctor", "--json"))
    assert not [f for f in findings if f["state"] == "missing"]
    libraries = next(f for f in findings if f["topic"] == "libraries")
    assert libraries["state"] == "ok" and "torch" in libraries["words"]


def test_its_names_in_gymnasium_without_an_import(installed, elsewhere):
    assert str(installed.parent.parent) in ran(installed, elsewhere, "-c", GYMNASIUM)


def test_the_command(installed, elsewhere):
    command = installed.parent / "motornet_nb"
    run = subprocess.run([str(command), "--help"], cwd=elsewhere, env=strangers(), capture_output=True, text=True)
    assert run.returncode == 0 and "doctor" in run.stdout
