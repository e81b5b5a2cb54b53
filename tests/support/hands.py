"""What the browser tells Python when somebody touches a panel."""

import itertools
import json

from motornet_nb.panels.panel import descendants

_count = itertools.count(1)


def live(panel, figure):
    "The widget that shows a figure."
    return next(w for w in descendants(panel) if getattr(w, "figure", None) is figure)


def say(panel, figure, event):
    "What the page of a figure says."
    live(panel, figure)._handle_custom_msg({"patch": json.dumps({"events": [event]})}, [])


def drag(panel, picture, source, point, x, y):
    "A point is dragged."
    drags = picture.drags
    columns = {"n": next(_count), "source": drags.sources.index(source), "point": point, "x": x, "y": y}
    new = {"type": "map", "entries": [[name, [value]] for name, value in columns.items()]}
    change = {"kind": "ModelChanged", "model": {"id": drags.page.id}, "attr": "data", "new": new}
    say(panel, picture.figure, change)


def tap(panel, figure, x, y, shift=False):
    "A click into a figure."
    keys = {"type": "map", "entries": [["shift", shift], ["ctrl", False], ["alt", False]]}
    values = {"model": {"id": figure.id}, "sx": 0, "sy": 0, "x": x, "y": y, "modifiers": keys}
    about = {
        "type": "event",
        "name": "tap",
        "values": {"type": "map", "entries": [[name, value] for name, value in values.items()]},
    }
    said = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": about}
    say(panel, figure, said)


def echo(panel, figure, source, data):
    "The page repeats what a source held some time ago."
    entries = [[name, list(values)] for name, values in data.items()]
    new = {"type": "map", "entries": entries}
    change = {"kind": "ModelChanged", "model": {"id": source.id}, "attr": "data", "new": new}
    say(panel, figure, change)
