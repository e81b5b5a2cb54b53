"""Views that show themselves."""

import io
import json
import os
import subprocess
import sys

import nbformat
import pytest
from bokeh.document import Document
from bokeh.layouts import column, row
from bokeh.plotting import figure

from motornet_nb.page.shown import ShowsItself, shown, shows_itself

CELLS = """
from bokeh.plotting import figure
from bokeh.layouts import row
from motornet_nb.page.shown import shown
p = figure(title="a line", width=300); p.line([0, 1], [0, 1]);
%%
shown(row(p))
"""


def test_it_stays_what_it_is():
    "A figure, a row, with its models and its document; twice is once."
    p = figure(title="one")
    p.line([0, 1], [0, 1])
    both = shown(row(p, shown(column())))
    assert isinstance(both, ShowsItself) and shown(both) is both and type(both).__name__ == "_Row"
    document = Document()
    document.add_root(both)
    text = json.dumps(document.to_json(deferred=False))
    assert '"Row"' in text and "_Row" not in text
    again = Document.from_json(json.loads(text)).roots[0]
    assert type(again).__name__ == "Row" and again.children[0].title.text == "one"


def test_a_function_keeps_its_face():
    "Its name, its words, its arguments."

    @shows_itself
    def two(width: int = 3):
        "Words."
        return figure(width=width)

    assert two.__name__ == "two" and two.__doc__ == "Words." and isinstance(two(width=200), ShowsItself)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    "What a kernel answers to cells whose last line is a view, alive and while publishing."
    from nbclient import NotebookClient

    answers = {}
    for name, publishing in (("alive", ""), ("published", "1")):
        cells = [nbformat.v4.new_code_cell(c.strip()) for c in CELLS.split("%%")]
        notebook = nbformat.v4.new_notebook(cells=cells)
        os.environ["MOTORNET_NB_PUBLISHING"] = publishing
        try:
            NotebookClient(notebook, kernel_name="python3", store_widget_state=False).execute()
        finally:
            del os.environ["MOTORNET_NB_PUBLISHING"]
        answers[name] = notebook
    return answers


def test_in_a_notebook_it_is_a_widget_and_a_picture(executed):
    "The widget, and a small picture of it with words for when no kernel runs; no script, no figure."
    from PIL import Image

    outputs = [o for o in executed["alive"].cells[1].outputs if o.output_type == "display_data"]
    alive, asleep = (o.data for o in outputs)
    assert "application/vnd.jupyter.widget-view+json" in alive and "text/html" not in alive
    assert "Run this cell" in asleep["text/html"] and "<script" not in asleep["text/html"]
    import base64

    with Image.open(io.BytesIO(base64.b64decode(asleep["image/png"]))) as picture:
        assert picture.width > 200 and picture.height > 100
    assert len(nbformat.writes(executed["alive"])) < 200_000


def test_while_a_notebook_is_published_it_is_a_figure_of_the_page(executed):
    "Bokeh's own embedding, without BokehJS, which the page has once."
    (output,) = (o for o in executed["published"].cells[1].outputs if o.output_type == "display_data")
    assert "a line" in output.data["text/html"] and len(output.data["text/html"]) < 20_000
    assert not {"image/png", "application/vnd.jupyter.widget-view+json"} & set(output.data)


def test_outside_of_a_notebook_nothing_is_made():
    "In a plain interpreter it is an object like any other."
    code = "from motornet_nb.page.shown import shown; from bokeh.plotting import figure; shown(figure(title='t'))._ipython_display_()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "t"
