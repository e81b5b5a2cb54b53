"""A trained arm in a page: what it computes, what is touched, how it looks; no Python, no BokehJS, no network."""

import json

import numpy as np
import pytest
import torch
from bodies import make_body
from lab import chromium, listen
from torch import nn
from worlds import network, point_mass_world

import motornet_nb as mn
from motornet_nb.views.arm import planar_outlines
from motornet_nb.views.page_arm import muscle_paths

ARM = "document.querySelector('.motornet-arm')"
STATE, REACHES = f"{ARM}.arm.state", f"{ARM}.arm.reaches"


@pytest.fixture(scope="module")
def element():
    "The arm that comes with the package, before and after practice."
    return mn.views.live()


@pytest.fixture(scope="module")
def browser():
    "One for all tests."
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser, element, tmp_path):
    "Opens an arm in a page; afterwards nothing may have gone wrong, and nothing may have been asked of a network."
    contexts, asked, wrongs = [], [], []

    def open_page(shown=element, width=1000, theme="light", repeated=1):
        shown = mn.views.page_arm.LiveArm(shown.html * repeated, shown.title)
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, offline=True)
        page = context.new_page()
        page.on("request", lambda r: asked.append(r.url))
        wrongs.append(listen(page))
        contexts.append(context)
        page.goto(shown.save(tmp_path / f"arm {len(contexts)}.html").as_uri())
        page.wait_for_function(f"{ARM}?.arm")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not any(wrongs), wrongs
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}


def paused(page):
    "The arm stands still, so that a test can step it."
    page.click("[data-part=play]")
    assert page.inner_text("[data-part=play]") == "Play"


def on_canvas(page, x, y):
    "Where a place of the body (m) is on the screen."
    box = page.locator("canvas").bounding_box()
    (left, low, size) = page.evaluate(f"{REACHES} && {ARM}.arm.view")
    return box["x"] + (x - left) / size * box["width"], box["y"] + box["height"] * (1 - (y - low) / size)


def test_the_page_says_how_exact_and_how_quick_it_is(opened, element):
    "100 steps against PyTorch in double precision, steps of the arm in a frame, and the size of the element."
    page = opened()
    page.wait_for_function(f"{ARM}.dataset.difference", timeout=20_000)
    difference, speed, steps = (float(page.evaluate(f"{ARM}.dataset.{n}")) for n in ("difference", "speed", "steps"))
    assert 0 < difference <= 1e-9 and steps == 100 and speed >= 60
    assert f"over 100 steps: {difference:.0e}".replace("e-0", "e-") in page.inner_text("[data-part=proof]")
    assert len(element.html.encode()) < 600_000 and "Bokeh" not in element.html
    assert not page.evaluate("'Bokeh' in globalThis")
    assert "paths are schematic" in page.inner_text(".motornet-arm")


def test_a_click_is_a_target_and_the_arm_gets_there(opened):
    "From where the hand is, at rest; then back to the centre."
    page = opened()
    target = page.evaluate(f"{ARM}.arm.middle.map((v, i) => v + [0.06, 0.06][i])")
    page.mouse.click(*on_canvas(page, *target))
    assert np.allclose(page.evaluate(f"{STATE}.target"), target, atol=2e-3)
    near = f"(() => {{ const h = {REACHES}.read('endpoint_position'), t = {STATE}.target; return Math.hypot(h[0] - t[0], h[1] - t[1]) < 0.02 }})()"
    page.wait_for_function(near, timeout=15_000)
    page.wait_for_function(f"!{STATE}.outward", timeout=15_000)
    assert "ends" in page.inner_text("[data-part=words]") and "from the target" in page.inner_text("[data-part=words]")


def test_the_target_can_be_dragged(opened):
    "The trial goes on, and the goal is where the pointer is."
    page = opened()
    middle = np.array(page.evaluate(f"{ARM}.arm.middle"))
    page.mouse.move(*on_canvas(page, *(middle + np.array([0.05, 0.05]))))
    page.mouse.down()
    page.wait_for_function(f"{REACHES}.k > 3")
    page.mouse.move(*on_canvas(page, *(middle + np.array([-0.05, 0.08]))), steps=3)
    assert np.allclose(page.evaluate(f"{REACHES}.goal"), middle + np.array([-0.05, 0.08]), atol=2e-3)
    assert page.evaluate(f"{REACHES}.goals[0]") != page.evaluate(f"{REACHES}.goal")
    page.mouse.up()
    page.mouse.move(*on_canvas(page, *middle))
    assert np.allclose(page.evaluate(f"{STATE}.target"), middle + np.array([-0.05, 0.08]), atol=2e-3)


