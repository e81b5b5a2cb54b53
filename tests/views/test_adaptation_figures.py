"""The figure of adaptation: what is drawn is read back from the data sources."""

import numpy as np
import pytest
import xarray as xr
from bokeh.models import CustomJS, GlyphRenderer, Legend
from figures import drawn, plots, shows
from worlds import arm, network

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.results.adaptation import channel_profile, force_compensation, learning_curve
from motornet_nb.results.kinematics import lateral_deviation

WALLS = mn.ForceChannel(stiffness=3000.0, wall_damping=60.0)


@pytest.fixture(scope="module")
def results():
    "Reaches to four sides without a field, in one and in a channel, of two networks."
    found = {}
    for name, loads in {"before": [], "in the field": [mn.CurlField(8.0)], "channel": [WALLS]}.items():
        env = mn.Environment(arm(), mn.CenterOutReach(n_targets=4, loads=loads), duration=0.4)
        each = [mn.simulate(network(env, n_units=4, seed=s), env) for s in range(2)]
        found[name] = xr.concat(each, "replicate").assign_coords(replicate=[0, 1])
    return found


@pytest.fixture
def maps(results):
    return {name: ds for name, ds in results.items() if name != "channel"}


def curve_of(values):
    "A learning curve of two networks and two targets."
    batches = np.arange(0, 200, 20.0)
    array = np.stack([values(batches, k) for k in range(2)])
    variable = (("replicate", "batch", "trial"), np.stack([array, array + 0.002], -1), {"units": "m"})
    return xr.Dataset({"max_lateral_deviation": variable}, {"replicate": [0, 1], "batch": batches})


def test_maps_show_the_paths_of_all_networks_on_one_scale(results, maps, caplog):
    layout = views.adaptation(maps, target_radius=0.02)
    ds = results["in the field"]
    paths = drawn(layout, "paths in the field 90°")
    assert list(paths["network"]) == ["0", "1"] and list(paths["trial"]) == ["1", "1"]
    for k in range(2):
        np.testing.assert_allclose(paths["xs"][k][1:], ds.endpoint_position[k, 1, :, 0], atol=1e-6)
        np.testing.assert_allclose([paths["xs"][k][0], paths["ys"][k][0]], ds.start_position[k, 1], atol=1e-6)
    lateral = lateral_deviation(ds).values[:, 1]
    largest = lateral[np.arange(2), abs(lateral).argmax(1)]
    np.testing.assert_allclose(paths["deviation"], largest, atol=1e-9)
    goals = drawn(layout, "targets before 180°")
    np.testing.assert_allclose([goals["x"][0], goals["y"][0]], results["before"].goal_position[0, 2])
    first, second = plots(layout)
    assert first.x_range is second.x_range and first.y_range is second.y_range
    assert (first.title.text, second.title.text) == ("before", "in the field")
    assert first.frame_width == first.frame_height and first.styles["flex"] == "0 0 auto"  # a row would stretch them
    everything = np.concatenate([ds.endpoint_position.values.reshape(-1, 2) for ds in maps.values()])
    assert first.x_range.start < everything[:, 0].min() and first.x_range.end > everything[:, 0].max()
    shows(layout, caplog)


def test_one_entry_of_the_legend_hides_a_direction_everywhere(maps):
    layout = views.adaptation(maps)
    switched = [{r.name for r in cb.args["others"]} for cb in layout.select({"type": CustomJS}) if "others" in cb.args]
    (right,) = (names for names in switched if "paths before 0°" in names)
    kinds = ("paths", "targets", "straight")
    assert right == {f"{kind} {name} 0°" for kind in kinds for name in maps} and len(switched) == 4


