"Only columns that changed are told."

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.models import ColumnDataSource

from motornet_nb.live.changes import put


@pytest.mark.parametrize(
    "now, told",
    [
        ({"x": np.array([0.0, np.nan]), "xs": [np.zeros(2), np.ones(3)], "dash": [[3, 4], "solid"]}, set()),
        ({"x": np.array([0.0, np.nan]), "dash": [[3, 4], [3, 4]]}, {"dash"}),
        ({"xs": [np.zeros(2), np.ones(2)]}, {"xs"}),
        ({"x": [0.0, 1.0], "dash": ["solid", "solid"]}, {"x", "dash"}),
        ({"x": np.array([0, 1]), "new": ["a", "b"]}, {"x", "new"}),
    ],
)
def test_what_is_told(now, told):
    "Arrays, lists of arrays and of words; in one event, or none."
    columns = {"x": np.array([0.0, np.nan]), "xs": [np.zeros(2), np.ones(3)], "dash": [[3, 4], "solid"]}
    source, document, events = ColumnDataSource(columns), Document(), []
    document.add_root(source)
    document.on_change(lambda event: events.append(event))
    put(source, now)
    assert [set(event.cols) for event in events] == ([told] if told else [])
    for name in now:
        assert source.data[name] is now[name] or name not in told


def test_other_numbers_of_rows_change_every_column():
    source = ColumnDataSource({"x": np.zeros(2), "name": ["a", "b"]})
    put(source, {"x": np.zeros(1), "name": ["a"]})
    assert len(source.data["x"]) == len(source.data["name"]) == 1
