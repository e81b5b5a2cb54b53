"""Kinematics of reaches, from movements that are known."""

import math

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import motornet_nb as mn
from motornet_nb.results.kinematics import (
    KINEMATICS,
    endpoint_speed,
    lateral_deviation,
    movement_times,
    reach_kinematics,
)

MEASURES = [name for name, (unit, _) in KINEMATICS.items() if unit]


def minimum_jerk(directions, onset=0.25, duration=0.5, distance=0.1, bow=0.0, go_time=0.1, dtype=float, turn=0.0):
    "A Dataset of reaches whose measures are known: minimum jerk along a line (or an arc bowed to the left)."
    time = np.arange(1, 101) * 0.01
    tau = np.clip((time - onset) / duration, 0, 1)
    along, rate = 10 * tau**3 - 15 * tau**4 + 6 * tau**5, (30 * tau**2 - 60 * tau**3 + 30 * tau**4) / duration
    beside, beside_rate = bow * np.sin(math.pi * along), bow * math.pi * np.cos(math.pi * along) * rate
    directions = np.asarray(directions, float) + turn
    ahead = np.stack((np.cos(directions), np.sin(directions)), -1)
    left = np.stack((-ahead[:, 1], ahead[:, 0]), -1)
    start = np.tile([0.1, 0.4], (len(directions), 1))
    position = start[:, None] + distance * along[:, None] * ahead[:, None] + beside[:, None] * left[:, None]
    velocity = distance * rate[:, None] * ahead[:, None] + beside_rate[:, None] * left[:, None]
    n = len(directions)
    variables = {
        "endpoint_position": (("trial", "time", "space"), position.astype(dtype)),
        "endpoint_velocity": (("trial", "time", "space"), velocity.astype(dtype)),
        "target_position": (
            ("trial", "time", "space"),
            np.tile((start + distance * ahead)[:, None], (1, 100, 1)).astype(dtype),
        ),
        "start_position": (("trial", "space"), start.astype(dtype)),
        "goal_position": (("trial", "space"), (start + distance * ahead).astype(dtype)),
    }
    coordinates = {
        "trial": np.arange(n),
        "time": time,
        "space": ["x", "y"],
        "target_direction": ("trial", directions % (2 * math.pi)),
        "condition": ("trial", np.array(["reach"] * n, dtype=object)),
        "go_time": ("trial", np.full(n, go_time)),
    }
    return xr.Dataset(variables, coordinates)


