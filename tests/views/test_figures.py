"""Figures: what is drawn is read back from the data sources."""

import logging
import math

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.models import ColorBar, CustomJS, Div, HoverTool, Legend, Plot, Span, TapTool
from bokeh.resources import CDN
from worlds import arm, network, point_mass_world

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.body.statics import moment_arm_map
from motornet_nb.results.kinematics import endpoint_speed
from motornet_nb.views import plotting
from motornet_nb.views.drawing import COLORS
from motornet_nb.views.timecourses import group_trials, time_courses


@pytest.fixture(scope="module")
def ds():
    env = mn.Environment(arm(), mn.CenterOutReach(n_targets=4), duration=0.3)
    return mn.simulate(network(env, n_units=4), env)


@pytest.fixture(scope="module")
def conditions(ds):
    env = mn.Environment(arm(), mn.CenterOutReach(n_targets=4, loads=[mn.CurlField(8.0)]), duration=0.3)
    return xr.concat([ds, mn.simulate(network(env, n_units=4), env)], "trial")


@pytest.fixture(scope="module")
def mixed():
    "Random starts, targets and go cues, half of them catch trials."
    env = mn.Environment(arm(), mn.DelayedReach(), duration=0.3)
    return mn.simulate(network(env), env, n=40, split="train")


@pytest.fixture(scope="module")
def log():
    batches = np.arange(300)
    terms = {"position": 0.2 * 0.99**batches, "muscle": 0.01 + 0 * batches}
    rest = {"gradient_norm": 1.0 + 0 * batches, "learning_rate": 1e-3 + 0 * batches, "seconds": 0.1 + 0 * batches}
    table = pd.DataFrame({"loss": sum(terms.values()), **terms, **rest}, index=pd.Index(batches, name="batch"))
    table.loc[7, "muscle"] = 0.0
    return table


def plots(model):
    "Every plot of a figure or layout that shows data, in the order they were made."
    found = [model] if isinstance(model, Plot) else list(model.select({"type": Plot}))
    return sorted((p for p in found if p.title.text), key=lambda p: int(p.id[1:]))


def drawn(model, name):
    "The columns of the renderer with a name."
    (renderer,) = model.select({"name": name})
    return renderer.data_source.data


def shows(model, caplog):
    "Whether a model makes a static page, without a callback that needs Python and without a complaint of Bokeh's."
    document = Document()
    document.add_root(model)
    with caplog.at_level(logging.WARNING, logger="bokeh"):
        page = file_html(document, CDN, "test")
    alive = [m for m in document.models if m.subscribed_events or any(m._callbacks.values())]
    document.remove_root(model)
    complaints = [r.getMessage() for r in caplog.records if r.name.startswith("bokeh")]
    assert complaints == [] and alive == []
    assert all(
        any(side[0].axis_label for side in sides)
        for sides in zip(*((p.xaxis, p.yaxis) for p in plots(model)), strict=True)
    )
    return page


# ---- palettes and look ---------------------------------------------------------------------------------------------


def test_directions_have_cyclic_colours_that_differ():
    palette = plotting.direction_palette(8)
    assert len(set(palette)) == 8 and plotting.direction_color(2 * math.pi) == palette[0]
    assert plotting.direction_color(math.nan) == COLORS[-1]
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in plotting.direction_palette(360)])
    assert np.abs(np.diff(np.concatenate((rgb, rgb[:1])), axis=0)).max() <= 16  # no jump anywhere
    assert (rgb.mean(1) < 200).all()  # all are seen on white


@pytest.mark.parametrize(
    "matrix",
    [
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ],
    ids=["protanopia", "deuteranopia"],
)
@pytest.mark.parametrize("palette", [plotting.direction_palette(8), list(COLORS)], ids=["directions", "muscles"])
def test_palettes_survive_colour_blindness(matrix, palette):
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in palette])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ np.array(matrix).T
    lms = np.cbrt(np.clip(linear, 0, None) @ np.linalg.inv(plotting._LMS_TO_RGB).T)
    lab = lms @ np.linalg.inv(plotting._OKLAB_TO_LMS).T
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=-1)[~np.eye(len(palette), dtype=bool)]
    assert distance.min() > 0.05  # 0.02 is just noticeable


def test_units_stand_on_axes():
    assert (
        plotting.axis_label("speed", "m/s") == "speed (m/s)" and plotting.axis_label("activation", "1") == "activation"
    )


# ---- groups --------------------------------------------------------------------------------------------------------


def test_groups_by_direction(ds):
    groups, what = group_trials(ds)
    assert what == "target" and [g.label for g in groups] == [f"{90 * i}°" for i in range(4)]
    assert sorted(np.concatenate([g.trials for g in groups])) == list(range(4))


