"""Variables over time, and what holds for every figure of a Dataset."""

import numpy as np
import pytest
from bokeh.models import CustomJS, Legend, Span
from figures import drawn, plots, shows
from worlds import network, point_mass_world

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.results.kinematics import endpoint_speed
from motornet_nb.views.timecourses import time_courses
from motornet_nb.views.trial_groups import group_trials


@pytest.mark.parametrize("dims", [2, 3])
def test_point_masses_have_figures(dims, caplog):
    mass = mn.Effector(mn.PointMass(space_dim=dims), mn.ReluMuscle()).add_muscle(
        [0, 1], [[1.0] * dims, [0.0] * dims], max_isometric_force=50
    )
    env = mn.Environment(mass, mn.RandomTargetReach(), duration=0.1)
    ds = mn.simulate(network(env), env, n=3)
    for make in (views.trajectories, views.kinematics, views.activations):
        shows(make(ds), caplog)
    shows(views.effector(mass), caplog)
    shows(views.moment_arms(mass), caplog)
    titles = [p.title.text for p in plots(views.kinematics(ds))]
    assert titles == ["Hand speed", *(f"Hand position, {a}" for a in "xyz"[:dims])]  # its joints are the same


def test_kinematics_show_speed_hand_and_joints(ds, caplog):
    layout = views.kinematics(ds)
    assert [p.title.text for p in plots(layout)] == [
        "Hand speed",
        "Hand position, x",
        "Hand position, y",
        "Shoulder",
        "Elbow",
    ]
    labels = [p.yaxis[0].axis_label for p in plots(layout)]
    assert labels == [
        "hand speed (m/s)",
        "hand position (m)",
        "hand position (m)",
        "joint position (rad)",
        "joint position (rad)",
    ]
    data = drawn(layout, "Elbow 90°")
    np.testing.assert_allclose(data["ys"][0], ds.joint_position[1, :, 1])
    np.testing.assert_allclose(data["xs"][0], ds.time)
    np.testing.assert_allclose(drawn(layout, "Hand speed 90°")["ys"][0], endpoint_speed(ds)[1])
    shows(layout, caplog)


def test_go_cue_is_marked(ds, mixed):
    for p in plots(views.kinematics(ds)):
        assert [s.location for s in p.select({"type": Span})] == [pytest.approx(0.1)]
    layout = views.kinematics(mixed)
    assert all(not list(p.select({"type": Span})) for p in plots(layout))
    cues = drawn(layout, "go cue Elbow reach")
    go = mixed.go_time.values[~mixed.is_catch.values]
    np.testing.assert_allclose(sorted(cues["x"]), sorted(go), rtol=1e-6)


def test_time_from_the_go_cue(mixed):
    layout = views.kinematics(mixed, aligned_to="go cue", mean=True)
    n_go = int((~mixed.is_catch).sum())
    data = drawn(layout, "Hand speed reach")
    assert len(data["xs"]) == n_go  # catch trials have no go cue
    go = mixed.go_time.values[~mixed.is_catch.values]
    np.testing.assert_allclose([xs[0] for xs in data["xs"]], mixed.time.values[0] - go)
    assert [s.location for s in plots(layout)[0].select({"type": Span})] == [0]
    assert plots(layout)[-1].xaxis[0].axis_label == "time from go cue (s)"


def test_one_legend_switches_all_panels(ds):
    layout = views.kinematics(ds)
    (legend,) = layout.select({"type": Legend})
    assert legend.click_policy == "hide" and len(legend.items) == 4
    (leader,) = legend.items[1].renderers
    (callback,) = leader.js_property_callbacks["change:visible"]
    assert isinstance(callback, CustomJS)
    assert {r.name for r in callback.args["others"]} == {
        f"{t} 90°" for t in ("Hand speed", "Hand position, x", "Hand position, y", "Shoulder", "Elbow")
    }