def test_places_out_of_reach_are_refused_in_words(opened):
    "The target stays where it was."
    page = opened()
    before = page.evaluate(f"{STATE}.target")
    left, low, size = page.evaluate(f"{ARM}.arm.view")
    page.mouse.click(*on_canvas(page, left + 0.02 * size, low + 0.98 * size))
    assert "cannot get to" in page.inner_text("[data-part=words]")
    assert page.evaluate(f"{STATE}.target") == before


def test_keys(opened):
    "Arrow keys move the target, the space bar stops the arm; everything has a name."
    page = opened()
    before = np.array(page.evaluate(f"{STATE}.target"))
    page.focus("canvas")
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    assert np.allclose(page.evaluate(f"{STATE}.target"), before + np.array([-0.02, 0.01]))
    page.keyboard.press(" ")
    assert page.evaluate(f"{STATE}.playing") is False
    unnamed = f"[...{ARM}.querySelectorAll('button, input, canvas')].filter(e => !(e.ariaLabel || e.textContent.trim())).length"
    assert page.evaluate(unnamed) == 0
    assert "arrow keys" in page.get_attribute("canvas", "aria-label")


def aside(page, mode):
    "How far the hand is off the straight line to the first target, m, to the left."
    page.click(f"[data-mode={mode}]")
    return page.evaluate(f"""() => {{
      const arm = {REACHES}, d = {ARM}.arm;
      arm.begin(d.centre, d.target);
      const along = [d.target[0] - arm.from[0], d.target[1] - arm.from[1]], long = Math.hypot(...along);
      let most = 0;
      while (!arm.over) {{
        arm.step();
        const h = arm.read('endpoint_position'), off = (along[0] * (h[1] - arm.from[1]) - along[1] * (h[0] - arm.from[0])) / long;
        if (Math.abs(off) > Math.abs(most)) most = off;
      }}
      return most;
    }}""")


def test_field_practice_and_after_effect(opened):
    "The field pushes to the left; after practice it does so less; without it the adapted network errs to the right."
    page = opened()
    paused(page)
    undisturbed, field, practised, after = (
        aside(page, m) for m in ("undisturbed", "field", "practised", "after-effect")
    )
    assert abs(undisturbed) < 0.015 and field > 0.02
    assert abs(practised) < 0.6 * field and after < -0.025
    assert page.get_attribute("[data-mode=after-effect]", "aria-pressed") == "true"
    assert page.evaluate(f"{REACHES}.network") == 1 and page.evaluate(f"{REACHES}.field") == 0


def slide(page, name, value):
    "Move a slider by its name."
    page.get_by_label(name, exact=True).evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input')) }", value
    )


def test_what_can_be_turned(opened):
    "Field, delay, noise and the strength of a muscle, each with its unit; and back."
    page = opened()
    slide(page, "Field strength", -10)
    assert page.evaluate(f"[{REACHES}.field, {STATE}.mode]") == [-10, 1]
    assert "−10 N s/m" in page.inner_text(".motornet-arm")
    slide(page, "Visual delay", 120)
    page.wait_for_function(f"{REACHES}.k > 2")
    assert page.evaluate(f"[{REACHES}.late, {REACHES}.scan.delays[0]]") == [12, 12]
    slide(page, "Noise on the drives", 0.1)
    slide(page, "Noise on the senses", 0.02)
    assert page.evaluate(f"{REACHES}.noise") == {"action": 0.1, "observation": 0.02, "hidden": 0}
    slide(page, "biceps", 30)
    assert page.evaluate(f"Array.from({REACHES}.strength)")[4] == 0.3
    paused(page)
    page.click("[data-part=reset]")
    assert page.evaluate(f"[{REACHES}.late, {REACHES}.noise.action, {REACHES}.strength[4], {REACHES}.field]") == [
        5,
        0,
        1,
        8,
    ]


@pytest.mark.parametrize("width", [390, 900, 1600])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_and_takes_the_theme_of_the_page(opened, width, theme):
    "True aspect, nothing beyond the page; colours of what is behind it, also when that changes."
    page = opened(width=width, theme=theme)
    box = page.locator("canvas").bounding_box()
    assert box["width"] == pytest.approx(box["height"]) and box["width"] >= min(width - 40, 500)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = theme == "dark"
    assert page.evaluate(f"{ARM}.classList.contains('dark')") is dark
    page.evaluate(f"document.body.style.background = '{'#fff' if dark else '#111'}'")
    page.wait_for_function(f"{ARM}.classList.contains('dark') === {str(not dark).lower()}")


def test_the_same_arm_twice_in_a_page(opened):
    "Each wakes once and lives by itself."
    page = opened(repeated=2)
    page.wait_for_function("[...document.querySelectorAll('.motornet-arm')].filter(e => e.arm).length === 2")
    page.locator("[data-mode=field]").nth(1).click()
    assert page.locator("[data-mode=field]").nth(0).get_attribute("aria-pressed") == "false"


