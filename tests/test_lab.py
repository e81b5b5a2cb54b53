"""The interactive pieces in a real JupyterLab and a real browser: what each control does, then a seeded monkey."""

import json
import time
from pathlib import Path

import pytest
from lab import ask, columns, drag, jupyterlab, on_figures, quiet, settled, wait_until
from monkey import Monkey

SUPPORT = Path(__file__).parent / "support"
ENVIRONMENT = (
    "torch.manual_seed(0)\n"
    "env = mn.Environment(mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()), mn.CenterOutReach(), duration=0.6)\n"
    "net = mn.PolicyGRU(env.n_observations, 16, env.n_actions)"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with jupyterlab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def notebook(lab, request, monkeypatch):
    "A notebook with a panel `p`, whose kernel is watched."
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT), prepend=":")

    def opened(make, **size):
        begin = f"import sys; sys.path.insert(0, {str(SUPPORT)!r})\nimport torch, watching, motornet_nb as mn"
        name = request.node.name
        return lab.notebook(name, begin, "watching.watch()", *make, "p", **size)

    return opened


def said(page, expression, after_all=True):
    "The value of an expression in the kernel, after all that the page has told it."
    if after_all:
        quiet(page)
    return json.loads(ask(page, f"import json; print(json.dumps({expression}))"))


def monkey(page, moves, seed):
    "Random moves; afterwards, everything is as it should be."
    Monkey(page, seed, leave=("", "Let it go")).play(moves, lambda: settled(page, "p"))


def field(page, label):
    "The number field in the row of a label."
    return page.locator(f'.motornet-panel .motornet-row:has(> .motornet-label:has-text("{label}"))').locator(
        ".motornet-number input"
    )


def test_the_effector_builder(notebook):
    "Arrow keys move a joint, the mouse the hand and a fixation point; a drag that is refused leaves the point where it is."
    with notebook(["p = mn.EffectorBuilder()"]) as page:
        posture = said(page, "p.posture")
        handle = page.locator(".motornet-panel .noUi-handle").first
        handle.focus()
        for _ in range(5):
            handle.press("ArrowRight")
        assert said(page, "p.posture")[0] > posture[0] + 0.02
        hand = columns(page, "hand")
        x, y = hand["x"][0], hand["y"][0]
        places = [f"figures.at('GeometricArm26', {x + dx}, {y + dy})" for dx, dy in ((0, 0), (-0.1, 0.05))]
        drag(page, *(on_figures(page, place) for place in places))
        moved = said(page, "p.effector.endpoint_at(torch.tensor([p.posture]).float())[0].tolist()")
        assert abs(moved[0] - (x - 0.1)) < 0.01 and abs(moved[1] - (y + 0.05)) < 0.01

        points, arms = columns(page, "fixation points"), columns(page, "moment arms of joint 1")
        pairs = zip(points["muscle"], points["point"], strict=True)
        k = next(i for i, pair in enumerate(pairs) if pair == ("biceps", 1))
        x, y = points["x"][k], points["y"][k]
        places = [f"figures.at('GeometricArm26', {x + dx}, {y + dy})" for dx, dy in ((0, 0), (0.03, 0.02))]
        drag(page, *(on_figures(page, place) for place in places))
        quiet(page)
        after = columns(page, "fixation points")
        moved = {after["muscle"][i] for i in range(len(points["x"])) if abs(after["x"][i] - points["x"][i]) > 1e-6}
        assert moved == {"biceps"} and abs(after["x"][k] - x - 0.03) < 0.003 and abs(after["y"][k] - y - 0.02) < 0.003
        assert columns(page, "moment arms of joint 1")["ys"][4] != arms["ys"][4]
        assert said(page, "p.config['geometry']['points'][4][1]") != [0.044, 0.001]

        page.locator(".jupyter-widget-Collapse-header", has_text="Skeleton").click()
        field(page, "m1").fill("2.5")
        field(page, "m1").press("Enter")
        assert said(page, "float(p.effector.skeleton.m1)") == 2.5
        field(page, "m1").fill("-1")
        field(page, "m1").press("Enter")
        quiet(page)
        assert "is not allowed" in page.locator(".motornet-panel [role=status]").inner_text()
        assert field(page, "m1").input_value() == "2.5"
        field(page, "m1").fill("1.234,5")
        field(page, "m1").press("Enter")
        quiet(page)
        assert "more than one way" in page.locator(".motornet-row [role=status]").inner_text()
        assert field(page, "m1").input_value() == "2.5"
        field(page, "m1").fill("2,75")
        field(page, "m1").press("Enter")
        assert said(page, "float(p.effector.skeleton.m1)") == 2.75 and field(page, "m1").input_value() == "2.75"
        assert page.locator(".motornet-panel [role=status]").count() == 0
        page.get_by_role("button", name="Save", exact=True).click()
        with page.expect_download() as saved:
            page.locator(".motornet-download a").click()
        assert json.loads(Path(saved.value.path()).read_text())["skeleton"]["m1"] == 2.75
        field(page, "l1g").fill("1000")
        field(page, "l1g").press("Enter")
        quiet(page)
        assert "beyond the length of the upper arm" in page.locator(".motornet-row [role=note]").inner_text()
        with page.expect_file_chooser() as chooser:
            page.locator(".motornet-panel button", has_text="Load").click()
        chooser.value.set_files(saved.value.path())
        wait_until(page, "!document.querySelector('.motornet-row [role=note]')")
        assert said(page, "float(p.effector.skeleton.l1g)") == 0.135
        assert said(page, "(exec(p.code(), made := {}), made['effector'] == p.effector)[1]")
        settled(page, "p")
        monkey(page, 80, 5)