def test_learning_curve_with_its_mean_and_exponential(maps, caplog):
    curve = curve_of(lambda x, k: 0.005 + (0.02 + 0.01 * k) * np.exp(-x / 40))
    layout = views.adaptation(maps, curve=curve)
    networks, mean, fit = (drawn(layout, name) for name in ("networks", "mean", "exponential"))
    np.testing.assert_allclose(networks["ys"][1], 0.006 + 0.03 * np.exp(-np.arange(0, 200, 20) / 40))
    np.testing.assert_allclose(mean["value"], 0.006 + 0.025 * np.exp(-mean["batch"] / 40))
    np.testing.assert_allclose(fit["value"], 0.006 + 0.025 * np.exp(-fit["batch"] / 40), rtol=1e-5)
    labels = [i.label.value for legend in layout.select({"type": Legend}) for i in legend.items]
    assert any("τ = 40 ±" in label for label in labels) and "each network" in labels
    (plot,) = [p for p in plots(layout) if p.title.text == "Learning"]
    assert plot.yaxis.axis_label == "max lateral deviation (m)"
    curve["max_lateral_deviation"].attrs["long_name"] = "size of the deviation"
    (plot,) = [p for p in plots(views.adaptation(maps, curve=curve)) if p.title.text == "Learning"]
    assert plot.yaxis.axis_label == "size of the deviation (m)"
    shows(layout, caplog)


def test_a_curve_that_does_not_bend_has_no_exponential(maps):
    layout = views.adaptation(maps, curve=curve_of(lambda x, k: 0.03 - 1e-5 * x))
    assert layout.select_one({"name": "exponential"}) is None and layout.select_one({"name": "mean"}) is not None


def test_force_against_the_channel_beside_complete_compensation(results, maps, caplog):
    channel = results["channel"]
    layout = views.adaptation(maps, channel={"naive": channel, "one of them": channel.isel(replicate=0)}, strength=5.0)
    profile = channel_profile(channel, 5.0)
    data = drawn(layout, "force naive")
    at = profile["step_begin"].values - 0.1
    rows = [int(np.argmin(abs(at - t))) for t in data["time"]]
    np.testing.assert_allclose(at[rows], data["time"], atol=1e-9)
    np.testing.assert_allclose(data["force"], profile["lateral_force"].mean(["replicate", "trial"])[rows], atol=1e-6)
    np.testing.assert_allclose(data["full"], profile["full_compensation"].mean(["replicate", "trial"])[rows], atol=1e-6)
    assert data["time"][0] >= -1e-9 and len(drawn(layout, "trials naive")["xs"]) == 8
    assert len(drawn(layout, "trials one of them")["xs"]) == 4
    share = float(force_compensation(channel, 5.0)["compensation"].mean())
    labels = [i.label.value for legend in layout.select({"type": Legend}) for i in legend.items]
    assert f"naive: {100 * share:.0f} % compensated" in labels
    shows(layout, caplog)


def test_one_network_and_a_single_channel(results, maps):
    single = {name: ds.isel(replicate=0) for name, ds in maps.items()}
    curve = learning_curve({0: single["in the field"], 10: single["before"]}, measure="endpoint_error")
    layout = views.adaptation(single, curve=curve, channel=results["channel"].isel(replicate=0))
    assert layout.select_one({"name": "networks"}) is None and layout.select_one({"name": "force channel"}) is not None
    assert len(drawn(layout, "paths before 0°")["xs"]) == 1


def test_the_page_stays_small():
    env = mn.Environment(arm(), mn.DelayedReach(), duration=0.1)
    many = mn.simulate(network(env, n_units=4), env, n=300)
    layout = views.adaptation({"random": many})
    paths = [r for r in layout.select({"type": GlyphRenderer}) if (r.name or "").startswith("paths")]
    assert sum(len(r.data_source.data["xs"]) for r in paths) == 200


@pytest.mark.parametrize("conditions", [{}, None, [1]])
def test_no_conditions_are_refused(conditions):
    with pytest.raises(ValueError, match="adaptation: conditions = "):
        views.adaptation(conditions)


def test_what_does_not_fit_is_refused(maps, results):
    with pytest.raises(ValueError, match="curve = "):
        views.adaptation(maps, curve=xr.Dataset({"loss": ("batch", [1.0]), "other": ("batch", [1.0])}))
    with pytest.raises(ValueError, match="without channel_force"):
        views.adaptation(maps, channel=results["before"])
    with pytest.raises(ValueError, match=r"(?s)conditions = .*in a plane"):
        views.adaptation({"line": results["before"].isel(space=[0])})
