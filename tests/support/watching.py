"""In the kernel of a notebook under test: what its panels show, and what went wrong.

Every panel is compared with a new one in the same state: what differs is a stale picture.
"""

import contextlib
import json
import math
import sys
import threading
import traceback
from collections.abc import Iterator

import comm
import ipywidgets as widgets
import numpy as np
from bokeh.models import ColumnDataSource
from IPython import get_ipython

import motornet_nb as mn
from motornet_nb.page.figure_widget import PAGE
from motornet_nb.panels.number_fields import NumberField
from motornet_nb.panels.panel import descendants, live_figures

#: tracebacks of what nobody caught, in this kernel
wrong: list[str] = []


def watch() -> None:
    "From now on, remember every exception that a callback or a thread lets out."
    shell = get_ipython()
    shown = shell.showtraceback

    def showtraceback(*arguments, **options):
        wrong.append(threading.current_thread().name + "\n" + "".join(traceback.format_exception(*sys.exc_info())))
        return shown(*arguments, **options)

    shell.showtraceback = showtraceback
    threading.excepthook = lambda about: wrong.append("".join(traceback.format_exception(about.exc_value)))


def plain(value):
    "A value as JSON can hold it; what is no finite number is None."
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def figures(panel: widgets.Widget) -> list:
    "Its Bokeh figures, in order."
    return [w.figure for w in live_figures(panel)]


def sources(panel: widgets.Widget) -> list[tuple[str, ColumnDataSource]]:
    "The title of a figure and a source it draws, in order."
    return [
        (figure.title.text, source)
        for figure in figures(panel)
        for source in sorted(figure.select({"type": ColumnDataSource}), key=lambda s: int(s.id.lstrip("p")))
        if source.name != PAGE
    ]


#: which property of a field is what the browser shows of it
FIELDS = {
    NumberField: "text",
    widgets.Text: "value",
    widgets.Checkbox: "value",
    widgets.Dropdown: "index",
}


def fields(panel: widgets.Widget) -> list:
    "What is in its fields, in order."
    shown = (w for w in descendants(panel) if type(w) in FIELDS)
    return [float(w.text) if isinstance(w, NumberField) else getattr(w, FIELDS[type(w)]) for w in shown]


def state(panel: widgets.Widget) -> str:
    "What the page should show."
    columns = {source.id: plain(dict(source.data)) for _, source in sources(panel)}
    return json.dumps({"sources": columns, "fields": fields(panel), "wrong": wrong})


@contextlib.contextmanager
def unseen() -> Iterator[None]:
    "Widgets made meanwhile are not told to the page."
    made = comm.create_comm
    comm.create_comm = lambda *arguments, **options: comm.DummyComm()
    try:
        yield
    finally:
        comm.create_comm = made


def again(panel: widgets.Widget) -> widgets.Widget:
    "A new panel in the same state."
    if isinstance(panel, mn.EffectorBuilder):
        fresh = mn.EffectorBuilder(panel.effector)
        fresh.activation = panel.activation
        fresh.posture = panel.posture
        fresh._by.value, fresh.moving._then.value = panel._by.value, panel.moving._then.value
        if panel.effector.n_muscles:
            fresh._muscles.show(panel._muscles.chosen)
    elif isinstance(panel, mn.TaskBuilder):
        fresh = mn.TaskBuilder(panel.environment, panel._given)
        fresh._player.value, fresh._time.value = panel._player.value, panel._time.value
        fresh._trial.value = panel._trial.value
    elif isinstance(panel, mn.Perturb):
        fresh = mn.Perturb(panel.net, panel.given, direction=panel._first.direction, distance=panel._first.distance)
        fresh.perturbation = panel.perturbation
        fresh.time.value = panel.time.value
    elif isinstance(panel, mn.Explorer):
        fresh = mn.Explorer(panel._reader.ds, panel._other and panel._other.ds, names=panel._names)
        fresh.show(panel.trials)
        fresh.difference = panel.difference
        fresh.time, fresh._rate.value = panel.time, panel._rate.value
    elif isinstance(panel, mn.GradientPanel):
        fresh = mn.GradientPanel(panel.net, panel.env, panel.loss, trials=panel.trials)
        fresh._before, fresh._first, fresh.steps = panel._before, panel._first, panel.steps
        fresh.choice.value, fresh.time.value = panel.choice.value, panel.time.value
        fresh._redraw()
    else:
        raise TypeError(f"nothing is known about a {type(panel).__name__}")
    if getattr(panel, "_degrees", False):
        fresh._turn_angles()
    return fresh


def differences(panel: widgets.Widget) -> list[str]:
    "Where a panel differs from a new one in the same state."
    with unseen():
        fresh, found = again(panel), []
    # how far a body drifts is drawn when its button is pressed
    ours, theirs = ([each for each in sources(p) if not each[0].startswith("Passive drift")] for p in (panel, fresh))
    if [title for title, _ in ours] != [title for title, _ in theirs]:
        found.append(f"figures: {[title for title, _ in ours]} but {[title for title, _ in theirs]}")
    else:
        for (title, a), (_, b) in zip(ours, theirs, strict=True):
            here, there = plain(dict(a.data)), plain(dict(b.data))
            found += [f"{title}, {n}: {here[n]} but {there.get(n)}" for n in here if not alike(here[n], there.get(n))]
    ours, theirs = fields(panel), fields(fresh)
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} fields but {len(theirs)}")
    found += [f"field {i}: {a} but in a new panel {b}" for i, (a, b) in enumerate(zip(ours, theirs)) if not alike(a, b)]  # noqa: B905
    for widget in list(descendants(fresh)):
        widget.close()
    return found


def alike(a, b) -> bool:
    "Whether two values are the same, up to rounding."
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, float | int) and isinstance(b, float | int):
        return math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-7)
    return a == b