def test_the_task_builder(notebook):
    "Another task, a load, a slider: the environment is what is shown."
    with notebook(["p = mn.TaskBuilder()"]) as page:
        page.locator(".motornet-panel select").first.select_option(label="delayed reach")
        assert said(page, "type(p.environment.task).__name__") == "DelayedReach"
        page.locator(".jupyter-widget-Collapse-header", has_text="Loads").click()
        page.get_by_role("button", name="Add a curl field").click()
        field(page, "strength").fill("-12")
        field(page, "strength").press("Enter")
        assert said(page, "float(p.environment.task.loads[0].strength)") == -12
        monkey(page, 50, 7)


def test_the_explorer(notebook):
    "A click on a path picks its trial; play runs through time."
    cells = [ENVIRONMENT, "p = mn.Explorer(mn.simulate(net, env), mn.simulate(net, env, seed=1))"]
    with notebook(cells) as page:
        place = said(page, "p._paths._paths[3, 50].tolist()")
        page.mouse.click(*on_figures(page, f"figures.at('Hand paths', {place[0]}, {place[1]})"))
        assert said(page, "p.trials") == [3]
        page.locator(".motornet-panel .jupyter-widget-play button, .motornet-panel .jupyter-button").first.click()
        begin, played = time.monotonic(), 0.0
        while played < 0.5:
            assert time.monotonic() - begin < 30
            page.wait_for_timeout(200)
            played = said(page, "p.time", after_all=False)
        quiet(page)
        monkey(page, 50, 1)


def test_perturb(notebook):
    "Every slider disturbs the reach, and the target can be dragged."
    with notebook([ENVIRONMENT, "p = mn.Perturb(net, env)"]) as page:
        before = said(page, "p.hand_picture.way.data['x'].tolist()")
        handle = page.locator(".motornet-panel .noUi-handle").first
        handle.focus()
        handle.press("PageUp")
        assert said(page, "p.perturbation.field_strength") > 0
        assert said(page, "p.hand_picture.way.data['x'].tolist()") != before
        target = said(page, "[*map(float, (p.hand_picture.target.data['x'][0], p.hand_picture.target.data['y'][0]))]")
        places = [f"figures.at('Way of the hand', {target[0]}, {target[1] + dy})" for dy in (0, -0.03)]
        drag(page, *(on_figures(page, place) for place in places))
        assert abs(said(page, "float(p.hand_picture.target.data['y'][0])") - target[1] + 0.03) < 0.005
        monkey(page, 50, 3)


def test_the_gradient_panel(notebook):
    "The button takes one step of training."
    with notebook([ENVIRONMENT, "p = mn.GradientPanel(net, env)"]) as page:
        before = said(page, "p.results.attrs['loss']")
        page.get_by_role("button", name="One training step").click()
        assert said(page, "p.steps") == 1 and said(page, "p.results.attrs['loss']") != before
        monkey(page, 40, 4)