def test_groups_by_condition(conditions):
    groups, what = group_trials(conditions)
    assert what == "condition" and [g.label for g in groups] == ["reach", "reach + CurlField"]
    assert [g.label for g in group_trials(conditions, "target_direction")[0]][:2] == ["0°", "90°"]


def test_groups_of_many_directions_and_catch_trials(mixed):
    groups, what = group_trials(mixed)
    assert what == "condition" and {g.label for g in groups} == {"reach", "catch"}
    colors = {g.label: set(g.colors) for g in groups}
    assert colors["catch"] == {COLORS[-1]} and len(colors["reach"]) > 16
    few, what = group_trials(mixed.isel(trial=slice(6)))
    assert what == "target" and few[-1].label == "no go cue"


# ---- figures from Datasets -----------------------------------------------------------------------------------------


def test_trajectories_show_the_hand_paths(ds, caplog):
    p = views.trajectories(ds, target_radius=0.02)
    paths, samples, targets = (drawn(p, f"{kind} 180°") for kind in ("paths", "samples", "targets"))
    np.testing.assert_allclose(paths["xs"][0][1:], ds.endpoint_position[2, :, 0])
    np.testing.assert_allclose([paths["xs"][0][0], paths["ys"][0][0]], ds.start_position[2])
    np.testing.assert_allclose(samples["y"], ds.endpoint_position[2, :, 1])
    np.testing.assert_allclose(samples["time"], ds.time)
    np.testing.assert_allclose(samples["speed"], endpoint_speed(ds)[2])
    np.testing.assert_allclose([targets["x"][0], targets["y"][0]], ds.goal_position[2])
    assert p.select_one({"name": "targets 180°"}).glyph.radius == 0.02
    assert (p.xaxis.axis_label, p.yaxis.axis_label) == ("x (m)", "y (m)") and p.match_aspect
    shows(p, caplog)


def test_trajectories_answer_to_the_pointer(ds):
    p = views.trajectories(ds)
    (hover,) = p.select({"type": HoverTool})
    assert [name for name, _ in hover.tooltips] == [
        "trial",
        "condition",
        "target",
        "time (s)",
        "speed (m/s)",
        "x (m)",
        "y (m)",
    ]
    columns = drawn(p, "samples 0°")
    assert all(value.strip("@").partition("{")[0] in columns for _, value in hover.tooltips)
    (legend,) = p.select({"type": Legend})
    assert legend.click_policy == "hide" and [i.label.value for i in legend.items] == [f"{90 * i}°" for i in range(4)]
    assert len(list(p.select({"type": TapTool}))) == 1


def test_trajectories_of_random_reaches_have_a_scale_of_directions(mixed, caplog):
    p = views.trajectories(mixed)
    (bar,) = p.select({"type": ColorBar})
    assert (bar.color_mapper.low, bar.color_mapper.high) == (0, 360)
    assert len(drawn(p, "paths reach")["xs"]) + len(drawn(p, "paths catch")["xs"]) == 40
    assert list(views.trajectories(mixed, color_by="condition").select({"type": ColorBar})) == []
    shows(p, caplog)


def test_trajectories_keep_the_page_small():
    env = point_mass_world(duration=0.05)
    many = mn.simulate(network(env), env, n=500)
    p = views.trajectories(many)
    assert p.title.text == "Hand paths (200 of 500 trials)" and len(drawn(p, "paths reach")["xs"]) == 200


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


# ---- training ------------------------------------------------------------------------------------------------------


def test_training_shows_loss_and_terms(log, caplog):
    p = views.training(log, smooth=5)
    (legend,) = p.select({"type": Legend})
    assert [i.label.value for i in legend.items] == ["loss", "position", "muscle"] and legend.click_policy == "hide"
    np.testing.assert_allclose(drawn(p, "position as logged")["value"], log["position"])
    assert drawn(p, "loss")["value"][2] == pytest.approx(log["loss"][:5].mean())
    assert math.isnan(drawn(p, "muscle as logged")["value"][7])  # 0 has no logarithm
    assert "log" in str(type(p.y_scale)).lower() and p.xaxis[0].axis_label == "batch"
    shows(p, caplog)


def test_training_takes_what_train_returns(caplog):
    env = point_mass_world(duration=0.05)
    log = mn.train(network(env), env, n_batches=3, batch_size=2, progress=False)
    for given in (log, log.to_xarray()):
        p = views.training(given)
        assert len(drawn(p, "loss")["value"]) == 3
        shows(p, caplog)
    shows(views.training(log.iloc[:1], terms=["gradient_norm"]), caplog)


