"""Pictures from plain numbers."""

import html
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch

from motornet_nb.task.trials import Period
from motornet_nb.views.drawing import (
    Dot,
    Label,
    Line,
    body_shapes,
    bounds,
    card,
    drawing,
    fold,
    planar,
    table,
    timeline,
)

SVG = "{http://www.w3.org/2000/svg}"


def points(element) -> np.ndarray:
    return np.array([[float(v) for v in p.split(",")] for p in element.get("points").split()])


def test_both_axes_have_the_same_scale_and_y_goes_up():
    svg = ET.fromstring(
        drawing([Line([(0, 0), (0.4, 0), (0.4, 0.2)]), Dot((0.2, 0.1), radius=0.05)], size=300, margin=20)
    )
    (corner, right, top) = points(svg.find(f"{SVG}polyline"))
    np.testing.assert_allclose(right - corner, [260, 0], atol=0.11)
    np.testing.assert_allclose(top - right, [0, -130], atol=0.11)
    assert float(svg.find(f"{SVG}circle").get("r")) == pytest.approx(0.05 * 650, abs=0.06)
    assert (float(svg.get("width")), float(svg.get("height"))) == (300, 170)


def test_everything_is_inside_the_frame():
    generator = torch.Generator().manual_seed(0)
    line = (torch.randn(40, 2, generator=generator) * 3 + 5).tolist()
    svg = ET.fromstring(drawing([Line(line)]))
    place = points(svg.find(f"{SVG}polyline"))
    assert (place >= 0).all() and (place <= [float(svg.get("width")), float(svg.get("height"))]).all()


@pytest.mark.parametrize("shapes", [[], [Dot((0.3, 0.3))], [Line([(1, 1), (1, 1)])], [Label((0, 0), "here")]])
def test_nothing_or_a_single_point_can_be_drawn(shapes):
    svg = ET.fromstring(drawing(shapes))
    assert "nan" not in ET.tostring(svg, "unicode") and "inf" not in ET.tostring(svg, "unicode")


@pytest.mark.parametrize("span, words", [(1.0, "20 cm"), (0.2, "5 cm"), (12.0, "2 m"), (0.009, "0.2 cm")])
def test_scale_bar_is_a_round_length(span, words):
    assert f">{words}<" in drawing([Line([(0, 0), (span, 0)])])


def test_texts_are_escaped():
    nasty = "<script>&\"'"
    for page in (
        drawing([Line([(0, 0), (1, 1)], title=nasty), Label((0, 0), nasty)], title=nasty),
        timeline({nasty: [Period(0, 1, nasty)]}),
        table([nasty], [[nasty]], nasty),
        fold(nasty, ""),
        card(nasty, nasty),
    ):
        assert "<script>" not in page and html.escape(nasty, quote=False)[:14] in page.replace("&quot;", '"').replace(
            "&#x27;", "'"
        )


def test_bounds():
    assert bounds([Line([(0, 1), (2, 3)]), Dot((5, 5), radius=1)]) == (0, 1, 6, 6)
    assert planar([(1,), (2, 3), (4, 5, 6)]) == [(1.0, 0.0), (2.0, 3.0), (4.0, 5.0)]


def test_body_shapes_have_names():
    shapes = body_shapes([(0, 0), (0.3, 0), (0.3, 0.3)], {"biceps": [(0, 0.05), (0.3, 0.05)]})
    assert [s.title for s in shapes if isinstance(s, Line)] == ["bones", "biceps"]
    assert [s.title for s in shapes if isinstance(s, Dot)] == ["biceps", "biceps", "joint", "joint", "endpoint"]


def test_timeline_places_periods_in_seconds():
    svg = ET.fromstring(
        timeline(
            {"hand": [Period(0, 0.25), Period(0.25, None)], "pulse": [Period(0.5, 0.75, certain=False)]}, duration=1.0
        )
    )
    stay, reach, pulse = ((float(r.get("x")), float(r.get("width"))) for r in svg.iter(f"{SVG}rect"))
    whole = stay[1] + reach[1]
    assert stay[1] / whole == pytest.approx(0.25, abs=0.01) and reach[0] == pytest.approx(stay[0] + stay[1], abs=0.2)
    assert (pulse[0] - stay[0]) / whole == pytest.approx(0.5, abs=0.01)


def test_columns_of_numbers_are_set_to_the_right():
    page = table(["name", "force (N)", "given"], [["biceps", 414.0, "-1.5"], ["deltoid", 1207, "2"]])
    assert page.count("text-align:right") == 6 and ">1207<" in page and ">414<" in page


def test_schematic_paths_have_no_points_and_say_so():
    shapes = body_shapes([(0, 0), (0.3, 0)], {"biceps": [(0, 0.05), (0.3, 0.05)]}, schematic=True)
    assert [s.title for s in shapes] == ["bones", "biceps (path is schematic)", "joint", "endpoint"]


def test_names_of_a_timeline_are_inside_the_frame():
    "Letters of 11 pixels are at most 7 wide on average."
    svg = ET.fromstring(timeline({"proprioception": [Period(0, 1)]}, duration=1.0))
    name = next(t for t in svg.iter(f"{SVG}text") if t.text == "proprioception")
    assert float(name.get("x")) - 7 * len("proprioception") >= 0
