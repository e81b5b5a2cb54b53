"""The project itself: notebooks are the source, configuration is consistent, imports are light."""

import configparser
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "nbs").rglob("*.ipynb"))


def _modules(root: Path) -> dict[str, Path]:
    "The package's modules by their path within it."
    package = root / "motornet_nb"
    return {p.relative_to(package).as_posix(): p for p in package.rglob("*.py")}


def test_modules_are_what_the_notebooks_export(tmp_path):
    """Exporting the notebooks again gives the modules that are in the package, byte for byte."""
    for name in ("nbs", "motornet_nb"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "settings.ini"):
        shutil.copy(ROOT / name, tmp_path)
    for name, module in _modules(tmp_path).items():
        if not name.endswith("__init__.py"):  # the faces of folders are written by hand
            module.unlink()
    subprocess.run([str(Path(sys.executable).parent / "nbdev-export")], cwd=tmp_path, check=True, capture_output=True)
    exported = {name: path.read_text() for name, path in _modules(tmp_path).items()}
    present = {name: path.read_text() for name, path in _modules(ROOT).items()}
    assert exported.keys() == present.keys()
    differing = [name for name in present if exported[name] != present[name]]
    assert not differing, f"run nbdev-export; these modules differ from their notebooks: {differing}"


def test_readme_is_made_from_the_index():
    """README.md is what tests/support/make_readme.py makes of nbs/index.ipynb."""
    made = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "support" / "make_readme.py"), "--print"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert (ROOT / "README.md").read_text() == made.stdout, "run python tests/support/make_readme.py"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_are_light_and_valid(notebook):
    """A notebook is valid, smaller than 200 kB, and begins with a title and a one-line description."""
    assert notebook.stat().st_size < 200_000
    nb = nbformat.read(notebook, as_version=4)
    nbformat.validate(nb)
    assert re.match(r"# .+\n\n> .+", nb.cells[0].source)


def test_both_nbdev_configurations_agree():
    """settings.ini (nbdev 2) and pyproject.toml (nbdev 3) name the same package, paths and version source."""
    ini = configparser.ConfigParser()
    ini.read(ROOT / "settings.ini")
    old = ini["DEFAULT"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    new = project["tool"]["nbdev"]
    assert old["lib_name"] == project["project"]["name"] == "motornet_nb"
    assert (old["lib_path"], old["nbs_path"]) == (new["lib_path"], new["nbs_path"])
    assert old["version"].removeprefix("attr: ") == project["tool"]["setuptools"]["dynamic"]["version"]["attr"]
    assert old["min_python"] in project["project"]["requires-python"]


def test_import_leaves_heavy_packages_alone():
    """Importing the package does not import pandas, xarray, Bokeh or ipywidgets."""
    code = "import sys, json, motornet_nb; print(json.dumps(sorted(m for m in sys.modules if '.' not in m)))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(json.loads(run.stdout))
    assert not loaded & {"pandas", "xarray", "bokeh", "ipywidgets", "IPython", "matplotlib", "stable_baselines3"}


def test_public_names_exist():
    """Every name in __all__ can be had from the package, and documents itself."""
    import motornet_nb as mn

    for name in mn.__all__:
        assert getattr(mn, name).__doc__, f"{name} has no docstring"


def test_no_machine_paths_in_the_sources():
    """No path of the machine it was written on is left in a tracked text file."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    names = tracked.stdout.split() if tracked.returncode == 0 else [str(p.relative_to(ROOT)) for p in NOTEBOOKS]
    absolute = re.compile(r"[\"'\s(](/(?:home|root|tmp|work|opt|Users)/\S*)")
    for name in names:
        path = ROOT / name
        if path.suffix in {".ipynb", ".py", ".md", ".toml", ".ini"} and path.is_file() and path != Path(__file__):
            found = absolute.findall(path.read_text())
            assert not found, f"{name}: {found}"


def test_every_notebook_runs():
    """All notebooks run from top to bottom."""
    command = [str(Path(sys.executable).parent / "nbdev-test"), str(ROOT / "nbs"), "--n-workers", "2", "--timing"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, (run.stdout + run.stderr)[-6000:]
