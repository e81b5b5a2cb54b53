"""Datasets side by side: ranges, legend, table; in a browser, a trial that lights up in all of them."""

import lab
import numpy as np
import pytest
from bokeh.io import save
from bokeh.models import Div, GlyphRenderer, Legend, Range1d
from bokeh.resources import INLINE
from figures import plots
from worlds import arm, network

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.results.kinematics import reach_kinematics
from motornet_nb.views.comparison import compare, trial_keys


@pytest.fixture(scope="module")
def field():
    "As `ds`, by another network in a force field, in longer trials."
    env = mn.Environment(arm(), mn.CenterOutReach(n_targets=4, loads=[mn.CurlField(8.0)]), duration=0.4)
    return mn.simulate(network(env, n_units=4, seed=1), env)


def sources(layout, name):
    "Columns of the renderers with a name, from left to right."
    found = [r for p in plots(layout) for r in p.renderers if isinstance(r, GlyphRenderer) and r.name == name]
    return [r.data_source.data for r in found]


def test_hand_paths_have_the_same_scale(ds, field):
    "The same ranges, which hold all paths; a centimetre is as long along both axes; each has the hands of its Dataset."
    layout = compare({"none": ds, "field": field})
    left, right = plots(layout)
    assert left.x_range is right.x_range and left.y_range is right.y_range and isinstance(left.x_range, Range1d)
    assert (left.frame_width, left.frame_height) == (right.frame_width, right.frame_height)
    assert not left.match_aspect
    pixel = [(r.end - r.start) / n for r, n in ((left.x_range, left.frame_width), (left.y_range, left.frame_height))]
    assert pixel[0] == pytest.approx(pixel[1], rel=1e-6)
    for one in (ds, field):
        for r, at in ((left.x_range, 0), (left.y_range, 1)):
            values = one.endpoint_position.values[..., at]
            assert r.start < values.min() and values.max() < r.end
    for one, columns in zip((ds, field), sources(layout, "paths 90°"), strict=True):
        np.testing.assert_allclose(columns["xs"][0][1:], one.endpoint_position[1, :, 0])


@pytest.mark.parametrize("view", ["kinematics", "activations"])
def test_courses_have_the_same_ranges(ds, field, view):
    "Plot by plot; time is common to all, to the end of the longer trials."
    layout = compare([ds, field], view)
    shown = plots(layout)
    half = len(shown) // 2
    assert [p.title.text for p in shown[:half]] == [p.title.text for p in shown[half:]]
    for a, b in zip(shown[:half], shown[half:], strict=True):
        assert a.x_range is b.x_range and a.y_range is b.y_range
    assert {(p.x_range.start, p.x_range.end) for p in shown} == {(0.0, 0.4)} and len({p.x_range.id for p in shown}) == 1
    if view == "activations":  # fixed ranges: the wider one
        highest = max(one.activation.values.max() for one in (ds, field))
        assert shown[0].y_range.end >= highest and len({p.y_range.id for p in shown}) == 1
    else:
        assert len({p.y_range.id for p in shown}) == half


def test_a_view_of_ones_own(ds, field):
    "A function of a Dataset; options are passed on."
    asked = []

    def mine(one, height=100):
        asked.append((one.sizes["time"], height))
        return views.time_courses(one, "speed", height=height)

    layout = compare([ds, field], mine, height=150)
    assert asked == [(30, 150), (40, 150)] and [p.height for p in plots(layout)] == [150, 150]
    layout = compare([ds, field], "time_courses", variables="speed")
    a, b = plots(layout)
    assert a.y_range is b.y_range


