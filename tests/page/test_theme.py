"""Dark pages: what a page does with the colours of a figure, and what a picture in a file does."""

import matplotlib.colors
import numpy as np
import pytest
from bokeh.embed import components
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from lab import chromium

from motornet_nb.page.painting import paint
from motornet_nb.page.static_page import head
from motornet_nb.page.theme import swapped

COLORS = ["#ffffff", "#000000", "#333333", "#777777", "#e5e5e5", "#0072b2", "#d55e00", "#707b70", "#70807e"]


@pytest.fixture
def colored():
    "A figure with a dot of each colour."
    n = len(COLORS)
    p = figure(title="colours", width=300, height=200, background_fill_color="#ffffff")
    p.scatter("x", "y", color="color", source=ColumnDataSource({"x": np.arange(n), "y": np.arange(n), "color": COLORS}))
    return p


def test_neutral_colours_change_places_and_hues_stay():
    "White becomes nearly black, and grey is as far from the one end as it was from the other."
    assert [swapped(c) for c in ("#ffffff", "#000000", "#0072b2")] == ["#1a1a1a", "#eeeeee", "#0072b2"]
    greys = [int(swapped(f"#{v:02x}{v:02x}{v:02x}")[1:3], 16) for v in range(256)]
    assert np.all(np.diff(greys) <= 0) and (greys[0], greys[255]) == (238, 26)


def test_a_page_and_a_file_swap_alike(colored):
    "In a browser that prefers dark, and again when it prefers light."
    body = "".join(components(colored))
    html = f"<html style='color-scheme: light dark'><head>{head(body)}</head><body>{body}</body></html>"
    now = "() => Array.from([...Bokeh.documents[0]._all_models.values()].find(m => m.type === 'ColumnDataSource').get_column('color'))"
    with chromium() as browser:
        page = browser.new_page(color_scheme="dark")
        page.set_content(html)
        page.wait_for_function(f"globalThis.Bokeh?.documents.length && ({now})()[0] !== '#ffffff'")
        assert page.evaluate(now) == [swapped(c) for c in COLORS]
        page.emulate_media(color_scheme="light")
        page.wait_for_function(f"({now})()[0] === '#ffffff'")
        assert page.evaluate(now) == COLORS


def test_a_dark_picture_of_a_file(colored):
    "Dots, paper, frame, words and ticks."
    painted = paint(colored, dark=True)
    ax = painted.axes[colored.id]
    dots = [matplotlib.colors.to_hex(c) for c in ax.collections[0].get_facecolor()]
    assert dots == [swapped(c) for c in COLORS]
    assert matplotlib.colors.to_hex(painted.canvas.get_facecolor()) == "#1a1a1a"
    words = [ax.title, *ax.get_xticklabels(), *ax.get_yticklabels()]
    shades = [matplotlib.colors.to_rgb(t.get_color()) for t in (*words, ax._left_title) if t.get_text()]
    assert len(shades) > 8 and min(map(min, shades)) > 0.5
