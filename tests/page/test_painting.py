"""Bokeh figures painted by matplotlib: the same things at the same places."""

import numpy as np
import pytest
from bokeh.layouts import column, gridplot, row
from bokeh.models import (
    CDSView,
    ColorBar,
    ColumnDataSource,
    Div,
    FixedTicker,
    IndexFilter,
    LinearColorMapper,
    Range1d,
    Slider,
    Span,
)
from bokeh.plotting import figure
from bokeh.transform import transform
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.legend import Legend as MatplotlibLegend
from worlds import arm, network

import motornet_nb as mn
from motornet_nb.page.painting import paint
from motornet_nb.panels.panel import Panel
from motornet_nb.views.legends import add_legend
from motornet_nb.views.plotting import arrange


@pytest.fixture(scope="module")
def played():
    "Reaches of a small network, to be drawn in every way."
    env = mn.Environment(arm(), mn.CenterOutReach(n_targets=4), duration=0.4)
    net = network(env, n_units=6)
    return env, net, mn.simulate(net, env)


def box(painted, p):
    return painted.axes[p.id].get_position()


def sized(**options):
    p = figure(**{"width": 300, "height": 200, "title": "t"} | options)
    p.line([0, 1], [0, 1])
    return p


def test_a_layout_is_where_the_page_would_have_it():
    "Beside one another, below one another, in a grid; hidden figures and sliders take no room."
    a, b, c, hidden = sized(), sized(), sized(), sized(visible=False)
    painted = paint(column(row(a, hidden, b), Slider(start=0, end=1, value=0), c), width=640)
    assert set(painted.axes) == {a.id, b.id, c.id}
    assert box(painted, a).x1 < box(painted, b).x0 and box(painted, a).y0 == pytest.approx(box(painted, b).y0)
    assert box(painted, c).y1 < box(painted, a).y0
    assert painted.canvas.get_size_inches() == pytest.approx([6.0, 4.0])
    d, e = sized(), sized()
    painted = paint(gridplot([[d, None], [None, e]]), width=640)
    assert box(painted, d).x1 < box(painted, e).x0 and box(painted, e).y1 < box(painted, d).y0


def test_a_row_that_wraps_goes_on_below():
    "Where the line is full."
    figures = [sized() for _ in range(3)]
    painted = paint(row(*figures, styles={"flex-wrap": "wrap"}), width=650)
    first, second, third = (box(painted, p) for p in figures)
    assert second.y0 == pytest.approx(first.y0) and third.y1 < first.y0 and third.x0 == pytest.approx(first.x0)


def test_figures_that_are_arranged_share_the_line():
    "Three side by side where there is room, two on a narrow page; the toolbar takes none."
    figures = [sized(width=None, height=200, sizing_mode="stretch_width") for _ in range(3)]
    for width, beside in ((1000, 3), (600, 2)):
        painted = paint(arrange(figures, 3), width=width)
        tops = [box(painted, p).y1 for p in figures]
        assert [t == pytest.approx(tops[0]) for t in tops] == [i < beside for i in range(3)]
        assert box(painted, figures[beside - 1]).x1 > 0.95


def test_an_empty_filter_shows_no_row():
    p = figure()
    p.scatter("x", "y", source=ColumnDataSource({"x": [0, 1], "y": [0, 1]}), view=CDSView(filter=IndexFilter([])))
    p.line([0, 1], [0, 1])
    drawn = paint(p).axes[p.id].collections
    assert sum(len(c.get_offsets()) for c in drawn if isinstance(c, PathCollection)) == 0


def test_a_legend_has_its_title_its_columns_and_room():
    "Below the plot, within the picture."
    p = figure(width=300, height=250)
    entries = {name: [p.line([0, 1], [0, i])] for i, name in enumerate("abc")}
    legend = add_legend(p, entries, title="group", place="below")
    legend.ncols = 2
    painted = paint(p)
    (drawn,) = [a for a in painted.axes[p.id].artists if hasattr(a, "get_texts")]
    FigureCanvasAgg(painted.canvas).draw()
    assert drawn.get_title().get_text() == "group" and drawn._ncols == 2
    assert drawn.get_window_extent().y0 >= 0


def test_a_map_keeps_its_aspect():
    "A metre is as long upwards as sideways, in a frame of a given size and in one that follows what is drawn."
    fixed = figure(frame_width=240, frame_height=240, x_range=Range1d(start=-1, end=1), y_range=Range1d(start=0, end=2))
    fixed.line([0, 1], [0, 1])
    fitted = figure(frame_width=240, frame_height=120, match_aspect=True)
    fitted.line([0, 1], [0, 3])
    for p in (fixed, fitted):
        painted = paint(p)
        ax = painted.axes[p.id]
        wide, tall = painted.canvas.get_size_inches() * [ax.get_position().width, ax.get_position().height]
        assert np.ptp(ax.get_xlim()) / wide == pytest.approx(np.ptp(ax.get_ylim()) / tall, rel=0.02)
    assert ax.get_ylim()[0] <= 0 and ax.get_ylim()[1] >= 3


