"One legend for the muscles of all figures of a panel."

import numpy as np
from bokeh.io import save
from bokeh.layouts import column
from bokeh.resources import INLINE
from lab import chromium, listen

from motornet_nb.views.muscle_legend import MuscleLegend
from motornet_nb.views.plotting import source, styled_figure

NAMES = ["flexor", "extensor", "biceps"]


def pictures():
    "A line a muscle, and points by another name of the column; some belong to no muscle."
    lines, points = styled_figure("Lines", "x", "y", height=150), styled_figure("Points", "x", "y", height=150)
    each = {"xs": [np.arange(3.0)] * 3, "ys": [np.arange(3.0) * i for i in range(3)], "muscle": NAMES}
    lines.multi_line("xs", "ys", source=source(each))
    named = {"x": np.arange(4.0), "y": np.arange(4.0), "name": ["biceps", "flexor", "hand", "biceps"]}
    points.scatter("x", "y", source=source(named))
    points.line([0, 1], [0, 1])
    return lines, points


def test_sources_with_muscles_are_linked_once():
    legend, (lines, points) = MuscleLegend(NAMES), pictures()
    legend.link(lines)
    legend.link(lines, points)
    assert len(legend.sources) == 2 and legend._act.args["sources"] == legend.sources
    assert [t.label for t in legend.toggles] == NAMES and legend.layout.children[1:] == legend.toggles


def test_another_body_has_other_names():
    legend = MuscleLegend(NAMES)
    before = legend.toggles
    legend.show(NAMES)
    assert legend.toggles is before
    legend.show(["one"])
    assert [t.label for t in legend.toggles] == ["one"] == legend._act.args["names"]
    legend.show([])
    assert len(legend.layout.children) == 1 and not legend.layout.children[0].visible


def test_a_click_on_a_name_dims_the_other_muscles_in_all_figures(tmp_path):
    "By a real button, in the page alone; one more click takes it back."
    legend, (lines, points) = MuscleLegend(NAMES), pictures()
    legend.link(lines, points)
    save(column(legend.layout, lines, points), tmp_path / "page.html", resources=INLINE, title="muscles")
    selected = "ids => ids.map(id => Bokeh.documents[0].get_model_by_id(id).selected.indices)"
    with chromium() as opened:
        page = opened.new_page()
        wrong = listen(page)
        page.goto((tmp_path / "page.html").as_uri())
        for name, expected in (
            ("biceps", [[2], [0, 2, 3]]),
            ("flexor", [[0, 2], [0, 1, 2, 3]]),
            ("biceps", [[0], [1, 2]]),
        ):
            page.get_by_role("button", name=name, exact=True).click()
            assert page.evaluate(selected, legend.sources) == expected
        page.get_by_role("button", name="flexor", exact=True).click()
        assert page.evaluate(selected, legend.sources) == [[], []] and not wrong
