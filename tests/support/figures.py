"""What Bokeh figures show, read back from their data sources; whether they live in a page without Python."""

import logging

from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.models import Plot
from bokeh.resources import CDN


def plots(model):
    "Every plot of a figure or layout that shows data, in the order they were made."
    found = [model] if isinstance(model, Plot) else list(model.select({"type": Plot}))
    return sorted((p for p in found if p.title.text), key=lambda p: int(p.id[1:]))


def drawn(model, name):
    "The columns of the renderer with a name."
    (renderer,) = model.select({"name": name})
    return renderer.data_source.data


def shows(model, caplog):
    "Whether a model makes a static page, without a callback that needs Python and without a complaint of Bokeh's."
    document = Document()
    document.add_root(model)
    with caplog.at_level(logging.WARNING, logger="bokeh"):
        page = file_html(document, CDN, "test")
    alive = [m for m in document.models if m.subscribed_events or any(m._callbacks.values())]
    document.remove_root(model)
    complaints = [r.getMessage() for r in caplog.records if r.name.startswith("bokeh")]
    assert complaints == [] and alive == []
    assert all(
        any(side[0].axis_label for side in sides)
        for sides in zip(*((p.xaxis, p.yaxis) for p in plots(model)), strict=True)
    )
    return page
