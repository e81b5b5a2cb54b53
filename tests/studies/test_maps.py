"The study of geometry: the paper's signs and zeros, drift against golden numbers, the tree on disk."

import json

import numpy as np
import pytest
import xarray as xr

import motornet_nb as mn
from motornet_nb.studies.maps import GEOMETRY, PLACES, signs


@pytest.fixture(scope="module")
def tree():
    return mn.studies.geometry("paper", progress=False)


def test_signs_and_zeros_of_the_arm(tree):
    found = 1000 * signs(tree)
    assert found.least.dims == ("joint", "muscle")
    zero = [
        ("shoulder", "triceps lateral"),
        ("shoulder", "brachioradialis"),
        ("elbow", "pectoralis"),
        ("elbow", "deltoid"),
    ]
    for joint, muscle in zero:  # muscles that do not span the joint
        one = found.sel(joint=joint, muscle=muscle)
        assert abs(float(one.least)) < 1e-4 and abs(float(one.greatest)) < 1e-4
    for joint, muscle in (("elbow", "triceps lateral"), ("elbow", "triceps long"), ("shoulder", "deltoid")):
        assert float(found.least.sel(joint=joint, muscle=muscle)) > -1e-4
        assert float(found.greatest.sel(joint=joint, muscle=muscle)) > 20
    biceps = found.sel(muscle="biceps")
    np.testing.assert_allclose(biceps.least, [-61.6, -44.0], atol=0.1)
    np.testing.assert_allclose(biceps.greatest, [-5.9, -2.9], atol=0.1)


def test_extremes_are_those_of_the_whole_grid(tree):
    arms, found = tree["arm"]["moment_arm"], signs(tree)
    assert arms.sizes["shoulder"] == arms.sizes["elbow"] == 21
    for j, m in np.ndindex(2, 6):
        values = arms.transpose("joint", "muscle", ...).values[j, m]
        assert float(found.least[j, m]) == values.min() and float(found.greatest[j, m]) == values.max()


def test_point_mass_is_pulled_towards_the_corners(tree):
    "Moment arms are minus the unit vectors to the corners, by hand, at the two places of the paper and on the grid."
    corners = {"upper right": (2, 2), "upper left": (-2, 2), "lower right": (2, -2), "lower left": (-2, -2)}
    for place, at in zip(("middle", "below"), PLACES, strict=True):
        for muscle, corner in corners.items():
            way = np.subtract(corner, at)
            pull = tree["places"]["moment_arm"].sel(place=place, muscle=muscle)
            np.testing.assert_allclose(pull, -way / np.hypot(*way), atol=1e-6)
    upper_right = tree["point_mass"]["moment_arm"].sel(muscle="upper right")
    np.testing.assert_allclose(upper_right.sel(x=1, y=1), upper_right.sel(x=-1, y=-1), atol=1e-6)
    lower_right = tree["point_mass"]["moment_arm"].sel(muscle="lower right")
    assert (lower_right.sel(joint="x") < 0).all() and (lower_right.sel(joint="y") > 0).all()


@pytest.mark.parametrize("model", ["Thelen", "Kistemaker"])
def test_drift_is_that_of_the_golden_numbers(tree, reference, model):
    golden = reference("passive_drift_arm26").sel(muscle_model=model.lower())
    drift = tree["drift"].to_dataset().sel(arm=f"arm26, {model}")
    np.testing.assert_allclose(drift.shoulder, golden.shoulder, atol=1e-12)
    np.testing.assert_allclose(drift.elbow, golden.elbow, atol=1e-12)
    np.testing.assert_allclose(drift.end_position, golden.fingertip_end_f32, atol=1e-4)
    moved = np.linalg.norm(golden.fingertip_end_f64 - golden.fingertip_start_f64, axis=-1)
    np.testing.assert_allclose(drift.displacement, moved, atol=1e-4)
    assert float(drift.most) == pytest.approx(moved.max(), abs=1e-4)
    assert float(drift.middle) == pytest.approx(moved[10, 10], abs=1e-4)


def test_drift_of_the_three_arms(tree):
    drift = tree["drift"].to_dataset()
    assert drift.arm.values.tolist() == ["arm26, Thelen", "arm26, Kistemaker", "paths, Thelen"]
    np.testing.assert_allclose(drift.most, [0.1290, 0.0018, 0.0046], atol=1e-4)
    assert "effector" not in drift.attrs and drift.attrs["duration"] == 0.2  # three bodies have not one name


def test_smoke_size_goes_to_disk_and_back(tmp_path):
    tree = mn.studies.geometry("smoke", tmp_path, progress=False)
    assert tree["drift"].sizes["shoulder"] == GEOMETRY["smoke"]["points"]
    with xr.open_datatree(tmp_path / "results.nc", engine="h5netcdf") as stored:
        stored.name = tree.name  # which a file does not hold
        xr.testing.assert_identical(stored.load(), tree)
        assert stored.attrs["study"] == "geometry" and json.loads(stored.attrs["settings"]) == {"points": 5}
    with pytest.raises(ValueError, match="another run needs another folder"):
        mn.studies.geometry("quick", tmp_path, progress=False)


def test_an_unknown_size_is_refused():
    with pytest.raises(ValueError, match=r"size = 'huge' .* smoke, quick, full, paper"):
        mn.studies.geometry("huge")