def test_one_legend_for_all(ds, field):
    "An entry a direction, which switches both; other legends are gone, and so are their strips."
    layout = compare([ds, field])
    (legend,) = [x for x in layout.select({"type": Legend}) if x.visible]
    assert [item.label.value for item in legend.items] == [f"{90 * i}°" for i in range(4)]
    (leader,) = legend.items[1].renderers
    (code,) = leader.js_property_callbacks["change:visible"]
    assert sorted(r.name for r in code.args["others"]) == sorted(2 * ["paths 90°", "targets 90°", "samples 90°"])
    layout = compare([ds, field], "kinematics")
    (legend,) = [x for x in layout.select({"type": Legend}) if x.visible]
    assert len(legend.items) == 4


def test_which_trials_belong_together(ds, field, conditions, mixed):
    "By position where the directions are the same; else by direction, and by condition where these are the same."
    assert trial_keys([ds, field]) == [list("0123")] * 2
    swapped = ds.isel(trial=[2, 0, 1, 3])
    by_direction = trial_keys([ds, swapped])
    assert by_direction[1] == [by_direction[0][i] for i in (2, 0, 1, 3)] and len(set(by_direction[0])) == 4
    keys = trial_keys([conditions, ds])
    assert keys[0][:4] == keys[0][4:] == keys[1]
    other = conditions.isel(trial=slice(None, None, -1))
    keys = trial_keys([conditions, other])
    assert keys[1] == keys[0][::-1] and len(set(keys[0])) == 8
    (columns,) = sources(compare([ds, mixed], table=False), "paths 0°")
    assert columns["key"] == [trial_keys([ds, mixed])[0][0]] and columns["lit"] == [1.0]


def test_a_table_of_means(ds, field):
    "Mean and standard deviation of both, in cm, cm/s and ms."
    layout = compare({"none <b>": ds, "field": field})
    (div,) = [d for d in layout.select({"type": Div}) if d.name == "kinematics"]
    for one in (ds, field):
        error = 100 * reach_kinematics(one)["endpoint_error"]
        assert f">{error.mean():.2f} ± {error.std():.2f}<" in div.text
        lateral = 100 * reach_kinematics(one)["max_lateral_deviation"].abs()
        assert f">{lateral.mean():.2f} ± {lateral.std():.2f}<" in div.text
    assert "none &lt;b&gt;" in div.text and "none <b>" not in div.text
    assert not [d for d in compare([ds, field], table=False).select({"type": Div}) if d.name == "kinematics"]


def test_trials_with_the_same_name_are_told_apart(conditions):
    "Where Datasets were joined."
    layout = compare([conditions, conditions], table=False)
    shown = [c for c in sources(layout, "paths reach") + sources(layout, "paths reach + CurlField")]
    assert len({k for c in shown for k in c["key"]}) == conditions.sizes["trial"]


@pytest.fixture(scope="module")
def browser():
    with lab.chromium() as opened:
        yield opened


LIT = """
() => {
  const found = [];
  for (const d of Bokeh.documents) for (const m of d._all_models.values())
    if (m.type === 'GlyphRenderer' && m.name?.startsWith('paths')) found.push([Number(m.id.slice(1)), m.name, Array.from(m.data_source.data.lit)]);
  return found.sort((a, b) => a[0] - b[0]).map(([, name, lit]) => [name, lit[0]]);
}
"""


def opened(browser, layout, path, width=1200):
    "A page with the network off, and what goes wrong in it."
    save(layout, path, resources=INLINE, title="comparison")
    page = browser.new_context(offline=True, viewport={"width": width, "height": 900}).new_page()
    wrong = lab.listen(page)
    page.goto(path.as_uri())
    page.wait_for_function("() => window.Bokeh?.documents.length > 0")
    page.wait_for_timeout(800)
    return page, wrong


def bright(page):
    "Names of the paths that are not dimmed, in both figures."
    return [name for name, lit in page.evaluate(LIT) if lit > 0.5]


