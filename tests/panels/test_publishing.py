"""Notebooks as pages without Python and without a network, in a real browser."""

from pathlib import Path

import lab
import nbformat
import pytest

from motornet_nb.panels.publishing import publish

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def browser():
    with lab.chromium() as opened:
        yield opened


@pytest.fixture
def offline(browser, tmp_path, monkeypatch):
    "Publishes a notebook, opens its page with the network off; afterwards, nothing may have gone wrong."
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=":")
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 1000})
    page = context.new_page()
    wrong = lab.listen(page)

    def opened(notebook):
        written = publish(notebook, tmp_path / "page.html")
        assert written.stat().st_size < 5e6, f"{written.stat().st_size / 1e6:.1f} MB"
        page.goto(written.as_uri())
        page.wait_for_function("() => window.Bokeh?.documents.length > 0")
        page.wait_for_timeout(1500)
        return page

    yield opened
    assert not wrong, wrong
    context.close()


def test_the_builder_in_a_page(offline):
    "Its sliders move the body."
    page = offline(next((ROOT / "nbs" / "panels").glob("*_effector_builder.ipynb")))
    for slider in range(2):
        before = lab.on_figures(page, "figures.everything()")
        handle = page.locator(".noUi-handle").nth(slider)
        handle.focus()
        handle.press("ArrowRight")
        page.wait_for_timeout(300)
        assert lab.on_figures(page, "figures.everything()") != before


def test_the_explorer_in_a_page(offline):
    "It plays."
    page = offline(next((ROOT / "nbs" / "panels").glob("*_explorer.ipynb")))
    before = lab.on_figures(page, "figures.everything()")
    page.get_by_text("► play").click()
    page.wait_for_timeout(1000)
    played = lab.on_figures(page, "figures.everything()")
    assert played != before
    page.locator("select").first.select_option(index=1)
    page.wait_for_timeout(300)
    assert lab.on_figures(page, "figures.everything()") != played


def test_panels_in_a_page(offline, tmp_path):
    "A panel that is shown puts in its place what works without Python."
    code = (
        "import motornet_nb as mn\nmn.EffectorBuilder()",
        "env = mn.Environment(mn.ReluPointMass24(), mn.CenterOutReach(), duration=0.2)\nmn.TaskBuilder(env)",
    )
    cells = [nbformat.v4.new_code_cell(c) for c in code]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "two.ipynb")
    page = offline(tmp_path / "two.ipynb")
    assert page.locator(".bk-Figure").count() >= 5 and page.locator(".noUi-handle").count() == 2
    assert "EffectorBuilder(children" not in page.inner_text("body")


def test_what_cannot_be_published(tmp_path):
    with pytest.raises(ValueError, match=r"\.ipynb"):
        publish(tmp_path / "none.ipynb")
