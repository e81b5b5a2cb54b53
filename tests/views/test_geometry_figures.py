"Maps of moment arms and of drift: what is drawn is read back from the data sources."

import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColorBar, LogColorMapper
from figures import drawn, plots, shows

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.body.statics import moment_arm_map, passive_drift


@pytest.fixture(scope="module")
def arm():
    return moment_arm_map(mn.geometric_arm26(), n=5)


@pytest.fixture(scope="module")
def drift():
    bodies = [mn.RigidTendonArm26(m()) for m in (mn.RigidTendonHillMuscleThelen, mn.RigidTendonHillMuscle)]
    each = [passive_drift(body, duration=0.1, n=4) for body in bodies]
    return xr.concat(each, "arm", join="override").assign_coords(arm=["Thelen", "Kistemaker"])


def test_moment_arms_are_in_mm_at_their_postures(arm, caplog):
    layout = views.moment_arm_maps(arm, ["biceps", "triceps lateral"])
    data = drawn(layout, "map elbow biceps")
    here = arm.moment_arm.sel(joint="elbow", muscle="biceps")
    image = data["image"][0]
    for i, j in np.ndindex(image.shape):
        q = {n: np.radians(float(data[n][0][i, j])) for n in ("shoulder", "elbow")}
        assert image[i, j] == pytest.approx(1000 * float(here.sel(q, method="nearest")), abs=1e-3)
    assert np.degrees(arm.elbow[-1]) == pytest.approx(float(data["elbow"][0][-1, 0]), abs=1e-4)  # elbow is upwards
    assert [p.title.text for p in plots(layout)] == [
        f"{m}, {j}" for m in ("biceps", "triceps lateral") for j in ("shoulder", "elbow")
    ]
    shows(layout, caplog)


def test_one_scale_with_zero_in_the_middle_and_lines_where_something_changes(arm):
    layout = views.moment_arm_maps(arm)
    (bar,) = layout.select({"type": ColorBar})
    most = 1000 * float(np.abs(arm.moment_arm).max())
    assert bar.color_mapper.high == -bar.color_mapper.low == pytest.approx(most)
    assert layout.select_one({"name": "map shoulder pectoralis"}).glyph.color_mapper is bar.color_mapper
    assert layout.select_one({"name": "levels shoulder pectoralis"}) is not None
    assert layout.select_one({"name": "levels elbow pectoralis"}) is None  # 0 everywhere
    assert layout.select_one({"name": "zero levels shoulder triceps long"}) is not None  # its sign changes


def test_point_mass_has_places_and_no_unit(caplog):
    grid = moment_arm_map(mn.ReluPointMass24(), n=3)
    layout = views.moment_arm_maps(grid)
    data = drawn(layout, "map x lower left")
    np.testing.assert_allclose(data["x"][0][0], [-1, 0, 1])
    np.testing.assert_allclose(data["image"][0], grid.moment_arm.sel(joint="x", muscle="lower left").T, atol=1e-6)
    assert {p.xaxis.axis_label for p in plots(layout)} == {"x (m)"}
    shows(layout, caplog)


def test_drift_of_each_body_with_one_logarithmic_scale(drift, caplog):
    layout = views.drift_map(drift)
    mappers = {layout.select_one({"name": f"map {n}"}).glyph.color_mapper for n in ("Thelen", "Kistemaker")}
    (mapper,) = mappers
    assert isinstance(mapper, LogColorMapper) and mapper.high == pytest.approx(1000 * float(drift.displacement.max()))
    for name in ("Thelen", "Kistemaker"):
        one = drift.sel(arm=name)
        np.testing.assert_allclose(
            drawn(layout, f"map {name}")["image"][0], 1000 * one.displacement.transpose("elbow", "shoulder"), rtol=1e-5
        )
        lines = drawn(layout, f"drift {name}")
        np.testing.assert_allclose(
            np.hypot(lines["x_end"] - lines["x"], lines["y_end"] - lines["y"]), lines["moved"] / 1000, atol=1e-6
        )
        np.testing.assert_allclose(lines["x"], one.start_position.sel(space="x").values.ravel())
    assert "most" in plots(layout)[0].title.text
    shows(layout, caplog)


def test_a_single_body_that_does_not_move(caplog):
    layout = views.drift_map(passive_drift(mn.ReluPointMass24(), duration=0.02, n=3))
    assert not drawn(layout, "map ReluPointMass24")["image"][0].any()
    shows(layout, caplog)


@pytest.mark.parametrize(
    "call, error, says",
    [
        (lambda a, d: views.moment_arm_maps(a, ["calf"]), ValueError, "muscles = .*calf.* pectoralis"),
        (lambda a, d: views.moment_arm_maps(a, []), ValueError, "muscles"),
        (lambda a, d: views.moment_arm_maps(a.isel(elbow=0)), ValueError, "two joints"),
        (lambda a, d: views.moment_arm_maps(d), TypeError, "a Dataset with moment_arm"),
        (lambda a, d: views.drift_map(a), TypeError, "a Dataset with displacement"),
        (lambda a, d: views.drift_map(d.isel(elbow=0)), ValueError, "two joints"),
        (lambda a, d: views.drift_map(d, size=3), ValueError, "size = 3"),
        (lambda a, d: views.drift_map(None), TypeError, "displacement"),
    ],
)
def test_what_does_not_fit_is_refused(arm, drift, call, error, says):
    with pytest.raises(error, match=says):
        call(arm, drift)
