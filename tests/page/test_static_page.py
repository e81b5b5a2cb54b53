"""What the head of a page without a kernel brings, and what not."""

import pytest
from bokeh.embed import components
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, DataTable, Slider, TeX, Title
from bokeh.plotting import figure

from motornet_nb.page.static_page import bundles, has_formulas, head


def html(*models):
    return "".join(components(column(*models)))


def test_only_the_parts_that_are_used():
    assert bundles("<p>no figures</p>") == []
    assert bundles(html(figure())) == ["bokeh"]
    assert bundles(html(figure(), Slider(start=0, end=1, value=0))) == ["bokeh", "bokeh-widgets"]
    assert bundles(html(DataTable(source=ColumnDataSource()))) == ["bokeh", "bokeh-widgets", "bokeh-tables"]
    assert bundles(html(figure(title=Title(text="$$x^2$$")))) == ["bokeh", "bokeh-mathjax"]
    assert bundles(html(figure(x_axis_label=TeX("x^2")))) == ["bokeh", "bokeh-mathjax"]
    assert bundles("<p>no figures</p>", formulas=True) == ["bokeh", "bokeh-mathjax"]


def test_a_head_without_figures_and_formulas_is_empty():
    brought = head(html(figure()))
    assert head("<p>words</p>") == "" and "<script src" not in brought and "<link" not in brought
    assert 1e6 < len(brought) < 1.5e6


@pytest.mark.parametrize(
    "text, formulas",
    [
        ("so $x^2$", True),
        ("$$\\frac{1}{2}$$", True),
        ("\\begin{align} a \\end{align}", True),
        ("\\(x\\)", True),
        ("words", False),
        ("it costs 5 $", False),
        ("`$HOME/$x`", False),
        ("```\n$a$\n```", False),
    ],
)
def test_formulas_are_found_outside_of_code(text, formulas):
    assert has_formulas(text) == formulas