def test_the_training_panel(notebook, tmp_path):
    "Start, a new learning rate, pause, stop; a kernel that is restarted leaves a checkpoint from which to go on."
    cells = [ENVIRONMENT, f"p = mn.TrainingPanel(net, env, n_batches=100000, checkpoint={str(tmp_path)!r}, every=10)"]
    with notebook(cells, forgiven="Cannot send") as page:  # which the page says while the kernel starts again

        def now(expression):  # a panel that draws all the time is never quiet
            page.wait_for_timeout(300)
            return said(page, expression, after_all=False)

        def press(name):
            page.get_by_role("button", name=name, exact=True).click()

        press("Start")
        wait_until(page, "document.querySelector('.motornet-panel').innerText.includes(' left')", 60)
        handle = page.locator(".motornet-panel .noUi-handle").first
        handle.focus()
        handle.press("ArrowRight")
        assert now("p._optimizer.param_groups[0]['lr']") > 1e-3 and now("p.running")
        press("Pause")
        assert now("p.paused")
        press("Go on")
        press("Stop")
        page.wait_for_selector(
            ".motornet-panel button:enabled:has-text('Start')", timeout=5000
        )  # 0.5 s where nothing else runs
        assert not now("p.running")
        quiet(page)
        state = json.loads(ask(page, "print(watching.state(p))"))
        assert not state["wrong"] and not on_figures(page, f"figures.differences({json.dumps(state['sources'])})")
        batches = now("len(p._rows)")
        press("Start")
        wait_until(
            page, f"/batch (\\d+)/.exec(document.querySelector('.motornet-panel').innerText)?.[1] > {batches + 30}", 60
        )
        page.evaluate("() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()")
        page.wait_for_timeout(2000)
        ask(page, "import torch, motornet_nb as mn\n" + ENVIRONMENT)
        again = f"mn.train(net, env, n_batches={{}}, checkpoint={str(tmp_path)!r}, resume=True, progress=False)"
        kept = now(f"len({again.format(1)})")  # nothing is left to do
        assert kept >= batches + 20 and now(f"len({again.format(kept + 3)})") == kept + 3


HEARD = """() => {
  window.heard = [];
  const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
  kernel.anyMessage.connect((_, {msg, direction}) => {
    if (direction === 'recv' && msg.header.msg_type === 'comm_msg' && msg.content.data.method === 'custom') window.heard.push(msg);
  });
}"""


@pytest.mark.parametrize(
    ("make", "label"),
    [("p = mn.EffectorBuilder()", "shoulder, rad"), ("p = mn.Perturb(net, env)", "force field, N s/m")],
    ids=["builder", "perturb"],
)
def test_a_move_is_one_message_and_what_moves_has_a_name(notebook, make, label):
    "All figures of a panel change together; a screen reader is told what a slider is, its value and its unit."
    name, unit = label.split(", ")
    with notebook([ENVIRONMENT, make]) as page:
        page.evaluate(HEARD)
        row = page.locator(f'.motornet-row:has(.motornet-label:has-text("{name}"))').first
        handle = row.locator(".noUi-handle")
        for _ in range(3):
            handle.press("ArrowRight")
            quiet(page)
        assert page.evaluate("() => window.heard.length") == 3
        page.wait_for_timeout(400)
        handle.press("ArrowRight")
        quiet(page)
        page.wait_for_timeout(400)
        shown = row.locator("input").input_value()
        assert name in handle.get_attribute("aria-label")
        assert handle.get_attribute("aria-valuetext") == f"{shown} {unit}"
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('.motornet-panel :is(.noUi-handle, input, select, textarea, button)')]
              .filter(e => e.getClientRects().length && e.type !== 'file'
                && !(e.getAttribute('aria-label') || e.title || e.innerText || e.labels?.[0]?.innerText)).map(e => e.outerHTML.slice(0, 200))"""
        )
        assert not unnamed
        pictures = page.locator(".motornet-panel .motornet-figure[role]")
        assert pictures.count() >= 4 and all(
            pictures.nth(i).get_attribute("aria-label") for i in range(pictures.count())
        )
