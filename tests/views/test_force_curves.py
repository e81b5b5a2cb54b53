"""Curves of muscles: force over length and velocity."""

import numpy as np
import pytest

import motornet_nb as mn


def _data(layout, name):
    return layout.select_one({"name": name}).data_source.data


def test_curves_are_those_of_the_body():
    arm = mn.geometric_arm26()
    layout = mn.views.muscle_curves(arm, 0.5, n=41)
    lengths, velocities = mn.body.force_length(arm, 0.5, n=41), mn.body.force_velocity(arm, 0.5, n=41)
    for i, muscle in enumerate(arm.muscle_names):
        strength = float(arm.max_isometric_force[i])
        for kind in ("active_force", "passive_force"):
            over = _data(layout, f"{kind} {muscle} over length")
            assert np.allclose(over["force"] * strength, lengths[kind].sel(muscle=muscle))
        over = _data(layout, f"active_force {muscle} over velocity")
        assert np.allclose(over["force"] * strength, velocities.active_force.sel(muscle=muscle))
        assert np.allclose(over["at"], velocities.velocity)


def test_both_plots_have_a_line_for_each_muscle():
    layout = mn.views.muscle_curves(mn.geometric_arm26())
    for over in ("length", "velocity"):
        assert set(_data(layout, f"active_force biceps over {over}")["muscle"]) == {"biceps"}


def test_what_has_no_curves_is_refused():
    with pytest.raises(ValueError, match="optimal length"):
        mn.views.muscle_curves(mn.ReluPointMass24())
    with pytest.raises(TypeError, match="body"):
        mn.views.muscle_curves(3)
    with pytest.raises(ValueError, match="activation"):
        mn.views.muscle_curves(mn.geometric_arm26(), 2.0)
