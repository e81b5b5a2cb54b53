"""Legends of one figure, of several, and of a panel."""

from bokeh.models import ColorBar, CustomJS

from motornet_nb.views.legends import (
    StripEntry,
    add_color_bar,
    add_column_legend,
    add_direction_bar,
    add_legend,
    legend_strip,
    line_legend,
    value_colors,
)
from motornet_nb.views.plotting import source, styled_figure


def test_an_entry_hides_its_lines():
    p = styled_figure("", "x", "y")
    line = p.line([0, 1], [0, 1])
    legend = add_legend(p, {"a line": [line]}, "lines", place="below")
    assert legend.click_policy == "hide" and legend.items[0].renderers == [line] and legend in p.below


def test_a_strip_switches_lines_of_several_figures():
    figures = [styled_figure("", "x", "y") for _ in range(2)]
    lines = [p.line([0, 1], [0, 1]) for p in figures]
    strip = legend_strip({"both": StripEntry("#000000", "5 3", list(lines))}, "lines")
    (leader,) = strip.renderers
    (callback,) = leader.js_property_callbacks["change:visible"]
    assert isinstance(callback, CustomJS) and callback.args["others"] == lines


def test_rows_of_a_source_are_entries():
    p = styled_figure("", "x", "y")
    lines = p.multi_line("xs", "ys", source=source({"xs": [[0, 1]], "ys": [[0, 1]], "name": ["a"]}))
    legend = add_column_legend(p, lines, "name", 9)
    assert legend.items[0].label.field == "name" and legend.ncols == 2 and legend in p.right


def test_bars_say_which_colour_is_which_number():
    p, colors = styled_figure("", "x", "y"), value_colors(5.0)
    bar = add_color_bar(p, colors)
    assert (bar.color_mapper.low, bar.color_mapper.high) == (0, 5.0)
    directions = add_direction_bar(p)
    assert directions.major_label_overrides[180] == "180°" and all(isinstance(b, ColorBar) for b in p.right)


def test_words_of_a_panel_are_escaped():
    page = line_legend([("<b>", "#0072B2", "5 3")])
    assert "&lt;b&gt;" in page and "stroke-dasharray='5 3'" in page