def test_long_training_is_thinned():
    long = pd.DataFrame({"loss": np.ones(30_000)}, index=pd.Index(np.arange(30_000), name="batch"))
    assert len(drawn(views.training(long), "loss")["value"]) <= 2000


# ---- bodies --------------------------------------------------------------------------------------------------------


def test_body_at_a_posture(caplog):
    body = mn.geometric_arm26()
    layout = views.effector(body, [0.0, math.pi / 2])
    bones = drawn(layout, "bones")
    np.testing.assert_allclose(np.stack((bones["x"], bones["y"])).T, [[0, 0], [0.309, 0], [0.309, 0.333]], atol=1e-7)
    path = drawn(layout, "brachioradialis")
    np.testing.assert_allclose(np.stack((path["x"], path["y"])).T, [[0.23, 0.001], [0.299, 0.231]], atol=1e-7)
    (legend,) = layout.select({"type": Legend})
    assert [i.label.value for i in legend.items] == body.muscle_names
    (words,) = layout.select({"type": Div})
    assert "shoulder 0°, elbow 90°" in words.text and ">1422<" in words.text
    shows(layout, caplog)


def test_body_without_paths_says_so(caplog):
    layout = views.effector(arm(), workspace=False)
    (words,) = layout.select({"type": Div})
    assert "have no path to draw" in words.text and list(layout.select({"name": "workspace"})) == []
    assert list(layout.select({"type": Legend})) == []
    shows(layout, caplog)
    shows(views.effector(mn.Effector(mn.TwoDofArm(), mn.ReluMuscle())), caplog)


def test_body_leaves_its_state_alone():
    body = arm()
    body.reset(options={"joint_state": [0.5, 0.6]})
    views.effector(body)
    views.moment_arms(body)
    assert torch.equal(body.states["joint"][0, :2], torch.tensor([0.5, 0.6]))


def test_moment_arms_over_each_joint(caplog):
    body = mn.geometric_arm26()
    layout = views.moment_arms(body, n=11)
    assert [p.title.text for p in plots(layout)] == [
        "Moment arm, shoulder",
        "Moment arm, elbow",
        "Musculotendon length, shoulder",
        "Musculotendon length, elbow",
    ]
    curves = moment_arm_map(body, "elbow", 11)
    data = drawn(layout, "moment_arm elbow biceps")
    np.testing.assert_allclose(data["value"], curves.moment_arm.sel(joint="elbow", muscle="biceps"))
    np.testing.assert_allclose(data["position"], curves.elbow)
    assert [p.xaxis[0].axis_label for p in plots(layout)][:2] == ["shoulder position (rad)", "elbow position (rad)"]
    assert [p.yaxis[0].axis_label for p in plots(layout)][1:3] == ["moment arm (m)", "musculotendon length (m)"]
    shows(layout, caplog)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds: views.trajectories(ds, color_by="speed"), "color_by = 'speed'"),
        (lambda ds: views.trajectories(ds.isel(space=[0])), "hand that moves along a line"),
        (lambda ds: views.trajectories(3), "ds = 3 .* a Dataset"),
        (lambda ds: views.trajectories(ds.isel(trial=[])), "at least one trial"),
        (lambda ds: views.kinematics(ds, aligned_to="end"), "aligned_to = 'end'"),
        (lambda ds: views.kinematics(ds.assign_coords(go_time=ds.go_time * np.nan), aligned_to="go cue"), "without go cues"),
        (lambda ds: views.activations(ds, variable="torque"), "variable = 'torque' .* activation"),
        (lambda ds: views.activations(ds, variable="moment_arm"), "variable = 'moment_arm'"),
        (lambda ds: views.activations(ds, trial=99), r"trial = 99 .* \(0 to 3\)"),
        (lambda ds: time_courses(ds, "start_position"), "variables = 'start_position' .* speed"),
        (lambda ds: views.training(ds), "log = .* table that train"),
        (lambda ds: views.training(pd.DataFrame({"loss": []})), "at least one row"),
        (lambda ds: views.training(pd.DataFrame({"loss": [1.0]}), terms=["hope"]), "terms = 'hope' .* loss"),
        (lambda ds: views.training(pd.DataFrame({"loss": [1.0]}), smooth=0), "smooth = 0"),
        (lambda ds: views.effector("arm"), "effector = 'arm'"),
        (lambda ds: views.effector(arm(), [9.0, 0.0]), "within the position limits"),
        (lambda ds: views.effector(mn.Effector(mn.PointMass(space_dim=1), mn.ReluMuscle())), "moves in a plane"),
        (lambda ds: views.moment_arms(3), "effector = 3"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_in_words(ds, call, says):
    with pytest.raises((ValueError, TypeError), match=f"(?s){says}"):
        call(ds)
