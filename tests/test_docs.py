"""The site: what is executed again, the house, and two notebooks as pages in a real browser."""

import os
import re
import subprocess
import sys
from pathlib import Path

import lab
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docs import ROOMS, dependencies, house  # noqa: E402
from docs.check import faults  # noqa: E402

SHOWN = ("body/03_thelen", "views/10_loss_curves")


def test_what_a_notebook_depends_on():
    "Names of the package's faces lead to the modules that have them; what is above is not reached from below."
    named = dependencies.named
    assert named("import motornet_nb as mn\nmn.views.animation(1)\nmn.train") == {"views.playback", "learning.training"}
    assert named("from motornet_nb.body.thelen import RigidTendonHillMuscleThelen") == {"body.thelen"}
    reached = dependencies.reached({"views.playback"})
    assert {"body.body", "results.dataset", "core.model"} <= reached
    assert not {m for m in reached if m.partition(".")[0] in ("panels", "studies", "live")}
    assert "panels.panel" in dependencies.reached(named("import motornet_nb as mn\nmn.Scene()"))


def test_only_what_could_have_changed_is_executed_again(tmp_path, monkeypatch):
    "Text may change; code, and a module that is needed, not."
    cells = [nbformat.v4.new_markdown_cell("words"), nbformat.v4.new_code_cell("from motornet_nb.core.files import x")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    before = dependencies.key(notebook)
    notebook.cells[0].source = "other words"
    assert dependencies.key(notebook) == before != dependencies.key(notebook, "another torch")
    changed = tmp_path / "files.py"
    changed.write_text(dependencies.files()["core.files"].read_text() + "\nmore = 1\n")
    monkeypatch.setitem(dependencies.files(), "core.files", changed)
    assert dependencies.key(notebook) != before
    monkeypatch.undo()
    changed.write_text("more = 1\n")
    monkeypatch.setitem(dependencies.files(), "panels.scene", changed)
    assert dependencies.key(notebook) == before
    notebook.cells[1].source += "\n1 + 1"
    assert dependencies.key(notebook) != before


def test_the_house():
    "Every folder is there, on a floor above all that it imports, and is a link."
    floors = house.floors(house.arrows())
    assert set(floors) == set(ROOMS) and all(floors[a] > floors[b] for a, b in house.arrows())
    assert house.needed(house.arrows()) < house.arrows()
    assert sorted(re.findall(r'href="api/(\w+)/index.html"', house.picture())) == sorted(ROOMS)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "Two notebooks, executed and rendered."
    build = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "docs", *(str(ROOT / "nbs" / f"{name}.ipynb") for name in SHOWN)]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"DOCS_BUILD": str(build)}, timeout=240
    )
    assert run.returncode == 0, (run.stdout + run.stderr)[-4000:]
    assert "0 notebooks as they were, 2 to execute" in run.stdout
    return build / "part" / "site"


def test_pages_without_faults(site):
    "Nothing is fetched, no markup is left, and what the two pages lead to is there, but for pages that were not made."
    found = faults(site)
    assert not [f for f in found if "fetches" in f or "raw markup" in f]
    text = (site / "api" / "body" / "thelen.html").read_text()
    assert 'id="api-body-thelen-rigidtendonhillmusclethelen"' in text
    assert "width of the active force-length curve" in text  # from the declaration of gamma
    assert len(text) < 300_000  # BokehJS is beside it


def test_pages_in_a_browser(site):
    "Offline: formulas are drawn, figures are alive and follow the theme, a phone does not scroll sideways, the search finds."
    with lab.chromium() as browser:
        context = browser.new_context(offline=True, viewport={"width": 390, "height": 900}, color_scheme="light")
        page = context.new_page()
        page.set_default_timeout(120_000)  # a busy machine
        wrong = lab.listen(page)
        for name in ("api/body/thelen", "api/views/loss_curves", "house", "parameters"):
            page.goto((site / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.goto((site / "api/body/thelen.html").as_uri())
        page.wait_for_function("() => document.documentElement.dataset.formulas === 'drawn'")
        assert page.locator(".math").count() == page.locator(".math.drawn svg").count() > 10
        page.wait_for_function("() => globalThis.Bokeh?.index.roots?.length > 0 || [...Bokeh.index].length > 0")
        paper = "() => [...Bokeh.documents[0]._all_models.values()].find(m => m.type === 'Figure').border_fill_color"
        light = page.evaluate(paper)
        page.evaluate("document.body.dataset.theme = 'dark'")
        page.wait_for_function(f"() => ({paper})() === 'transparent'")
        page.evaluate("document.body.dataset.theme = 'light'")
        page.wait_for_function(f"light => ({paper})() === light", arg=light)
        for words, found in (("pennation", "Glossary"), ("curl field", "Glossary"), ("thelen", "Thelen")):
            page.goto((site / "search.html").as_uri() + f"?q={words}")
            page.wait_for_selector("#search-results li a")
            assert found in page.inner_text("#search-results")
        assert not wrong, wrong
        context.close()
