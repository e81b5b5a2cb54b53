"""Circular statistics, against second implementations and known answers."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from motornet_nb.results.circular import (
    axial_mean,
    bootstrap_axis,
    circular_mean,
    network_sums,
    permutation_test,
    rayleigh_test,
)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def on_circle(angle):
    return np.exp(1j * np.asarray(angle))


def by_trigonometry(angles, weights):
    "Mean angle and resultant from weighted averages of cosine and sine."
    c, s = np.average(np.cos(angles), weights=weights), np.average(np.sin(angles), weights=weights)
    return math.atan2(s, c), math.sqrt(c * c + s * s)


class TestMeans:
    def test_they_are_those_of_scipy(self, rng):
        for _ in range(5):
            angles = rng.vonmises(rng.uniform(0, 6), 1.0, 40)
            found = circular_mean(angles)
            assert found.angle == pytest.approx(stats.circmean(angles))
            assert found.resultant == pytest.approx(1 - stats.circvar(angles))
            both = stats.directional_stats(np.stack([np.cos(angles), np.sin(angles)], 1))
            np.testing.assert_allclose([np.cos(found.angle), np.sin(found.angle)], both.mean_direction)
            assert found.resultant == pytest.approx(both.mean_resultant_length)
            axial = axial_mean(angles)
            assert axial.axis == pytest.approx(stats.circmean(angles, high=np.pi))
            assert axial.resultant == pytest.approx(1 - stats.circvar(angles, high=np.pi))

    def test_weights(self, rng):
        angles, weights = rng.uniform(-9, 9, 30), rng.uniform(0, 3, 30)
        angle, resultant = by_trigonometry(angles, weights)
        np.testing.assert_allclose(circular_mean(angles, weights), (angle % (2 * np.pi), resultant))
        angle, resultant = by_trigonometry(2 * angles, weights)
        np.testing.assert_allclose(axial_mean(angles, weights), (angle / 2 % np.pi, resultant))
        many = np.repeat(angles, 4)
        counts = np.repeat(weights, 4) * np.tile([1, 2, 3, 4], 30)
        np.testing.assert_allclose(axial_mean(many, counts), axial_mean(angles, weights))

    def test_opposite_directions_are_one_axis(self, rng):
        angles = np.radians(135) + rng.normal(0, 0.1, 50)
        turned = angles + np.pi * rng.integers(0, 2, 50)
        np.testing.assert_allclose(axial_mean(turned), axial_mean(angles))
        assert circular_mean(turned).resultant < 0.5 < circular_mean(angles).resultant

    @pytest.mark.parametrize("degrees", [0.0, 1e-15, -1e-15, 45, 90, 179.9, 180, 359.9, 360, -90])
    def test_they_are_within_one_turn(self, degrees):
        angle, axis = circular_mean([np.radians(degrees)]).angle, axial_mean([np.radians(degrees)]).axis
        assert 0 <= angle < 2 * np.pi and 0 <= axis < np.pi
        np.testing.assert_allclose(on_circle(angle), on_circle(np.radians(degrees)), atol=1e-12)
        np.testing.assert_allclose(on_circle(2 * axis), on_circle(2 * np.radians(degrees)), atol=1e-12)

    def test_what_cancels_has_no_direction(self):
        assert np.isnan(circular_mean([0, np.pi]).angle) and circular_mean([0, np.pi]).resultant == 0
        np.testing.assert_allclose(axial_mean([0, np.pi]), (0, 1), atol=1e-12)
        assert np.isnan(axial_mean([0, np.pi / 2]).axis) and axial_mean([0, np.pi / 2]).resultant == 0

    def test_nan_is_left_out_with_its_weight(self):
        np.testing.assert_allclose(axial_mean([0.5, np.nan, 0.7], [1, np.nan, 1]), axial_mean([0.5, 0.7]))
        assert np.isnan(axial_mean([np.nan])).all() and np.isnan(circular_mean([])).all()
        assert np.isnan(axial_mean([0.5], [0.0])).all()

    @pytest.mark.parametrize("weights", [[1.0], [1, 2, 3], [1, -1], [1, np.nan], [np.inf, 1]])
    def test_weights_that_do_not_fit_are_refused(self, weights):
        with pytest.raises(ValueError, match="axial_mean: weights"):
            axial_mean([0.1, 0.2], weights)
        with pytest.raises(ValueError, match="circular_mean: angles"):
            circular_mean([0.1, np.inf])


class TestRayleigh:
    @pytest.mark.parametrize("n", [10, 24, 90])
    @pytest.mark.parametrize("axial", [False, True])
    def test_it_is_what_chance_gives(self, n, axial):
        "Against 40,000 samples of uniform angles."
        chance = np.random.default_rng(n)
        of_chance = np.abs(on_circle(chance.uniform(0, 2 * np.pi, (40_000, n))).mean(1))
        for quantile in (0.5, 0.9, 0.95, 0.99):
            concentrated, spread = 0.0, 1.0  # angles of the wanted resultant: a share at 0, the others evenly
            r = np.quantile(of_chance, quantile)
            half = n // 2
            for _ in range(60):
                middle = (concentrated + spread) / 2
                width = np.pi * middle
                angles = np.concatenate([np.linspace(-width, width, n - half), np.linspace(-width, width, half)])
                concentrated, spread = (middle, spread) if abs(on_circle(angles).mean()) > r else (concentrated, middle)
            p = rayleigh_test(angles / 2 if axial else angles, axial=axial)
            assert p == pytest.approx(1 - quantile, abs=0.006)

    def test_two_lobes_are_found_by_the_axial_test_only(self, rng):
        lobes = np.pi * rng.integers(0, 2, 100) + rng.normal(0, 0.4, 100)
        assert rayleigh_test(lobes, axial=True) < 1e-10 and rayleigh_test(lobes) > 0.05
        assert rayleigh_test(np.arange(24) * np.pi / 12) == 1.0
        assert np.isnan(rayleigh_test([])) and rayleigh_test([np.nan, *lobes]) == rayleigh_test(lobes)


def lobed(rng, n_networks, share, spread=0.4, units=60, axis=2.3, between=0.0):
    "Networks of which a share of the units lies along an axis that may differ between them."
    networks = []
    for _ in range(n_networks):
        anywhere = rng.uniform(0, 2 * np.pi, units)
        lobes = axis + rng.normal(0, between) + np.pi * rng.integers(0, 2, units) + rng.normal(0, spread, units)
        networks.append(np.where(rng.random(units) < share, lobes, anywhere))
    return networks


class TestBootstrap:
    def test_resamples_are_of_whole_networks(self, rng):
        "The same, written as a loop over units of resampled networks."
        networks = [rng.vonmises(0.2, 1.0, n) for n in (3, 50, 20, 7)]
        weights = [rng.uniform(0, 1, len(a)) for a in networks]
        found = bootstrap_axis(networks, weights, n_resamples=300, seed=3, level=0.8)
        drawn, axes, lengths = np.random.default_rng(3), [], []
        for chosen in drawn.integers(4, size=(300, 4)):
            one = axial_mean(
                np.concatenate([networks[i] for i in chosen]), np.concatenate([weights[i] for i in chosen])
            )
            axes.append((one.axis - found.axis + np.pi / 2) % np.pi - np.pi / 2)
            lengths.append(one.resultant)
        whole = axial_mean(np.concatenate(networks), np.concatenate(weights))
        np.testing.assert_allclose((found.axis, found.resultant), whole)
        np.testing.assert_allclose(
            (found.axis_low, found.axis_high), found.axis + np.quantile(axes, (0.1, 0.9)), atol=1e-12
        )
        np.testing.assert_allclose((found.resultant_low, found.resultant_high), np.quantile(lengths, (0.1, 0.9)))
        again = bootstrap_axis(network_sums(networks, weights), n_resamples=300, seed=3, level=0.8)
        np.testing.assert_array_equal(again, found)

    @pytest.mark.parametrize("axis", [0.0, 0.02, np.pi - 0.02, 1.0])
    def test_an_axis_near_the_end_has_a_narrow_interval(self, rng, axis):
        found = bootstrap_axis(lobed(rng, 8, 0.9, axis=axis))
        assert found.axis_high - found.axis_low < 0.25 and found.axis_low <= found.axis <= found.axis_high
        assert 0 <= found.axis < np.pi

    def test_turning_everything_turns_the_interval(self, rng):
        networks = lobed(rng, 8, 0.5)
        one, other = bootstrap_axis(networks), bootstrap_axis([a + 1.1 for a in networks])
        shift = (other.axis - one.axis) % np.pi
        assert shift == pytest.approx(1.1)
        np.testing.assert_allclose(np.array(other[:3]) - other.axis, np.array(one[:3]) - one.axis, atol=1e-9)
        np.testing.assert_allclose(other[3:], one[3:], rtol=1e-9)

    def test_intervals_hold_the_axis_as_often_as_they_say(self):
        "Of 8 networks each with an axis of its own around the true one; a percentile interval of so few is somewhat narrow."
        rng, held, n = np.random.default_rng(1), 0, 400
        for seed in range(n):
            found = bootstrap_axis(lobed(rng, 8, 0.6, axis=0.05, between=0.15, units=40), n_resamples=400, seed=seed)
            off = (0.05 - found.axis + np.pi / 2) % np.pi - np.pi / 2
            held += found.axis_low - found.axis <= off <= found.axis_high - found.axis
        assert 0.82 < held / n < 0.97

    def test_one_network_has_no_interval(self, rng):
        found = bootstrap_axis(lobed(rng, 1, 0.5))
        assert np.isfinite((found.axis, found.resultant)).all()
        assert np.isnan((found.axis_low, found.axis_high, found.resultant_low, found.resultant_high)).all()
        assert np.isnan(bootstrap_axis([[], []])).all()

    @pytest.mark.parametrize(
        "wrong", [{"n_resamples": 0}, {"level": 1.0}, {"seed": -1}, {"n_resamples": 2.5}, {"weights": [[1.0]]}]
    )
    def test_numbers_out_of_range_are_refused(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            bootstrap_axis([[0.1], [0.2]], **wrong)
        with pytest.raises(ValueError, match="networks"):
            bootstrap_axis([])


class TestPermutation:
    def test_all_splits_by_hand(self, rng):
        first, second = lobed(rng, 3, 0.8, units=12), lobed(rng, 4, 0.1, units=9)
        weights = [[rng.uniform(0.1, 2, len(a)) for a in group] for group in (first, second)]
        networks, w = first + second, weights[0] + weights[1]

        def pooled(chosen):
            return axial_mean(np.concatenate([networks[i] for i in chosen]), np.concatenate([w[i] for i in chosen]))[1]

        splits = list(itertools.combinations(range(7), 3))
        all_of_them = [pooled(c) - pooled([i for i in range(7) if i not in c]) for c in splits]
        observed = pooled([0, 1, 2]) - pooled([3, 4, 5, 6])
        above, below = (np.mean([s * d >= s * observed - 1e-12 for d in all_of_them]) for s in (1, -1))
        found = permutation_test(first, second, *weights)
        assert found.difference == pytest.approx(observed) and found.n_permutations == 35 and found.exact
        assert found.p_value == pytest.approx(min(1, 2 * min(above, below)))

    @pytest.mark.parametrize("axial", [True, False])
    def test_it_is_that_of_scipy(self, rng, axial):
        first, second = lobed(rng, 5, 0.4), lobed(rng, 6, 0.2)
        sums = [network_sums(group, axial=axial) for group in (first, second)]
        vector, weight = (np.concatenate(parts) for parts in zip(*sums, strict=True))

        def difference(a, b, axis=-1):
            return np.abs(vector[a].sum(axis)) / weight[a].sum(axis) - np.abs(vector[b].sum(axis)) / weight[b].sum(axis)

        expected = stats.permutation_test((np.arange(5), np.arange(5, 11)), difference, vectorized=True)
        found = permutation_test(first, second, axial=axial)
        assert found.p_value == pytest.approx(expected.pvalue) and found.difference == pytest.approx(expected.statistic)

    def test_the_least_p_of_eight_and_eight(self, rng):
        found = permutation_test(lobed(rng, 8, 0.6), lobed(rng, 8, 0.0))
        assert found.n_permutations == 12870 and found.p_value == pytest.approx(2 / 12870)

    def test_random_splits_are_near_all_of_them(self, rng):
        first, second = lobed(rng, 6, 0.35), lobed(rng, 6, 0.2)
        exact = permutation_test(first, second)
        drawn = permutation_test(first, second, max_permutations=900, seed=1)
        assert exact.exact and not drawn.exact and drawn.n_permutations == 900
        assert drawn.p_value == pytest.approx(exact.p_value, abs=4 * math.sqrt(exact.p_value / 900))
        assert (drawn.p_value / 2 * 901) == pytest.approx(round(drawn.p_value / 2 * 901))  # (b + 1) / (m + 1)
        assert drawn == permutation_test(first, second, max_permutations=900, seed=1)
        assert permutation_test(lobed(rng, 6, 1.0), lobed(rng, 6, 0.0), max_permutations=99).p_value >= 2 / 100

    def test_groups_without_difference_are_seldom_told_apart(self):
        rng = np.random.default_rng(8)
        p = [permutation_test(lobed(rng, 4, 0.3, units=20), lobed(rng, 4, 0.3, units=20)).p_value for _ in range(300)]
        assert np.mean(np.array(p) <= 0.2) == pytest.approx(0.2, abs=0.07)

    def test_groups_of_one_and_networks_without_units(self, rng):
        assert permutation_test(lobed(rng, 1, 1.0), lobed(rng, 1, 0.0)).p_value == 1.0
        found = permutation_test([*lobed(rng, 3, 1.0), []], [[], *lobed(rng, 3, 0.0)])
        assert 0 < found.p_value < 0.2 and np.isfinite(found.difference)
        with pytest.raises(ValueError, match="permutation_test: second"):
            permutation_test(lobed(rng, 2, 1.0), [[], [np.nan]])
        with pytest.raises(ValueError, match="max_permutations"):
            permutation_test(lobed(rng, 2, 1.0), lobed(rng, 2, 1.0), max_permutations=0)
