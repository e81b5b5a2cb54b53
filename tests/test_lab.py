"The interactive pieces in a real JupyterLab and a real browser."

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from playwright.sync_api import sync_playwright

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"

#: where a point of a figure is on the screen, and what its columns hold
FIGURES = """
() => {
  const views = [], find = v => { views.push(v); for (const c of v.child_views || []) find(c) };
  for (const root of Bokeh.index) find(root);
  const at = (title, x, y) => {
    const view = views.find(v => v.model.type === 'Figure' && v.model.title.text.startsWith(title));
    const canvas = view.canvas_view.el.getBoundingClientRect();
    return [canvas.left + view.frame.x_scale.compute(x), canvas.top + view.frame.y_scale.compute(y)];
  };
  const columns = name => {
    for (const d of Bokeh.documents) for (const m of d._all_models.values()) if (m.name === name) {
      const found = {};
      for (const [k, v] of m.data instanceof Map ? m.data : Object.entries(m.data)) found[k] = Array.from(v, w => w instanceof Object ? Array.from(w) : w);
      return found;
    }
    return null;
  };
  return {at, columns};
}
"""


ERROR = '[data-mime-type="application/vnd.jupyter.error"]'


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    "A running JupyterLab, its folder and its address."
    root, port = tmp_path_factory.mktemp("lab"), free_port()
    options = [
        "--allow-root",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=",
        f"--ServerApp.root_dir={root}",
    ]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=2)
                break
            except OSError:
                time.sleep(0.25)
        yield root, f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "this test needs Chromium (Debian: apt-get install chromium)"
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=path, headless=True, args=FLAGS.split())
        yield opened
        opened.close()


@contextlib.contextmanager
def notebook(lab, browser, name, *cells):
    "A notebook whose cells have run, and afterwards: nothing was wrong on the console."
    root, url = lab
    kernel = {"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells], metadata=kernel),
        root / f"{name}.ipynb",
    )
    page = browser.new_page(viewport={"width": 1600, "height": 1600})
    wrong = []
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.goto(f"{url}/lab/tree/{name}.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
    kernel = "window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel"
    page.wait_for_function(f"{kernel}?.connectionStatus === 'connected' && {kernel}.status === 'idle'", timeout=90_000)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_selector(f".motornet-panel .bk-Figure, {ERROR}", timeout=120_000)
    page.wait_for_timeout(1500)
    yield page
    assert not wrong, wrong
    assert page.locator(ERROR).count() == 0
    page.close()


def columns(page, name):
    return page.evaluate(f"() => ({FIGURES})().columns({json.dumps(name)})")


def wait_until(page, expression, seconds=20):
    page.wait_for_function(f"() => {{ const figures = ({FIGURES})(); return {expression} }}", timeout=1000 * seconds)


def test_the_effector_builder(lab, browser, tmp_path):
    "Arrow keys move a joint; a fixation point that is dragged with the mouse changes the moment arms in Python."
    cells = (
        "import motornet_nb as mn",
        "builder = mn.EffectorBuilder()\nbuilder",
        "import json, pathlib\n"
        f"said = pathlib.Path({str(tmp_path / 'said.json')!r})\n"
        "builder._history.on_change(lambda body: said.write_text(json.dumps(body.to_config())))",
    )
    with notebook(lab, browser, "builder", *cells) as page:
        before = columns(page, "hand")
        handle = page.locator(".motornet-panel .noUi-handle").first
        handle.focus()
        for _ in range(5):
            handle.press("ArrowRight")
        wait_until(page, f"Math.abs(figures.columns('hand').x[0] - {before['x'][0]}) > 0.005")
        page.wait_for_timeout(1000)  # until the last of the five has arrived
        points, arms = columns(page, "fixation points"), columns(page, "moment arms of joint 1")
        k = next(
            i for i, pair in enumerate(zip(points["muscle"], points["point"], strict=True)) if pair == ("biceps", 1)
        )
        x, y = points["x"][k], points["y"][k]
        begin = page.evaluate(f"() => ({FIGURES})().at('GeometricArm26', {x}, {y})")
        end = page.evaluate(f"() => ({FIGURES})().at('GeometricArm26', {x + 0.03}, {y + 0.02})")
        page.mouse.move(*begin)
        page.mouse.down()
        page.mouse.move(*[(a + b) / 2 for a, b in zip(begin, end, strict=True)], steps=4)
        page.mouse.move(*end, steps=4)
        page.mouse.up()
        wait_until(
            page,
            f"JSON.stringify(figures.columns('moment arms of joint 1').ys[4]) !== {json.dumps(json.dumps(arms['ys'][4], separators=(',', ':')))}",
        )
        after = columns(page, "fixation points")
        moved = [i for i in range(len(points["x"])) if abs(after["x"][i] - points["x"][i]) > 1e-6]
        assert moved and set(after["muscle"][i] for i in moved) == {"biceps"}
        for _ in range(50):
            if (tmp_path / "said.json").exists():
                break
            time.sleep(0.1)
        config = json.loads((tmp_path / "said.json").read_text())
        assert config["geometry"]["points"][4][1] != [0.044, 0.001]
