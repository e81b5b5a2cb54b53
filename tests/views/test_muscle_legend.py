"One legend for the muscles of all figures of a panel."

import numpy as np
import pytest
from bokeh.embed import components
from bokeh.io import save
from bokeh.layouts import column
from bokeh.resources import INLINE
from lab import chromium, listen
from playwright.sync_api import expect

from motornet_nb.page.static_page import head
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


def test_what_is_pointed_at_stands_out_in_all_figures():
    "A name, by pointer or keyboard; a line in one figure; what is pressed comes back."
    legend, (lines, points) = MuscleLegend(NAMES), pictures()
    legend.link(lines, points)
    legend.press("flexor")
    body = "".join(components(column(legend.layout, lines, points)))
    selected = "ids => ids.map(id => Bokeh.documents[0].get_model_by_id(id).selected.indices)"
    line = """id => { const view = Bokeh.index.find_one_by_id(id), box = view.canvas_view.el.getBoundingClientRect();
      return [box.x + view.frame.bbox.left + view.frame.x_scale.compute(1) - view.frame.bbox.left, box.y + view.frame.y_scale.compute(2)] }"""
    with chromium() as opened:
        page = opened.new_page()
        wrong = listen(page)
        page.set_content(f"<html><head>{head(body)}</head><body>{body}<p>elsewhere</p></body></html>")
        name = page.get_by_role("button", name="biceps", exact=True)
        name.hover()
        assert page.evaluate(selected, legend.sources) == [[2], [0, 2, 3]]
        page.get_by_text("elsewhere").hover()
        assert page.evaluate(selected, legend.sources) == [[0], [1, 2]]
        name.focus()
        assert page.evaluate(selected, legend.sources) == [[2], [0, 2, 3]]
        assert name.get_attribute("aria-pressed") == "false"
        name.blur()
        assert page.evaluate(selected, legend.sources) == [[0], [1, 2]]
        page.mouse.move(*page.evaluate(line, lines.id))
        page.wait_for_function(f"ids => String(({selected})(ids)[0]) === '2'", arg=legend.sources)
        assert page.evaluate(selected, legend.sources) == [[2], [0, 2, 3]]
        page.get_by_text("elsewhere").hover()
        page.wait_for_function(f"ids => String(({selected})(ids)[0]) === '0'", arg=legend.sources)
        assert not wrong


def test_from_one_name_to_the_next():
    "By pointer and by keyboard, without being elsewhere between; whoever hears the page is told what is pressed."
    legend, (lines, _) = MuscleLegend(NAMES, one=True), pictures()
    legend.link(lines)
    body = "".join(components(column(legend.layout, lines)))
    selected = "id => String(Bokeh.documents[0].get_model_by_id(id).selected.indices)"
    with chromium() as opened:
        page = opened.new_page()
        page.set_content(f"<html><head>{head(body)}</head><body>{body}<p>elsewhere</p></body></html>")
        buttons = [page.get_by_role("button", name=name, exact=True) for name in NAMES]

        def stands_out(*rows):
            page.wait_for_function(
                f"([id, rows]) => ({selected})(id) === rows", arg=[*legend.sources, ",".join(map(str, rows))]
            )

        def pressed(*meant):
            for button, value in zip(buttons, meant, strict=True):
                expect(button).to_have_attribute("aria-pressed", value)

        pressed("false", "false", "false")
        for row, button in enumerate(buttons):
            box = button.bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
            stands_out(row)
        page.get_by_text("elsewhere").hover()
        stands_out()
        buttons[0].focus()
        for row in range(3):
            stands_out(row)
            page.keyboard.press("Tab")
        stands_out()
        for row, meant in ((0, ("true", "false", "false")), (2, ("false", "false", "true"))):
            buttons[row].click()
            pressed(*meant)
            page.get_by_text("elsewhere").hover()
            stands_out(row)


def test_one_at_a_time_and_those_that_stay():
    "As the explorer wants it; another body keeps what is pressed, and a name that is not there is refused."
    legend, (lines, _) = MuscleLegend(NAMES, one=True, heard=True), pictures()
    legend.link(lines)
    columns = lines.renderers[0].data_source
    legend.press("biceps")
    legend.toggles[0].active = True  # as the page does it
    assert legend.pressed == ["flexor"] and columns.selected.indices == [0]
    legend.show(["extensor", "flexor"], ["#000000", "#ffffff"])
    assert legend.pressed == ["flexor"] and columns.selected.indices == [0, 2]  # biceps is none of the legend's now
    legend.show(["extensor"])
    assert legend.pressed == [] == columns.selected.indices
    with pytest.raises(ValueError, match=r"Explorer: highlight = 'heart'.*one of extensor, or ''"):
        legend.press("heart", owner="Explorer")