def test_panels_share_the_time_axis(ds):
    ranges = {id(p.x_range) for p in plots(views.kinematics(ds))}
    assert len(ranges) == 1


def test_activations_have_a_panel_a_muscle(ds, caplog):
    layout = views.activations(ds)
    panels = plots(layout)
    assert [p.title.text for p in panels] == [m.capitalize() for m in ds.muscle.values]
    np.testing.assert_allclose(drawn(layout, "Biceps 270°")["ys"][0], ds.activation[3, :, 4])
    np.testing.assert_allclose(drawn(layout, "mean Biceps")["y"], ds.activation[:, :, 4].mean("trial"), rtol=1e-6)
    assert len({id(p.y_range) for p in panels}) == 1
    assert panels[0].y_range.start == 0 and panels[0].y_range.end > float(ds.activation.max())
    assert panels[0].yaxis[0].axis_label == "muscle activation"
    shows(layout, caplog)


def test_means_are_by_condition(conditions):
    layout = views.activations(conditions)
    of_field = conditions.condition.values == "reach + CurlField"
    mean = conditions.activation[of_field, :, 2].mean("trial")
    np.testing.assert_allclose(drawn(layout, "mean reach + CurlField Brachioradialis")["y"], mean, rtol=1e-6)


def test_activations_of_one_trial(ds, caplog):
    p = views.activations(ds, trial=3, variable="muscle_force")
    np.testing.assert_allclose(drawn(p, "deltoid")["value"], ds.muscle_force.sel(trial=3, muscle="deltoid"))
    assert p.yaxis[0].axis_label == "muscle force (N)" and p.title.text == "Muscle force, trial 3"
    shows(p, caplog)


def test_any_variable_over_time(ds, caplog):
    layout = time_courses(ds, ["hidden", "go_cue", "endpoint_load"], columns=4)
    titles = [p.title.text for p in plots(layout)]
    assert titles[0] == "Unit 0" and titles[-3:] == ["Go cue", "Load on the hand, x", "Load on the hand, y"]
    shows(layout, caplog)


@pytest.mark.parametrize("make", [views.trajectories, views.kinematics, views.activations])
def test_a_single_trial_can_be_drawn(ds, make, caplog):
    shows(make(ds.isel(trial=2)), caplog)
    shows(make(ds.isel(trial=[2], time=[0])), caplog)


@pytest.mark.parametrize("make", [views.trajectories, views.kinematics, views.activations])
def test_data_with_gaps_can_be_drawn(ds, make, caplog):
    ds = ds.isel(trial=slice(3))
    holes = ds.where(ds.time > 0.2)
    bare = ds.drop_vars(["trial", "condition", "go_time", "target_direction", "is_catch", "max_isometric_force"])
    for odd in (holes, bare):
        shows(make(odd), caplog)


def test_holding_has_no_targets(caplog):
    env = point_mass_world(mn.PosturalHold(n_test_trials=2))
    ds = mn.simulate(network(env), env)
    assert [g.label for g in group_trials(ds)[0]] == ["no go cue"]
    for make in (views.trajectories, views.kinematics, views.activations):
        shows(make(ds), caplog)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds: views.kinematics(ds, aligned_to="end"), "aligned_to = 'end'"),
        (lambda ds: views.kinematics(ds.assign_coords(go_time=ds.go_time * np.nan), aligned_to="go cue"), "without go cues"),
        (lambda ds: views.activations(ds, variable="torque"), "variable = 'torque' .* activation"),
        (lambda ds: views.activations(ds, variable="moment_arm"), "variable = 'moment_arm'"),
        (lambda ds: views.activations(ds, trial=99), r"trial = 99 .* \(0 to 3\)"),
        (lambda ds: time_courses(ds, "start_position"), "variables = 'start_position' .* speed"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_in_words(ds, call, says):
    with pytest.raises((ValueError, TypeError), match=f"(?s){says}"):
        call(ds)
