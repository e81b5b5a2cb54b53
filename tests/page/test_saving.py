"""Views as files."""

import io
import re

import numpy as np
import pytest
from bokeh.plotting import figure
from PIL import Image

from motornet_nb.page.saving import save, still
from motornet_nb.page.shown import shown


@pytest.fixture
def view():
    p = figure(title="a line", x_axis_label="time (s)", y_axis_label="angle (rad)", width=400, height=300)
    p.line([0, 1], [0, 2], color="#0072B2")
    return shown(p)


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_a_picture_is_what_its_name_says(view, tmp_path, suffix, magic):
    "By the view's own method, too; the path comes back."
    path = view.save(tmp_path / f"line{suffix}")
    assert path == tmp_path / f"line{suffix}" and path.read_bytes().startswith(magic)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_letters_stay_letters(view, tmp_path):
    "In an .svg, to be edited; lines are lines."
    text = save(view, tmp_path / "line.svg").read_text()
    said = re.findall(r"<text[^>]*>([^<]*)</text>", text)
    assert {"a line", "time (s)", "angle (rad)"} <= set(said) and "#0072b2" in text and "<image" not in text


def test_a_png_has_the_dots_that_are_asked_for(view, tmp_path):
    "400 pixels of a page at 250 dots an inch are 1000."
    with Image.open(save(view, tmp_path / "line.png", dpi=250)) as picture:
        assert picture.size == (1000, 750)


def test_large_is_larger(view, tmp_path):
    "For a talk: letters take more of the picture."

    def share(large):
        text = save(view, tmp_path / f"{large}.svg", large=large).read_text()
        width = float(re.search(r'width="([\d.]+)pt"', text).group(1))
        size = max(float(s) for s in re.findall(r"font(?:-size)?: [^;\"]*?([\d.]+)px", text))
        return size / width

    assert share(True) == pytest.approx(1.5 * share(False), rel=0.05)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("line.jpg", {}, "path = .*line.jpg.*ends in .png, .svg, .pdf, .mp4, .gif"),
        ("line.gif", {}, "does not play"),
        ("line.png", {"dpi": 0}, "dpi = 0"),
        ("line.png", {"width": "wide"}, "width = 'wide'"),
    ],
)
def test_what_cannot_be_saved_is_said(view, tmp_path, name, options, words):
    "And nothing is written."
    with pytest.raises(ValueError, match=words):
        save(view, tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_a_still_is_small_whatever_is_drawn():
    "Also of noise, which no PNG makes small."
    p = figure(width=900, height=900)
    p.image([np.random.default_rng(0).random((900, 900))], x=0, y=0, dw=1, dh=1, palette="Viridis256")
    picture = still(p)
    assert len(picture) <= 120_000
    with Image.open(io.BytesIO(picture)) as drawn:
        assert min(drawn.size) >= 200
