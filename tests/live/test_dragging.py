"""What the page says of the mouse, and what Python answers."""

import pytest
from bokeh.models import ColumnDataSource

from motornet_nb.live.dragging import PAGE, DragTool
from motornet_nb.views.plotting import map_figure


@pytest.fixture
def dragged():
    "A tool over two sources, and what it has told."
    sources, told = [ColumnDataSource({"x": [0.0], "y": [0.0]}) for _ in range(2)], []
    return DragTool(map_figure("", 200), sources, lambda *what: told.append(what)), told


def say(tool, n, source=0, x=0.1, y=0.2):
    tool.page.data = {"n": [n], "source": [source], "point": [0], "x": [x], "y": [y]}


def test_a_place_is_told_once_and_answered(dragged):
    tool, told = dragged
    say(tool, 1.0, 1)
    say(tool, 1.0, 1)  # the browser's message is delivered twice
    say(tool, 2.0, 0, 0.3)
    assert told == [(tool.sources[1], 0, [0.1, 0.2]), (tool.sources[0], 0, [0.3, 0.2])]
    assert tool.answered.data["n"] == [2.0] and tool.page.name == tool.answered.name == PAGE


def test_what_is_drawn_stays_where_it_is(dragged):
    tool, _ = dragged
    say(tool, 1.0)
    assert tool.sources[0].data == {"x": [0.0], "y": [0.0]}


def test_the_page_is_answered_even_if_the_place_is_refused():
    def refuse(*what):
        raise ValueError("not there")

    tool = DragTool(map_figure("", 200), [ColumnDataSource({"x": [0.0], "y": [0.0]})], refuse)
    with pytest.raises(ValueError, match="not there"):
        say(tool, 3.0)
    assert tool.answered.data["n"] == [3.0]
