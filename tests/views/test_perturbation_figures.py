"""The figure of a perturbation: what is drawn is read back from the data sources."""

import numpy as np
import pytest
import xarray as xr
from bokeh.models import BoxAnnotation, CustomJS, GlyphRenderer
from figures import drawn, plots, shows
from worlds import arm, network

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.results.responses import perturbation_response, twin_distance
from motornet_nb.results.twins import simulate_twin


def twins(task, **arguments):
    "Trials of an untrained network, and the same without their loads."
    env = mn.Environment(arm(), task, **{"duration": 0.4} | arguments)
    return simulate_twin(network(env, n_units=4), env)


@pytest.fixture(scope="module")
def held():
    pulse = mn.ForcePulse(magnitude=6.0, direction="around", onset=0.1, duration=0.1)
    return twins(mn.PosturalHold(n_test_trials=4, loads=[pulse]))


@pytest.fixture(scope="module")
def reached():
    "Pushes to the left at random times in some of the reaches."
    pulse = mn.ForcePulse(6.0, direction="left", onset_range=[0.1, 0.2], duration=0.05, probability=0.6)
    return twins(mn.CenterOutReach(n_targets=8, loads=[pulse]))


def test_paths_over_those_of_the_twins(held, caplog):
    ds, twin = held
    layout = views.perturbation(ds, twin)
    path, grey, during = (drawn(layout, name) for name in ("paths 90°", "twins", "during 90°"))
    np.testing.assert_allclose(path["ys"][0][1:], ds.endpoint_position[1, :, 1], atol=1e-6)
    np.testing.assert_allclose(grey["xs"][1][1:], twin.endpoint_position[1, :, 0], atol=1e-6)
    acts = (ds.time >= 0.1 - 1e-9) & (ds.time <= 0.2 + 1e-9)
    np.testing.assert_allclose(during["xs"][0], ds.endpoint_position[1, acts, 0], atol=1e-6)
    assert len(drawn(layout, "targets")["x"]) == 1  # where all of them hold
    response = perturbation_response(ds, twin)
    assert path["peak_deviation"] == [f"{float(response['peak_deviation'][1]):.3g}"]
    assert path["force_direction"] == ["90"] and path["magnitude"] == ["6"]
    shows(layout, caplog)


def test_times_are_from_the_onset_and_the_span_is_shaded(held, reached):
    ds, twin = held
    layout = views.perturbation(ds, twin)
    course = drawn(layout, "distance 180°")
    np.testing.assert_allclose(course["xs"][0], ds.time - 0.1, atol=1e-6)
    np.testing.assert_allclose(course["ys"][0], twin_distance(ds, twin)[2], atol=1e-6)
    boxes = list(layout.select({"type": BoxAnnotation}))
    shaded = [b for b in boxes if b.left == 0]
    assert len(shaded) == 7 and all(np.isclose(b.right, 0.1) for b in shaded)
    ds, twin = reached
    onset = perturbation_response(ds, twin)["onset"].values
    which = int(np.flatnonzero(np.isfinite(onset))[0])
    course = drawn(views.perturbation(ds, twin), f"distance {which * 45}°")
    np.testing.assert_allclose(course["xs"][0], ds.time - onset[which], atol=1e-6)


def test_muscles_with_their_twins(held):
    ds, twin = held
    layout = views.perturbation(ds, twin, variable="muscle_force")
    strong, thin = (drawn(layout, name) for name in ("biceps 0°", "biceps twin 0°"))
    np.testing.assert_allclose(strong["ys"][0], ds.muscle_force.sel(muscle="biceps")[0], rtol=1e-6)
    np.testing.assert_allclose(thin["ys"][0], twin.muscle_force.sel(muscle="biceps")[0], rtol=1e-6)
    muscles = [p for p in plots(layout) if p.title.text in ds.muscle.values]
    assert len(muscles) == 6 and len({p.x_range.id for p in muscles}) == 1 == len({p.y_range.id for p in muscles})
    assert muscles[0].yaxis.axis_label == "muscle force (N)"
    assert len(plots(views.perturbation(ds, twin, variable=""))) == 2


def test_an_entry_of_the_legend_hides_a_group_or_the_twins_everywhere(held):
    layout = views.perturbation(*held)
    switched = [{r.name for r in cb.args["others"]} for cb in layout.select({"type": CustomJS}) if "others" in cb.args]
    muscles = [str(m) for m in held.twin["muscle"].values]
    (right,) = (names for names in switched if "paths 0°" in names)
    assert right == {f"{what} 0°" for what in ("paths", "during", "distance", *muscles)}
    (twin,) = (names for names in switched if "twins" in names)
    assert twin == {"twins", *(f"{m} twin {i * 90}°" for m in muscles for i in range(4))} and len(switched) == 5


def test_reaches_are_coloured_by_target_or_force_and_others_left_out(reached, caplog):
    ds, twin = reached
    was = np.flatnonzero(perturbation_response(ds, twin)["onset"].notnull())
    assert 0 < len(was) < 8
    layout = views.perturbation(ds, twin)
    assert len(drawn(layout, "twins")["xs"]) == len(was)
    assert any(p.title.text == f"Distance from the twin ({len(was)} of 8 trials)" for p in plots(layout))
    names = {r.name for r in layout.select({"type": GlyphRenderer})}
    assert {n for n in names if n and n.startswith("targets")} == {f"targets {i * 45}°" for i in was}
    shows(layout, caplog)
    by_force = views.perturbation(ds, twin, color_by="force")
    turned = drawn(by_force, f"paths {(was[0] * 45 + 90) % 360}°")  # a push to the left of the reach
    assert list(turned["trial"]) == [str(was[0])]


def test_what_does_not_fit_is_refused(held):
    ds, twin = held
    with pytest.raises(ValueError, match="of which one at least is perturbed"):
        views.perturbation(twin, twin)
    with pytest.raises(ValueError, match="color_by = 'muscle'"):
        views.perturbation(ds, twin, color_by="muscle")
    with pytest.raises(ValueError, match=r"variable = 'hidden'.*activation"):
        views.perturbation(ds, twin, variable="hidden")
    with pytest.raises(ValueError, match="2 replicates"):
        views.perturbation(*(xr.concat([x, x], "replicate") for x in held))
    with pytest.raises(ValueError, match="twin = "):
        views.perturbation(ds, twin.isel(trial=[0, 1]))
