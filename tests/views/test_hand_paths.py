"""Hand paths: what is drawn is read back from the data sources."""

import numpy as np
import pytest
from bokeh.models import ColorBar, HoverTool, Legend, TapTool
from figures import drawn, shows
from worlds import network, point_mass_world

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.results.kinematics import endpoint_speed


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


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds: views.trajectories(ds, color_by="speed"), "color_by = 'speed'"),
        (lambda ds: views.trajectories(ds.isel(space=[0])), "hand that moves along a line"),
        (lambda ds: views.trajectories(3), "ds = 3 .* a Dataset"),
        (lambda ds: views.trajectories(ds.isel(trial=[])), "at least one trial"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_in_words(ds, call, says):
    with pytest.raises((ValueError, TypeError), match=f"(?s){says}"):
        call(ds)