def test_a_trial_lights_up_in_both(ds, field, browser, tmp_path):
    "Under the pointer while it is there; after a click until a click beside all paths. Without a kernel."
    page, wrong = opened(browser, compare([ds, field]), tmp_path / "page.html")
    every = [f"paths {90 * i}°" for i in range(4)] * 2
    assert bright(page) == every
    hand = ds.endpoint_position.values[1]
    x, y = lab.on_figures(page, f"figures.at('Hand paths', {hand[-1, 0]}, {hand[-1, 1]})")
    page.mouse.move(x, y)
    page.wait_for_timeout(300)
    assert bright(page) == ["paths 90°"] * 2
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    assert bright(page) == every
    middle = (hand[-1] + hand[-2]) / 2
    x, y = lab.on_figures(page, f"figures.at('Hand paths', {middle[0]}, {middle[1]})")
    page.mouse.click(x, y)
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    assert bright(page) == ["paths 90°"] * 2
    left, top = page.evaluate(
        "() => { const find = v => v.model.type === 'Figure' && v.model.title.text === 'Hand paths' ? v : (v.child_views || []).map(find).find(x => x); const v = find(Bokeh.index.roots[0]); const b = v.canvas_view.el.getBoundingClientRect(); return [b.left + v.frame.bbox.left + 3, b.top + v.frame.bbox.top + 3] }"
    )
    page.mouse.click(left, top)
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    assert bright(page) == every and wrong == []
    page.context.close()


def test_a_course_lights_up_in_every_plot(ds, field, browser, tmp_path):
    "Under the pointer, in all plots of both Datasets."
    page, wrong = opened(browser, compare([ds, field], "kinematics"), tmp_path / "page.html")
    lit = (
        LIT.replace("startsWith('paths')", "endsWith(' 180°')"),
        LIT.replace("startsWith('paths')", "endsWith(' 90°')"),
    )
    x, y = lab.on_figures(
        page, f"figures.at('Hand position, x', {ds.time.values[-1]}, {ds.endpoint_position.values[2, -1, 0]})"
    )
    page.mouse.move(x - 1, y)
    page.wait_for_timeout(300)
    chosen, other = ([v for _, v in page.evaluate(code)] for code in lit)
    assert chosen == [1.0] * 10 and other == [0.12] * 10 and wrong == []
    page.context.close()


@pytest.mark.parametrize("view", ["trajectories", "kinematics"])
def test_narrow_pages_have_them_below_each_other(ds, field, browser, tmp_path, view):
    "Side by side where there is room; no page is wider than its window."
    where = """() => { const found = [], find = v => { if (v.model.type === 'Div' && v.model.name?.startsWith('heading')) { const b = v.el.getBoundingClientRect(); found.push([b.left, b.top]) } for (const c of v.child_views || []) find(c) };
      for (const root of Bokeh.index.roots) find(root); return [found, document.documentElement.scrollWidth] }"""
    layout = compare([ds, field], view)
    page, wrong = opened(browser, layout, tmp_path / "page.html")
    (a, b), _ = page.evaluate(where)
    assert a[1] == b[1] and b[0] > a[0] + 200
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_timeout(500)
    (a, b), width = page.evaluate(where)
    assert a[0] == b[0] and b[1] > a[1] + 200 and width <= 390 and wrong == []
    page.context.close()


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds: compare({"one": ds}), "at least two"),
        (lambda ds: compare(ds), "a dict from names to Datasets"),
        (lambda ds: compare([ds, 3]), "ds = 3 .* a Dataset"),
        (lambda ds: compare([ds, ds.expand_dims(replicate=2)]), "one of them, say ds.isel"),
        (lambda ds: compare([ds, ds], "speed"), "view = 'speed' .*'trajectories'.* or a function of a Dataset"),
        (lambda ds: compare([ds, ds], "compare"), "view = 'compare'"),
        (lambda ds: compare([ds, ds], color_by="speed"), "color_by = 'speed'"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_in_words(ds, call, says):
    with pytest.raises((ValueError, TypeError), match=f"(?s){says}"):
        call(ds)
