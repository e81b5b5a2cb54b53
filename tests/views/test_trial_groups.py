"""Which trials have an entry in the legend together."""

import numpy as np

from motornet_nb.views.colors import COLORS
from motornet_nb.views.trial_groups import group_trials


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
