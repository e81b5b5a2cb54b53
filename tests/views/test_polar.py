"""Bins, densities and the disc they are drawn on."""

import numpy as np
import pytest
from figures import drawn
from scipy.stats import vonmises

from motornet_nb.views.polar import (
    Bins,
    RadialScale,
    check_bins,
    density,
    draw_axis,
    draw_band,
    label_scale,
    polar_figure,
    radial_scale,
)


@pytest.mark.parametrize("n", [3, 8, 24, 25])
def test_bins_count_what_a_histogram_with_turned_edges_counts(n):
    directions = np.random.default_rng(n).uniform(-7, 7, 500)
    turned = (directions + np.pi / n) % (2 * np.pi)  # so that the first bin begins at 0
    expected, _ = np.histogram(turned, np.linspace(0, 2 * np.pi, n + 1))
    np.testing.assert_array_equal(Bins(n).counts(directions), expected)


def test_targets_stand_in_the_middle_of_bins_and_borders_belong_to_the_next():
    bins = Bins(24)
    assert bins.of(bins.centres).tolist() == list(range(24))
    assert bins.of(bins.centres - 2 * np.pi).tolist() == list(range(24))
    assert bins.of(np.radians([7.5, -7.5, 352.5, np.nan])).tolist() == [1, 0, 0, -1]


def test_density_is_a_mixture_of_von_mises_kernels():
    at, centres, weights = np.linspace(0, 6, 50), np.array([0.3, 4.0, np.nan]), np.array([1.0, 3.0, 9.0])
    kappa = 1 / 0.4**2
    expected = 0.25 * vonmises.pdf(at, kappa, loc=0.3) + 0.75 * vonmises.pdf(at, kappa, loc=4.0)
    np.testing.assert_allclose(density(at, centres, weights, 0.4), expected, rtol=1e-10)
    assert np.isnan(density(at, np.array([np.nan]), np.ones(1))).all()


def test_scale_is_true_to_radius_or_to_area():
    radius, area = RadialScale(10.0), RadialScale(10.0, "area")
    assert radius.radius(5.0) == 0.5 and area.radius(5.0) ** 2 == pytest.approx(0.5)
    assert radial_scale([np.array([1.0, np.nan]), np.array([4.0])]).highest == pytest.approx(4.16)
    assert radial_scale([np.zeros(3)]).highest == 1.0


@pytest.mark.parametrize("highest", [0.03, 0.9, 1.04, 2.1, 7.3, 31.0, 480.0])
def test_ticks_are_few_and_on_the_disc(highest):
    ticks = RadialScale(highest).ticks
    assert 2 <= len(ticks) <= 5 and 0 < ticks[0] and ticks[-1] <= highest
    assert all(t == int(t) for t in RadialScale(highest, whole=True).ticks)


def test_disc_has_degrees_counter_clockwise_and_numbers_on_their_circles():
    scale = RadialScale(4.2, "area")
    p = polar_figure("Rose", scale, "units", 300, ["first", "second"])
    label_scale(p, scale, np.pi / 2)
    degrees = p.select_one({"name": "degrees"}).data_source.data
    at = np.degrees(np.arctan2(degrees["y"], degrees["x"])) % 360
    np.testing.assert_allclose(at, [int(t[:-1]) for t in degrees["text"]], atol=1e-9)
    numbers, rings = drawn(p, "scale"), p.select_one({"name": "grid"}).data_source.data["radius"]
    np.testing.assert_allclose(numbers["y"], rings)
    np.testing.assert_allclose(np.square(rings) * 4.2, [float(t) for t in numbers["text"]])
    assert p.frame_width == p.frame_height and p.x_range.end == p.y_range.end
    assert [t.text for t in p.above if hasattr(t, "text")] in (["first", "second"], ["second", "first"])


def test_axis_goes_from_rim_to_rim_and_its_band_lies_on_both_sides():
    p = polar_figure("Rose", RadialScale(1.0), "units", 300)
    draw_axis(p, np.radians(120), name="axis")
    draw_band(p, np.radians(110), np.radians(135), name="band")
    ends = drawn(p, "axis")
    np.testing.assert_allclose(ends["x"], [-0.5, 0.5])
    np.testing.assert_allclose(ends["y"], [np.sqrt(0.75), -np.sqrt(0.75)])
    np.testing.assert_allclose(np.degrees(drawn(p, "band")["start"]), [110, 290])
    np.testing.assert_allclose(np.degrees(drawn(p, "band")["end"]), [135, 315])


@pytest.mark.parametrize("n", [2, 361, 8.0, True, "8"])
def test_numbers_of_bins_are_refused_in_words(n):
    with pytest.raises(ValueError, match=r"n_bins = .* whole number, 3 to 360"):
        check_bins("rose", n)
