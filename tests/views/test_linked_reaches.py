"""Trials beside a rose: what belongs together, and what the page does with the pointer (Chromium)."""

import io
import math

import numpy as np
import pytest
from bokeh.io import save
from bokeh.resources import INLINE
from figures import drawn, plots, shows
from lab import chromium, drag, listen, on_figures
from PIL import Image
from tuned import reaches

from motornet_nb import views
from motornet_nb.views.linked_reaches import trials_of_bins
from motornet_nb.views.polar import Bins

PREFERRED = np.radians([90.0, 95.0, 180.0, 315.0])
DEPTH = [1.0, 2.0, 1.5, 0.5]


@pytest.fixture(scope="module")
def known():
    return reaches(PREFERRED, DEPTH, repeats=2)  # trials 0 to 7, and 8 to 15, each 45°


def test_trials_of_a_direction_are_those_in_its_bin_else_the_nearest():
    direction = np.radians([0.0, 90.0, 90.0, 355.0, 181.0])
    found = trials_of_bins(direction, Bins(8))
    assert found[0] == [0, 3] and found[2] == [1, 2] and found[4] == [4]
    assert found[1] == [0, 1, 2] and found[6] == found[7] == [3]  # 45° is between; 355° is nearer to 270° than 181° is
    assert trials_of_bins(np.radians([0.3]), Bins(4)) == [[0]] * 4


def test_a_row_a_trial_holds_its_path_and_its_muscles(known, caplog):
    view = views.preferred_directions(known, n_bins=8)
    trials = drawn(view, "paths")
    assert trials is drawn(view, "activation left") is drawn(view, "goals") is not None
    np.testing.assert_allclose(trials["path_x"][1][1:], known.endpoint_position[1, :, 0], atol=1e-7)
    np.testing.assert_allclose([trials["path_x"][1][0], trials["path_y"][1][0]], 0, atol=1e-7)
    np.testing.assert_allclose(trials["activation left"][4], known.activation[4, :, 1], rtol=1e-6)
    assert list(trials["bin"]) == [*range(8)] * 2 and trials["direction"][1] == "45°"
    dots = drawn(view, "dots")
    np.testing.assert_allclose(dots["degrees"], [90, 95, 180, 315], atol=1e-4)
    np.testing.assert_allclose(dots["depth"], DEPTH)
    assert [p.title.text for p in plots(view)][-3:] != [] and shows(view, caplog)


def test_what_cannot_be_linked_is_left_out_or_refused(known):
    few = known.assign_coords(
        go_time=known.go_time.where(known.trial != 3), target_direction=known.target_direction.where(known.trial != 5)
    )
    assert drawn(views.preferred_directions(few), "paths")["trial"] == [str(i) for i in range(16) if i not in (3, 5)]
    without = views.preferred_directions(known.drop_vars("activation"))
    assert len(drawn(without, "paths")["path_x"]) == 16 and without.select_one({"name": "activation left"}) is None
    with pytest.raises(ValueError, match="hand that moves along a line"):
        views.preferred_directions(known.isel(space=[0]))
    assert views.preferred_directions(known.isel(space=[0]), linked=False).select_one({"name": "paths"}) is None


SELECTED = """(() => { const found = {};
  for (const d of Bokeh.documents) for (const m of d._all_models.values())
    if (m.type === 'ColumnDataSource' && m.name) found[m.name.split(' ')[0]] = Array.from(m.selected.indices);
  return found })()"""


class Live:
    "A rose with its trials in a browser."

    def __init__(self, page):
        self.page = page

    def place(self, title, x, y):
        return on_figures(self.page, f"figures.at({title!r}, {x}, {y})")

    def ray(self, degrees, radius=0.5):
        return self.place(
            "Preferred", radius * math.cos(math.radians(degrees)), radius * math.sin(math.radians(degrees))
        )

    def move(self, place):
        self.page.mouse.move(*place)
        self.page.wait_for_timeout(150)

    def click(self, place):
        self.page.mouse.click(*place)
        self.page.wait_for_timeout(400)

    @property
    def selected(self):
        return self.page.evaluate(SELECTED)

    def ink(self, title, x, y):
        "How far the darkest channel near a place is from white, 0 to 255."
        at = self.place(title, x, y)
        shot = self.page.screenshot(clip={"x": at[0] - 2, "y": at[1] - 2, "width": 5, "height": 5})
        return 255 - int(np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).min())


@pytest.fixture(scope="module")
def page_file(known, tmp_path_factory):
    path = tmp_path_factory.mktemp("rose") / "rose.html"
    save(views.preferred_directions(known, n_bins=8), filename=path, resources=INLINE, title="rose")
    return path


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def live(page_file, browser):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    wrong = listen(page)
    page.goto(page_file.as_uri())
    page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
    page.wait_for_timeout(300)
    yield Live(page)
    page.close()
    assert wrong == []


NOTHING = {"trials": [], "bins": [], "units": []}
AWAY = (1390, 990)


@pytest.mark.slow
def test_the_pointer_over_a_direction_lights_up_its_trials_for_as_long_as_it_is_there(live):
    path = ("Hand paths", -0.05, 0.0)  # of trials to the left
    before = live.ink(*path)
    live.move(live.ray(90))
    assert live.selected == {"trials": [2, 10], "bins": [2], "units": [0, 1]}
    assert live.ink(*path) < 0.4 * before and live.ink("Hand paths", 0.0, 0.05) > 100
    live.move(live.ray(180, 0.9))
    assert live.selected == {"trials": [4, 12], "bins": [4], "units": [2]}
    assert live.ink(*path) == before
    live.move(live.ray(-135))  # no unit prefers it
    assert live.selected == {"trials": [5, 13], "bins": [5], "units": []}
    live.move(AWAY)
    assert live.selected == NOTHING and live.ink(*path) == before


@pytest.mark.slow
def test_a_click_keeps_a_direction_and_the_pointer_only_interrupts_it(live):
    kept = {"trials": [4, 12], "bins": [4], "units": [2]}
    live.click(live.ray(180))
    live.move(AWAY)
    assert live.selected == kept
    live.move(live.ray(0))
    assert live.selected["trials"] == [0, 8]
    live.move(AWAY)
    assert live.selected == kept
    live.click(live.ray(45, 1.5))  # beside the disc
    live.move(AWAY)
    assert live.selected == NOTHING


@pytest.mark.slow
def test_units_drawn_round_light_up_their_directions_and_trials(live):
    drag(live.page, live.place("Units", 60, 0.9), live.place("Units", 200, 1.7))  # units 0 and 2, not 1 above them
    live.page.wait_for_timeout(400)
    assert live.selected == {"trials": [2, 4, 10, 12], "bins": [2, 4], "units": [0, 2]}


@pytest.mark.slow
def test_a_path_lights_up_its_direction(live):
    live.click(live.place("Hand paths", 0.0, -0.05))
    found = live.selected
    assert set(found["trials"]) <= {6, 14} and found["trials"] and found["bins"] == [6] and found["units"] == []


@pytest.mark.slow
def test_a_narrow_page_is_not_widened(browser, page_file):
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(page_file.as_uri())
    page.wait_for_timeout(800)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = page.evaluate(
        "() => { const v = []; const find = w => { if (w.model.type === 'Figure') v.push(w.el.getBoundingClientRect().right); for (const c of w.child_views || []) find(c) }; for (const r of Bokeh.index) find(r); return v }"
    )
    page.close()
    assert len(boxes) == 5 and max(boxes) <= 390
