"""Pages without a kernel in a real browser (Chromium): reports, and every view on a phone."""

import shutil
import subprocess

import lab
import pytest
import sheet
from bokeh.embed import file_html
from bokeh.resources import INLINE

import motornet_nb as mn

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=20000",
    "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of eight reaches of an untrained network."""
    from motornet_nb.views.report import write_report

    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    env = mn.Environment(arm, mn.CenterOutReach(), duration=0.4, vision_delay=0.05, proprioception_delay=0.02)
    net = mn.PolicyGRU(env.n_observations, 8, env.n_actions)
    log = mn.train(net, env, n_batches=3, batch_size=4, progress=False)
    folder = tmp_path_factory.mktemp("report")
    write_report(folder / "report.html", mn.simulate(net, env), log=log, environment=env)
    return folder


def test_report_draws_its_figures_without_a_network(report):
    """Every Bokeh figure is rendered, nothing is fetched, and the console has no error."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    assert browser, "this test needs Chromium (Debian: apt-get install chromium)"
    page = (report / "report.html").as_uri()
    run = subprocess.run(
        [browser, *FLAGS, f"--user-data-dir={report / 'profile'}", "--dump-dom", page],
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.count('class="bk-') >= 3 or run.stdout.count("bk-Figure") >= 3, run.stdout[-2000:]
    console = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    bad = [line for line in console if "error" in line.lower() or "refused" in line.lower() or "failed" in line.lower()]
    assert not bad, bad


@pytest.fixture(scope="module")
def browser():
    with lab.chromium() as opened:
        yield opened


def test_report_on_a_phone_and_in_the_dark(report, browser):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    wrong = lab.listen(page)
    page.goto((report / "report.html").as_uri())
    page.wait_for_function("() => [...(window.Bokeh?.index ?? [])].length >= 4")
    page.wait_for_timeout(1500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    paper = "Math.max(...getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number))"
    page.emulate_media(color_scheme="light")
    assert page.evaluate(paper) > 240
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(paper) < 40 and not wrong
    page.close()


#: views of a page that stick out of it, frames that are too narrow, maps in metres whose axes have different scales
FAULTS = r"""
() => {
  const found = [], metres = axis => /\(m\)$/.test(axis?.axis_label ?? '');
  const look = view => {
    const box = view.el?.getBoundingClientRect?.();
    if (box && box.width && (box.right > innerWidth + 1 || box.left < -1)) found.push([view.model.type, box.left, box.right]);
    if (view.model.type === 'Figure') {
      const {width, height} = view.frame.bbox, p = view.model, title = p.title?.text ?? '';
      if (title && width < 80) found.push([title, 'frame', width]);
      const scale = width / (p.x_range.end - p.x_range.start) / (height / (p.y_range.end - p.y_range.start));
      if (metres(p.below[0]) && metres(p.left[0]) && Math.abs(scale - 1) > 0.03) found.push([title, 'aspect', scale]);
    }
    for (const child of view.child_views || []) look(child);
  };
  for (const root of Bokeh.index) look(root);
  return found;
}
"""


@pytest.mark.parametrize("width", [390, 1024])
def test_no_view_sticks_out_of_a_page(tmp_path, browser, width):
    """Whatever is drawn fits into the page, and maps have the same scale along both axes."""
    views = {name: view for name, view in sheet.every_view().items() if name not in sheet.NOT_YET}
    (tmp_path / "views.html").write_text(file_html(list(views.values()), INLINE, "views"))
    page = browser.new_page(viewport={"width": width, "height": 1200})
    wrong = lab.listen(page)
    page.goto((tmp_path / "views.html").as_uri())
    page.wait_for_function(f"() => [...(window.Bokeh?.index ?? [])].length >= {len(views)}", timeout=240_000)
    page.set_default_timeout(120_000)
    for _ in range(20):  # until all have found their size
        page.wait_for_timeout(1500)
        if not (faults := page.evaluate(FAULTS)):
            break
    assert page.evaluate("document.documentElement.scrollWidth") <= width and not faults and not wrong, (faults, wrong)
    page.close()
