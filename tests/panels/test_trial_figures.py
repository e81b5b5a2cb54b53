"""Courses and rasters of trials, without a browser."""

import pytest
from worlds import arm_world, network

import motornet_nb as mn
from motornet_nb.live.trial_courses import trial_course
from motornet_nb.live.trial_pictures import ShownTrials
from motornet_nb.panels.trial_figures import TrialFigures
from motornet_nb.results.reader import TrialReader
from motornet_nb.views.muscle_legend import MuscleLegend


@pytest.fixture(scope="module")
def reader():
    env = arm_world(mn.CenterOutReach(n_targets=4))
    return TrialReader(mn.simulate(network(env, n_units=9), env))


def shown(reader, figures, **changed):
    trials = ShownTrials(reader.read([0, 1]).assign(**changed), [0, 1], 0, reader.body)
    courses = {v: [c] for v in figures.courses if (c := trial_course(trials, v, figures.units)) is not None}
    figures.show([trials], courses)
    return trials


def test_figures_are_of_what_there_is(reader):
    legend = MuscleLegend(one=True)
    figures = TrialFigures([reader], ["ds"], reader.read([0]), legend)
    trials = shown(reader, figures)
    assert list(figures.courses) == ["speed", "joint_position", "activation", "muscle_force", "endpoint_load", "hidden"]
    assert len(figures.widgets) == 6 and len(figures.units) == 6  # no load, and a raster
    assert legend.names == list(trials.ds["muscle"].values) and figures.units_of["muscle_force"] == "N"
    assert figures.title("muscle_force") == "muscle force"
    shown(reader, figures, endpoint_load=trials.ds["endpoint_load"] + 1.0)
    assert len(figures.widgets) == 7
    figures.move(0.1)
    assert {p.cursor.location for p in (*figures.courses.values(), *figures.rasters.values())} == {0.1}
    legend.press(legend.names[1])
    assert len(figures.courses["activation"].lines.selected.indices) == 3  # two trials and their mean
    assert figures.courses["speed"].lines.selected.indices == []


def test_without_units_there_is_no_raster(reader):
    bare = TrialReader(reader.ds.drop_vars("hidden"))
    figures = TrialFigures([bare], ["ds"], bare.read([0]), MuscleLegend(one=True))
    shown(bare, figures)
    assert figures.rasters == {} and figures.units == [] and len(figures.widgets) == 4
