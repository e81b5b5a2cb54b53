"""Changes of figures, as the page is told of them."""

import json

import numpy as np
import pytest
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from motornet_nb.page import messenger as messengers
from motornet_nb.page.events import exclusive
from motornet_nb.page.figure_widget import PAGE, FigureWidget


@pytest.fixture
def told(monkeypatch):
    "What messengers say, while it lasts."
    said = []
    monkeypatch.setattr(
        messengers.Messenger, "send", lambda self, content, buffers=None: said.append((content, buffers or []))
    )
    return said


def drawn(title="", name=None):
    columns = ColumnDataSource({"x": np.arange(3.0), "y": np.arange(3.0)}, name=name)
    p = figure(title=title)
    p.line("x", "y", source=columns)
    return FigureWidget(p), columns


def figures(said):
    return [json.loads(content["figures"]) for content, _ in said]


def test_what_is_done_in_turn_goes_in_one_message(told):
    "Two figures, several properties, each with its last value, and arrays as bytes."
    (one, a), (two, b) = drawn("one"), drawn("two")

    @exclusive
    def move():
        for k in range(4):
            a.data = {"x": np.arange(3.0), "y": np.full(3, float(k))}
            one.figure.title.text = f"now {k}"
        inner()

    @exclusive
    def inner():
        b.data = {"x": np.zeros(2), "y": np.zeros(2)}

    move()
    assert len(told) == 1
    (both,) = figures(told)
    assert [f["name"] for f in both] == [one.name, two.name]
    assert [len(f["patch"]["events"]) for f in both] == [2, 1]
    assert "now 3" in told[0][0]["figures"] and "now 2" not in told[0][0]["figures"]
    values = [np.frombuffer(each) for each in told[0][1]]
    assert any(np.array_equal(v, [3.0, 3.0, 3.0]) for v in values)


def test_a_change_that_nobody_holds_goes_at_once(told):
    "One after the other, with versions that go up."
    one, _ = drawn("one")
    one.figure.title.text = "a"
    one.figure.title.text = "b"
    assert [f[0]["version"] for f in figures(told)] == [1, 2]


def test_an_action_that_fails_still_tells(told):
    "What was changed before it failed is in Python, so it is in the page."
    one, _ = drawn("one")

    @exclusive
    def fail():
        one.figure.title.text = "half"
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert "half" in told[0][0]["figures"]


def test_the_page_hears_nothing_of_what_it_has_said(told):
    "Columns that the page writes arrive; others, and a zoom, are nobody's wish; callbacks run."
    widget, columns = drawn("one", name=PAGE)
    heard = []
    columns.on_change("data", lambda attr, old, new: heard.append(dict(new)))

    def say(model, attr, new):
        event = {"kind": "ModelChanged", "model": {"id": model.id}, "attr": attr, "new": new}
        widget._handle_custom_msg({"patch": json.dumps({"events": [event]})}, [])

    say(columns, "data", {"type": "map", "entries": [["x", [7.0]], ["y", [8.0]]]})
    say(widget.figure.title, "text", "somebody else's")
    assert [list(h["x"]) for h in heard] == [[7.0]] and widget.figure.title.text == "one"
    assert not told


def test_a_figure_is_told_as_it_is_when_it_is_shown(monkeypatch):
    "Not as it was when its widget was made, and not what is on its way to the page already."
    widget, _ = drawn("before")
    answers = []
    monkeypatch.setattr(FigureWidget, "send", lambda self, content, buffers=None: answers.append(content))
    widget.figure.title.text = "after"
    widget._handle_custom_msg({"ask": "figure", "token": "t"}, [])
    (answer,) = answers
    assert answer["token"] == "t" and answer["version"] == widget.version == 1
    assert "after" in answer["figure"] and "before" not in answer["figure"]


def test_bokehjs_comes_from_the_package(told):
    "The page asks, and gets the scripts of the installed Bokeh."
    import bokeh

    speaker = messengers.messenger()
    speaker._handle_custom_msg({"ask": "bokeh"}, [])
    content, scripts = told[-1]
    assert content == {"bokeh": True} and bokeh.__version__.encode() in scripts[0][:300_000] + scripts[0][-300_000:]
    assert 1e6 < sum(map(len, scripts)) < 3e6


def test_a_closed_messenger_is_replaced():
    "A notebook may close all widgets."
    speaker = messengers.messenger()
    assert messengers.messenger() is speaker
    speaker.close()
    assert messengers.messenger() is not speaker
    assert drawn()[0].messenger is messengers.messenger()