@pytest.fixture(scope="module")
def simulated():
    "Trials of a network that was never trained, with catch trials and a field."
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    env = mn.Environment(arm, mn.DelayedReach(loads=[mn.CurlField(5.0, probability=0.5)]), duration=0.4)
    return mn.simulate(mn.PolicyGRU(env.n_observations, 8, 6), env, n=12, split="train", seed=3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_measures_of_a_straight_minimum_jerk_reach(dtype):
    table = reach_kinematics(minimum_jerk([0.0, 2.0, 4.0], dtype=dtype))
    # the speed is above 5 % of its peak but for 5.94 % of the duration at either end
    early = 0.5 * 0.05943
    expected = {
        "reaction_time": 0.25 + early - 0.1,
        "movement_time": 0.5 - 2 * early,
        "peak_speed": 1.875 * 0.1 / 0.5,
        "time_to_peak_speed": 0.25 - early,
        "endpoint_error": 0.0,
        "max_lateral_deviation": 0.0,
        "initial_angle": 0.0,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(table[name], value, atol=1.5e-3 if "time" in name else 1e-5, err_msg=name)
    np.testing.assert_allclose(table["path_length"], 0.1, atol=1e-3)
    np.testing.assert_allclose(table["target_direction"], [0.0, 2.0, 4.0], rtol=1e-6)
    assert list(table.columns) == list(KINEMATICS) and table.index.name == "trial"


def test_units_are_declared_once_and_kept_with_the_table():
    table = reach_kinematics(minimum_jerk([0.0]))
    assert table.attrs["units"] == {name: unit for name, (unit, _) in KINEMATICS.items()}
    assert table.attrs["units"]["peak_speed"] == "m/s" and table.attrs["units"]["condition"] == ""
    assert all(table[name].dtype == np.float64 for name in MEASURES)


def test_left_is_positive_whatever_the_direction():
    directions = np.linspace(0, 2 * math.pi, 7)[:-1]
    left, right = (reach_kinematics(minimum_jerk(directions, bow=bow)) for bow in (0.02, -0.02))
    np.testing.assert_allclose(left["max_lateral_deviation"], 0.02, rtol=2e-3)
    np.testing.assert_allclose(right["max_lateral_deviation"], -0.02, rtol=2e-3)
    assert (left["initial_angle"] > 0.3).all() and (right["initial_angle"] < -0.3).all()
    # at peak speed the arc is at its top: 2 cm beside 5 cm ahead
    np.testing.assert_allclose(left["initial_angle"], math.atan2(0.02, 0.05), atol=0.03)


def test_measures_do_not_depend_on_the_frame():
    directions = np.array([0.3, 1.9, 5.0])
    here, turned = (reach_kinematics(minimum_jerk(directions, bow=0.01, turn=t)) for t in (0.0, 2.2))
    for name in set(MEASURES) - {"target_direction"}:
        np.testing.assert_allclose(here[name], turned[name], atol=1e-12, err_msg=name)


def test_initial_angle_at_a_time_after_onset():
    early = reach_kinematics(minimum_jerk([1.0], bow=0.02), angle_at=0.05)["initial_angle"][0]
    late = reach_kinematics(minimum_jerk([1.0], bow=0.02), angle_at=0.4)["initial_angle"][0]
    assert early > 0.5 > 0.05 > late  # an arc sets off at tan = pi bow / distance and comes back to the line
    assert math.isnan(reach_kinematics(minimum_jerk([1.0]), angle_at=5.0)["initial_angle"][0])


def test_a_hand_that_does_not_come_to_rest_has_no_movement_time():
    table = reach_kinematics(minimum_jerk([0.0], onset=0.8))
    assert math.isnan(table["movement_time"][0])
    assert table["reaction_time"][0] > 0.6 and 0.01 < table["path_length"][0] < 0.1


def test_anticipation_is_a_negative_reaction_time():
    assert reach_kinematics(minimum_jerk([0.0], onset=0.1, go_time=0.2))["reaction_time"][0] < 0


def test_catch_trials_and_trials_without_movement_have_nan():
    catch = reach_kinematics(minimum_jerk([0.0, 1.0], go_time=np.nan))
    still = reach_kinematics(minimum_jerk([0.0, 1.0], distance=1e-4))
    shared = ["reaction_time", "movement_time", "time_to_peak_speed", "max_lateral_deviation", "initial_angle"]
    assert catch[shared].isna().all(axis=None) and still[shared].isna().all(axis=None)
    assert catch[["endpoint_error", "peak_speed", "path_length"]].notna().all(axis=None)
    assert still[["endpoint_error", "peak_speed"]].notna().all(axis=None) and still["path_length"].isna().all()


def test_simulated_trials(simulated):
    table = reach_kinematics(simulated)
    assert len(table) == 12 and set(table["condition"]) <= {"reach", "catch", "reach + CurlField", "catch + CurlField"}
    catch = simulated.is_catch.values
    assert catch.sum() == 6 and table.loc[catch, "reaction_time"].isna().all()
    end = np.linalg.norm(simulated.endpoint_position[:, -1] - simulated.target_position[:, -1], axis=-1)
    np.testing.assert_allclose(table["endpoint_error"], end, rtol=1e-5)
    pd.testing.assert_frame_equal(table.iloc[[4]], reach_kinematics(simulated.isel(trial=[4])))


def test_one_trial_without_its_dimension(simulated):
    table = reach_kinematics(simulated.isel(trial=4))
    pd.testing.assert_frame_equal(table, reach_kinematics(simulated).iloc[[4]])


def test_data_that_is_still_on_disk(simulated, tmp_path):
    simulated.to_netcdf(tmp_path / "trials.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "trials.nc", engine="h5netcdf") as lazy:
        pd.testing.assert_frame_equal(reach_kinematics(lazy), reach_kinematics(simulated))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_point_masses_in_any_number_of_dimensions(dims):
    mass = mn.Effector(mn.PointMass(space_dim=dims), mn.ReluMuscle())
    for side in (-2.0, 2.0):
        mass.add_muscle([0, 1], [[side] * dims, [0.0] * dims], max_isometric_force=100)
    env = mn.Environment(mass, mn.RandomTargetReach(), duration=0.2)
    ds = mn.simulate(mn.PolicyGRU(env.n_observations, 5, 2), env, n=3)
    table = reach_kinematics(ds)
    assert table["endpoint_error"].notna().all()
    assert table[["max_lateral_deviation", "initial_angle"]].isna().all(axis=None) or dims == 2
    assert lateral_deviation(ds).shape == (3, 20) == endpoint_speed(ds).shape


@pytest.mark.parametrize(
    "damage",
    [
        lambda ds: ds.where(ds.time > 0.3),
        lambda ds: ds.assign(endpoint_velocity=ds.endpoint_velocity * np.nan),
        lambda ds: ds.assign(endpoint_position=ds.endpoint_position * np.nan),
        lambda ds: ds.assign(goal_position=ds.start_position),
        lambda ds: ds.isel(time=[0]),
        lambda ds: ds.isel(trial=[]),
        lambda ds: ds.drop_vars(["endpoint_velocity", "target_position", "condition", "go_time", "target_direction"]),
        lambda ds: ds.drop_vars(["start_position", "goal_position"]),
        lambda ds: ds.drop_vars(["trial"]),
        lambda ds: xr.concat([ds, ds], "trial"),
        lambda ds: ds.transpose("space", "time", "trial"),
    ],
)
def test_odd_data_gives_nan_and_no_exception(damage):
    ds = damage(minimum_jerk([0.0, 1.0, 2.0]))
    table = reach_kinematics(ds)
    assert len(table) == ds.sizes["trial"] and list(table.columns) == list(KINEMATICS)


def test_order_of_dimensions_does_not_matter():
    ds = minimum_jerk([0.0, 1.0], bow=0.01)
    pd.testing.assert_frame_equal(reach_kinematics(ds), reach_kinematics(ds.transpose("space", "time", "trial")))


def test_speed_without_recorded_velocity():
    ds = minimum_jerk([0.7])
    np.testing.assert_allclose(endpoint_speed(ds.drop_vars("endpoint_velocity")), endpoint_speed(ds), atol=2e-3)
    assert endpoint_speed(ds).attrs["units"] == "m/s" and lateral_deviation(ds).attrs["units"] == "m"


def test_movement_times_of_nothing():
    assert all(map(math.isnan, movement_times(np.array([0.0]), np.array([0.0]))))
    assert all(map(math.isnan, movement_times(np.arange(5.0), np.ones(5), go_time=10.0)))


@pytest.mark.parametrize(
    "arguments, names",
    [
        ({"angle_at": "onset"}, "angle_at"),
        ({"angle_at": -0.1}, "angle_at"),
        ({"threshold": 0}, "threshold"),
        ({"threshold": 1.0}, "threshold"),
        ({"threshold": True}, "threshold"),
        ({"slowest": -1}, "slowest"),
        ({"slowest": math.nan}, "slowest"),
    ],
)
def test_wrong_options_are_refused(arguments, names):
    with pytest.raises(ValueError, match=f"reach_kinematics: {names} = .* must be"):
        reach_kinematics(minimum_jerk([0.0]), **arguments)


@pytest.mark.parametrize("ds", [None, 3, {"endpoint_position": 1}, xr.Dataset()])
def test_what_is_no_result_is_refused(ds):
    with pytest.raises(TypeError, match=r"(?s)ds = .* must be a Dataset"):
        reach_kinematics(ds)


def test_an_episode_of_one_step_has_kinematics():
    "A single sample does not move: its speed is 0, and what needs a movement is not there."
    env = mn.Environment(mn.ReluPointMass24(), mn.CenterOutReach(go_time=0.0), duration=0.01)
    ds = mn.simulate(mn.PolicyGRU(env.n_observations, 5, 4), env)
    without = mn.analysis.endpoint_speed(ds.drop_vars("endpoint_velocity"))
    assert without.shape == (8, 1) and not without.values.any()
    table = reach_kinematics(ds)
    np.testing.assert_allclose(table["endpoint_error"], 0.1, rtol=1e-5)
    assert (table["peak_speed"] == 0).all() and table["reaction_time"].isna().all()
