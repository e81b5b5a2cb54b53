"""A legend whose names let lines stand out, without a browser."""

import pytest
from bokeh.models import ColumnDataSource

from motornet_nb.panels.name_legend import NameLegend


def test_a_name_is_chosen_and_told():
    heard = []
    legend = NameLegend("muscles", heard.append)
    legend.fill(["biceps", "triceps"], ["#000000", "#ffffff"])
    legend.choose("triceps", "Explorer")
    legend.set_state({"chosen": "biceps"})  # as the browser does it
    legend.fill(["biceps"], ["#000000"])
    assert legend.chosen == "biceps"
    legend.fill(["triceps"], ["#ffffff"])
    assert heard == ["triceps", "biceps", ""] and legend.chosen == ""
    with pytest.raises(ValueError, match=r"Explorer: highlight = 'heart'.*one of triceps, or ''"):
        legend.choose("heart", "Explorer")


def test_two_legends_do_not_touch_the_same_lines():
    a, b = (ColumnDataSource({"name": []}) for _ in range(2))
    NameLegend("muscles", print).mark_columns(a, "name")
    NameLegend("muscles", print).mark_columns(b, "name")
    assert a.tags[0] != b.tags[0] and a.tags[1] == "name"
