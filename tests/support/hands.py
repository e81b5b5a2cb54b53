"""What the browser tells Python when somebody touches a panel."""

import itertools

from motornet_nb.panels.panel import descendants

_count = itertools.count(1)


def live(panel, figure):
    "The widget that shows a figure."
    return next(w for w in descendants(panel) if getattr(w, "_model", None) is figure)


def drag(panel, picture, source, point, x, y):
    "A point is dragged."
    drags = picture.drags
    columns = {"n": next(_count), "source": drags.sources.index(source), "point": point, "x": x, "y": y}
    new = {"type": "map", "entries": [[name, [value]] for name, value in columns.items()]}
    change = {"event": "jsevent", "kind": "ModelChanged", "model": {"id": drags.page.id}, "attr": "data", "new": new}
    live(panel, picture.figure)._handle_custom_msg(change, [])


def tap(panel, figure, x, y, shift=False):
    "A click into a figure."
    keys = {"type": "map", "entries": [["shift", shift], ["ctrl", False], ["alt", False]]}
    values = {"model": {"id": figure.id}, "sx": 0, "sy": 0, "x": x, "y": y, "modifiers": keys}
    about = {
        "type": "event",
        "name": "tap",
        "values": {"type": "map", "entries": [[name, value] for name, value in values.items()]},
    }
    said = {"event": "jsevent", "kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": about}
    live(panel, figure)._handle_custom_msg(said, [])


def echo(panel, figure, source, data):
    "The page repeats what a source held some time ago."
    entries = [[name, list(values)] for name, values in data.items()]
    new = {"type": "map", "entries": entries}
    change = {"event": "jsevent", "kind": "ModelChanged", "model": {"id": source.id}, "attr": "data", "new": new}
    live(panel, figure)._handle_custom_msg(change, [])
