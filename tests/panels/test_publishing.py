"""Notebooks as pages without Python and without a network, in a real browser."""

import math
from pathlib import Path

import lab
import nbformat
import pytest

from motornet_nb.panels.publishing import publish

ROOT = Path(__file__).resolve().parents[2]

#: how far a slider moves each figure: for every source that changes, the largest change of any number, as a share of what the axes of its figure span
MOVED = """
() => {
  const numbers = () => {
    const found = new Map();
    const look = view => {
      if (view.model.type === 'Figure') for (const r of view.model.renderers) {
        const data = r.data_source.data, x = view.model.x_range, y = view.model.y_range;
        for (const [name, column] of data instanceof Map ? data : Object.entries(data)) {
          const span = /^x/.test(name) ? x.end - x.start : /^y/.test(name) ? y.end - y.start : name === 'force' ? x.end - x.start : 0;
          if (span > 0) found.set(r.id + name, [Array.from(column, v => typeof v === 'number' ? v : Array.from(v)).flat(), span]);
        }
      }
      for (const child of view.child_views || []) look(child);
    };
    for (const root of Bokeh.index) look(root);
    return found;
  };
  if (!window.before) { window.before = numbers(); return 0 }
  let most = 0;
  const now = numbers();
  for (const [key, [values, span]] of now) {
    const old = window.before.get(key)?.[0] ?? [];
    values.forEach((v, i) => { if (Number.isFinite(v - old[i])) most = Math.max(most, Math.abs(v - old[i]) / span) });
  }
  window.before = now;
  return most;
}
"""


def moved_by_each_slider(page):
    "For each slider of a page, how much of what its figures span anything drawn moves at most."
    found = []
    page.evaluate(MOVED)
    for i in range(page.locator(".noUi-handle").count()):
        handle = page.locator(".noUi-handle").nth(i)
        handle.focus()
        handle.press("ArrowRight")
        page.wait_for_timeout(300)
        found.append(page.evaluate(MOVED))
    return found


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

    def opened(notebook, width=1200):
        written = publish(notebook, tmp_path / "page.html")
        page.set_viewport_size({"width": width, "height": 1000})
        assert written.stat().st_size < 5e6, f"{written.stat().st_size / 1e6:.1f} MB"
        page.goto(written.as_uri())
        page.wait_for_function("() => window.Bokeh?.documents.length > 0")
        page.wait_for_timeout(1500)
        return page

    yield opened
    assert not wrong, wrong
    context.close()


def test_the_builder_in_a_page(offline):
    "Its sliders move the body: the hand by centimetres."
    page = offline(next((ROOT / "nbs" / "panels").glob("*_effector_builder.ipynb")))
    hand = "() => { for (const d of Bokeh.documents) for (const m of d._all_models.values()) if (m.type === 'CustomJS' && m.args.bones) return ['x', 'y'].map(c => m.args.bones.data[c].at(-1)) }"
    for slider in range(2):
        at = page.evaluate(hand.replace("m.args.bones", "(m.args.bones ?? m.args.get?.('bones'))"))
        handle = page.locator(".noUi-handle").nth(slider)
        handle.focus()
        handle.press("ArrowRight")
        page.wait_for_timeout(300)
        moved = page.evaluate(hand.replace("m.args.bones", "(m.args.bones ?? m.args.get?.('bones'))"))
        assert math.dist(at, moved) > 0.01
    assert len(moved := moved_by_each_slider(page)) >= 2 and min(moved) > 0.02
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
    assert min(moved_by_each_slider(page)) > 0.02
    assert "EffectorBuilder(children" not in page.inner_text("body")
    assert page.get_by_text("A picture: run the notebook to move it.").count() == 1  # the task builder


def test_a_disturbed_network_in_a_page(offline, tmp_path):
    "Field and delay move the hand."
    code = (
        "import motornet_nb as mn",
        "trained = mn.pretrained('preferred_directions/arm')",
        "panel = mn.Perturb(trained.policy[0], next(iter(trained.tests().values())))",
        "shown = panel.static([-20, 0, 20], [0.07, 0.15])",
    )
    shown = "from bokeh.io import output_notebook, show\noutput_notebook()\nshow(shown)"
    cells = [nbformat.v4.new_code_cell("\n".join(code))]
    cells.append(nbformat.v4.new_code_cell(shown))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "perturbed.ipynb")
    page = offline(tmp_path / "perturbed.ipynb", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert len(moved := moved_by_each_slider(page)) == 2 and min(moved) > 0.01
    assert "Loading BokehJS" not in page.inner_text("body")  # which output_notebook says


FORMULAS = r"""
Inertia $M(q)$, in code `$HOME`:

$$\ddot q = M(q)^{-1} \tau_i$$

\begin{align} a &= b \\ c &= d \end{align}
"""


def test_formulas_are_drawn_and_code_stays(offline, tmp_path):
    cells = [nbformat.v4.new_markdown_cell(FORMULAS)]
    cells += [nbformat.v4.new_code_cell("from IPython.display import Latex\nLatex(r'$\\frac{1}{2}$')")]
    cells += [
        nbformat.v4.new_code_cell(
            "from bokeh.io import output_notebook, show\nfrom bokeh.plotting import figure\noutput_notebook()\np = figure(); p.line([0, 1], [0, 1]); show(p)"
        )
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "formulas.ipynb")
    page = offline(tmp_path / "formulas.ipynb")
    page.wait_for_selector("mjx-container")
    drawn = page.locator("mjx-container").evaluate_all("all => all.map(e => e.getAttribute('aria-label').trim())")
    assert drawn[0] == "M(q)" and drawn[1].startswith("\\ddot q") and drawn[2].startswith("\\begin{align}")
    assert drawn[3] == "\\frac{1}{2}" and len(drawn) == 4
    assert all(
        h > 5
        for h in page.locator("mjx-container svg").evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
    )
    words = page.inner_text("body")
    assert "$HOME" in words and "$$" not in words


def test_a_page_follows_the_theme(offline, tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell("words"),
        nbformat.v4.new_code_cell(
            "from bokeh.io import output_notebook, show\nfrom bokeh.plotting import figure\noutput_notebook()\np = figure(); p.line([0, 1], [0, 1]); show(p)"
        ),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "words.ipynb")
    page = offline(tmp_path / "words.ipynb")
    colors = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('.jp-RenderedMarkdown')).color].map(c => Math.max(...c.match(/[0-9]+/g).slice(0, 3).map(Number)))"
    page.emulate_media(color_scheme="light")
    paper, ink = page.evaluate(colors)
    assert paper > 240 and ink < 60
    page.emulate_media(color_scheme="dark")
    paper, ink = page.evaluate(colors)
    assert paper < 40 and ink > 200


def test_what_cannot_be_published(tmp_path):
    with pytest.raises(ValueError, match=r"\.ipynb"):
        publish(tmp_path / "none.ipynb")