def test_values_colours_and_what_is_hidden():
    "Columns, colour mappers, marks across the figure; what is invisible is not there."
    columns = ColumnDataSource({"x": [0.0, 1.0, 2.0], "y": [3.0, 4.0, 5.0], "v": [0.0, 0.4, 1.0]})
    p = figure(x_range=(0, 2), y_range=(0, 6))
    mapper = LinearColorMapper(palette=["#000000", "#ff0000", "#ffffff"], low=0, high=1)
    p.scatter("x", "y", source=columns, size=10, fill_color=transform("v", mapper), line_color=None)
    p.line("x", "y", source=columns).visible = False
    p.add_layout(Span(location=1.5, dimension="height", line_color="#009E73"))
    ax = paint(p).axes[p.id]
    (dots,) = ax.collections
    assert dots.get_offsets().tolist() == [[0, 3], [1, 4], [2, 5]]
    assert dots.get_facecolors()[:, :3].tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 1]]
    assert [line.get_xdata()[0] for line in ax.lines] == [1.5]


def test_legends_and_words():
    "One entry for each label or each value of a column; words between figures without their tags."
    columns = ColumnDataSource({"xs": [[0, 1], [0, 1]], "ys": [[0, 1], [1, 0]], "name": ["up", "down"]})
    p = figure(title="two")
    p.multi_line("xs", "ys", source=columns, legend_group="name")
    p.line([0, 1], [0, 0], legend_label="flat")
    painted = paint(column(Div(text="<p>said &amp; done</p>"), p))
    texts = [t.get_text() for legend in painted.axes[p.id].artists for t in legend.get_texts()]
    assert texts == ["down", "up", "flat"] and painted.canvas.texts[0].get_text() == "said & done"


def test_what_is_not_known_is_refused():
    "A glyph that would be missing, and a layout with nothing to see."
    p = figure()
    p.hex_tile(q=[0], r=[0])
    with pytest.raises(ValueError, match="glyph = 'HexTile' is not allowed"):
        paint(p)
    with pytest.raises(ValueError, match="at least one figure"):
        paint(row(Slider(start=0, end=1, value=0)))


@pytest.mark.parametrize(
    "view",
    [
        "trajectories",
        "activations",
        "kinematics",
        "preferred_directions",
        "animation",
        "muscle_map",
        "hidden_grid",
        "tuning_curves",
    ],
)
def test_views_of_a_dataset_are_painted(played, view):
    "Every figure of the view, with something in it."
    ds = played[2]
    options = {"window": (0.05, 0.3)} if view in ("preferred_directions", "tuning_curves") else {}
    layout = getattr(mn.views, view)(ds, **options)
    painted = paint(layout)
    figures = [p for p in layout.select({"type": figure}) if p.visible]
    assert figures and len(painted.axes) == len(figures)
    parts = ("collections", "images", "lines", "patches", "texts", "artists", "child_axes")
    assert all(any(len(getattr(ax, part)) for part in parts) for ax in painted.axes.values())


@pytest.mark.parametrize("panel", ["builder", "task", "perturb", "gradient", "training", "explorer"])
def test_what_panels_show_is_painted(played, panel):
    "For the picture that a saved notebook keeps."
    env, net, ds = played
    made = {
        "builder": lambda: mn.EffectorBuilder(),
        "task": lambda: mn.TaskBuilder(env),
        "perturb": lambda: mn.Perturb(net, env),
        "gradient": lambda: mn.GradientPanel(net, env),
        "training": lambda: mn.TrainingPanel(net, env),
        "explorer": lambda: mn.Explorer(ds, ds),
    }[panel]()
    assert len(paint(Panel.static(made)).axes) >= (1 if panel == "training" else 2)  # curves come with the first value


def test_moment_arms_of_a_body_are_painted():
    "Ticks in cm."
    layout = mn.views.moment_arms(mn.geometric_arm26())
    painted = paint(layout)
    arms = [ax for ax in painted.axes.values() if ax.get_ylabel().startswith("moment arm")]
    assert arms and all(ax.yaxis.get_major_formatter()(0.02, 0) == "2" for ax in arms)


def test_a_legend_and_a_colour_bar_on_one_side_stand_side_by_side():
    "Neither covers the other, nor leaves the picture."
    p = figure(width=600, height=300)
    mapper, words = LinearColorMapper(palette="Viridis256", low=0, high=1), {0: "none", 1: "all"}
    p.line([0, 1], [0, 1], legend_label="a line of some length")
    p.add_layout(p.legend[0], "right")
    p.add_layout(
        ColorBar(color_mapper=mapper, title="value", ticker=FixedTicker(ticks=[0, 1]), major_label_overrides=words),
        "right",
    )
    painted = paint(p)
    painted.canvas.draw_without_rendering()
    ax, whole = painted.axes[p.id], painted.canvas.bbox
    legend = next(a for a in ax.artists if isinstance(a, MatplotlibLegend)).get_window_extent()
    bar = ax.child_axes[0].get_tightbbox()
    assert [t.get_text() for t in ax.child_axes[0].get_yticklabels()] == ["none", "all"]
    assert not legend.overlaps(bar) and max(legend.x1, bar.x1) <= whole.x1