class Plain(nn.Module):
    "A network of one's own, without memory."

    def __init__(self, n_inputs, n_actions):
        super().__init__()
        self.layer = nn.Linear(n_inputs, n_actions)

    def init_hidden(self, batch_size):
        return None

    def forward(self, observation, hidden):
        return self.layer(observation).sigmoid(), hidden


class Thick(mn.ReluMuscle):
    "More than its force depends on the strength of a muscle."

    def coefficients(self, muscles):
        return super().coefficients(muscles) | {"area": muscles["max_isometric_force"] / 30}


def test_another_network_and_another_body(opened):
    "A sliding mass, a muscle whose strength cannot be turned, no memory, a trial of 20 steps."
    body = mn.ReluPointMass24(muscle=Thick())
    env = mn.Environment(body, mn.CenterOutReach(distance=0.05), duration=0.2, vision_delay=0.02)
    torch.manual_seed(0)
    page = opened(mn.views.live(Plain(env.n_observations, env.n_actions), env, mode="field", field=5))
    page.wait_for_function(f"{ARM}.dataset.difference", timeout=20_000)
    assert float(page.evaluate(f"{ARM}.dataset.difference")) < 1e-9 and page.evaluate(f"{ARM}.dataset.steps") == "20"
    assert page.locator("[data-mode]").all_inner_texts() == ["Undisturbed", "Field"]
    assert "strength of a Thick cannot be turned" in page.inner_text(".motornet-arm")


@pytest.mark.parametrize("name", ["RigidTendonArm26, thelen", "geometric_arm26, relu", "ReluPointMass24, relu"])
def test_muscle_paths_go_with_the_bones(name):
    "Schematic paths, real ones and those of a sliding mass are found exactly."
    paths, error = muscle_paths(make_body(name))
    assert error < 1e-6 and len(paths) == make_body(name).n_muscles
    kinds = {point[0] for _, points in paths for point in points}
    assert kinds <= {"world", "hand", "bone", "joint"}


def test_a_page_of_its_own(element, tmp_path):
    "Written whole, with a title; a notebook shows the same."
    page = element.save(tmp_path / "arm.html").read_text()
    assert element._repr_html_() in page and "<title>A trained RigidTendonArm26</title>" in page
    assert "in a page it is alive" in repr(element)
    with pytest.raises(ValueError, match=r"path.*arm\.png.*\.html"):
        element.save(tmp_path / "arm.png")


def test_what_does_not_fit_is_refused_in_words():
    "By the name of the argument."
    env = point_mass_world(mn.CenterOutReach(distance=0.05))
    net = network(env)
    for error, words, call in [
        (TypeError, "env.*None.*an Environment", lambda: mn.views.live(net)),
        (TypeError, "net.*one network, or two", lambda: mn.views.live([net] * 3, env)),
        (TypeError, "net.*one network, or two", lambda: mn.views.live("net", env)),
        (ValueError, "mode.*'practised'.*'undisturbed', 'field'", lambda: mn.views.live(net, env, mode="practised")),
        (ValueError, "field.*finite", lambda: mn.views.live(net, env, field=float("nan"))),
        (ValueError, "rate.*above 0", lambda: mn.views.live(net, env, rate=0)),
        (ValueError, "target.*within the reach", lambda: mn.views.live(net, env, target=[40, 0])),
        (ValueError, "target.*within the reach", lambda: mn.views.live(net, env, target=0.1)),
    ]:
        with pytest.raises(error, match=words):
            call()
    assert json.dumps(mn.views.live(net, env).title) == '"A trained ReluPointMass24"'


def test_the_path_of_a_muscle_is_drawn_where_it_is():
    "The frames that the page uses give the outlines in another posture."
    body = make_body("geometric_arm26, relu")
    paths, _ = muscle_paths(body)
    drawn = planar_outlines(body, torch.tensor([[0.7, 1.1]]))
    bones, want = drawn.bones[0], drawn.paths()
    for muscle, points in paths:
        for (kind, k, own, slope), place in zip(points, want[body.muscle_names[muscle]], strict=True):
            assert slope is None and kind in ("world", "bone")
            angle = 0.0 if kind == "world" else np.arctan2(*(bones[k + 1] - bones[k])[::-1])
            origin = 0 * bones[0] if kind == "world" else bones[k]
            turned = [np.cos(angle) * own[0] - np.sin(angle) * own[1], np.sin(angle) * own[0] + np.cos(angle) * own[1]]
            assert np.allclose(origin + turned, place, atol=1e-6)
