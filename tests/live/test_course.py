"""Figures over time that Python moves."""

import math

import numpy as np

from motornet_nb.live.course import CoursePicture, TimePicture
from motornet_nb.views.plotting import styled_figure


def test_a_cursor_moves_and_the_go_cue_is_marked():
    picture = TimePicture(styled_figure("", "time (s)", "y"))
    picture.move(0.3)
    assert picture.cursor.location == 0.3 and not picture.go.visible
    picture.mark_go(0.1)
    assert picture.go.visible and picture.go.location == 0.1
    picture.mark_go(math.nan)
    assert not picture.go.visible


def test_zero_is_always_in_view():
    picture, t = CoursePicture("", "y", ["a", "b"]), np.linspace(0, 2, 5)
    picture.show([t, t], [t + 1, t + 2], 0.1)
    assert picture.figure.y_range.start == 0 and picture.figure.y_range.end > 4
    assert picture.figure.x_range.end == 2.0 and picture.lines.data["name"] == ["a", "b"]
    picture.show([t, t], [-t, -t])
    assert picture.figure.y_range.end == 0 and picture.figure.y_range.start < -2 and not picture.go.visible


def test_a_legend_is_there_where_it_is_wanted():
    assert len(CoursePicture("", "y", ["a"]).figure.right) == 1
    assert not CoursePicture("", "y", ["a"], legend=False).figure.right
