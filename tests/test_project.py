"""The project itself: notebooks are the source, configuration is consistent, imports are light."""

import ast
import configparser
import json
import pkgutil
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


#: what may import what: only from the right to the left; `fused` knows nobody
FLOORS = (
    "core",
    "fused",
    "body",
    "task",
    "control",
    "results",
    "learning",
    "page",
    "views",
    "live",
    "studies",
    "panels",
)
FACES = ("__init__", "__main__", "analysis", "app", "demo", "doctor", "former")


def _imports() -> set[tuple[str, str]]:
    "Which module imports which: paths with points within the package, the faces of folders as the folders."
    package = ROOT / "motornet_nb"
    files = {".".join(p.relative_to(package).with_suffix("").parts): p for p in package.rglob("*.py")}
    arrows = set()
    for name, path in files.items():
        inside = ["motornet_nb", *name.split(".")[:-1]]
        for node in ast.walk(ast.parse(path.read_text())):
            named = []
            if isinstance(node, ast.ImportFrom):
                base = inside[: len(inside) + 1 - node.level] if node.level else []
                base = [*base, *(node.module or "").split(".")] if node.module else base
                named = [".".join([*base, alias.name]) for alias in node.names]
            elif isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            for full in named:
                if full.startswith("motornet_nb."):
                    full = full.removeprefix("motornet_nb.")
                    near = [full, f"{full}.__init__", full.rpartition(".")[0], f"{full.rpartition('.')[0]}.__init__"]
                    arrows.add((name, next((n for n in near if n in files), "__init__")))
    return arrows


def test_imports_go_one_way():
    """No folder imports one that stands above it, and no module of a folder one that imports it."""
    arrows = {(a, b) for a, b in _imports() if a != b}
    for a, b in arrows:
        above, below = a.partition(".")[0], b.partition(".")[0]
        if above in FLOORS and above != below and not a.endswith("__init__"):
            assert below in FLOORS[: FLOORS.index(above)], f"{a} imports {b}"
            assert above != "fused", f"{a} imports {b}"
    left = {m for arrow in arrows for m in arrow if not m.endswith("__init__")}
    while left:
        ground = {m for m in left if not any(a == m and b in left for a, b in arrows)}
        assert ground, f"these modules import each other in a circle: {sorted(left)}"
        left -= ground


def test_no_module_is_long():
    """At most 400 lines, so that one concept fits."""
    lines = {n: len(p.read_text().splitlines()) for n, p in _modules(ROOT).items() if n != "_modidx.py"}
    assert not {n: k for n, k in lines.items() if k > 400}


def test_notebooks_modules_and_tests_mirror_each_other():
    """Every notebook exports the module of its name; every test of a folder is of one of its modules."""
    for notebook in NOTEBOOKS:
        cells = nbformat.read(notebook, as_version=4).cells
        exports = [name for c in cells for name in re.findall(r"^#\| default_exp (\S+)", c.source)]
        folder = notebook.parent.relative_to(ROOT / "nbs").as_posix()
        if folder in FLOORS:
            name = re.fullmatch(r"\d\d_(\w+)", notebook.stem).group(1)
            assert exports == [f"{folder}.{name}"], notebook
    for folder in FLOORS:
        modules = {p.stem for p in (ROOT / "motornet_nb" / folder).glob("*.py")}
        for test in (ROOT / "tests" / folder).glob("test_*.py"):
            name = test.stem.removeprefix("test_")
            assert name in {*modules, folder} or name.startswith("against_"), f"{test.name} is of no module of {folder}"


def test_what_the_package_shows():
    """An editor is offered what a user may use: no names that are there by the way."""
    import motornet_nb as mn

    assert set(mn.__all__) < set(dir(mn)) and "__version__" in dir(mn)
    for name in dir(mn):
        assert getattr(mn, name) is not None
        assert name == "__version__" or not name.startswith("_")
    folders = {m.name for m in pkgutil.iter_modules(mn.__path__) if m.ispkg}
    assert folders == set(FLOORS) and folders < set(dir(mn))
    for name in ("analysis", "views", "statics", "edits"):
        shown = dir(getattr(mn, name))
        assert shown and not [n for n in shown if n.startswith("_") or n in ("np", "pd", "torch", "math", "Any")]
        assert all(getattr(getattr(mn, name), n) is not None for n in shown)


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


def test_the_citation_is_of_this_version():
    """CITATION.cff has what its schema requires, the version of the package, and the paper."""
    import yaml

    import motornet_nb

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= cited.keys() and cited["cff-version"] == "1.2.0"
    assert cited["version"] == motornet_nb.__version__ and cited["license"] == "Apache-2.0"
    assert [r["doi"] for r in cited["references"]] == ["10.7554/eLife.88591"]


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


@pytest.mark.slow
@pytest.mark.parametrize("folder", sorted({p.parent.relative_to(ROOT).as_posix() for p in NOTEBOOKS}))
def test_every_notebook_runs(folder):
    """All notebooks of a folder run from top to bottom."""
    only_here = ["--skip-folder-re", "."] if folder == "nbs" else []
    program = str(Path(sys.executable).parent / "nbdev-test")
    command = [program, str(ROOT / folder), *only_here, "--n-workers", "1", "--timing"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, (run.stdout + run.stderr)[-6000:]
