"The history of a model: undo, redo, files."

import json

import pytest

import motornet_nb as mn
from motornet_nb.body import edits
from motornet_nb.core.places import with_value
from motornet_nb.panels.history import History


def test_a_history():
    "Changes of one name in a row are one step; a new change forgets what was taken back."
    arm = mn.geometric_arm26()
    history, told = History(arm), []
    history.on_change(told.append)
    for value in (1.0, 1.5, 2.0):
        history.change(with_value(history.model, ("skeleton", "m1"), value), "m1")
    history.change(with_value(history.model, ("skeleton", "m2"), 1.0), "m2")
    history.change(history.model)  # nothing
    assert len(told) == 4
    history.undo()
    assert float(history.model.skeleton.m1) == 2.0 and history.can_redo
    history.change(with_value(history.model, ("skeleton", "m1"), 3.0), "m1")
    assert not history.can_redo
    history.undo()
    history.undo()
    assert history.model == arm and not history.can_undo
    history.undo()
    assert history.model == arm


def test_files(tmp_path):
    "JSON; a file of another kind is refused, and what is there stays."
    history = History(edits.remove_muscle(mn.geometric_arm26(), 2))
    history.save(tmp_path / "arm.json")
    other = History(mn.ReluPointMass24(), mn.Effector)
    other.load(tmp_path / "arm.json")
    assert other.model == history.model and other.can_undo
    (tmp_path / "task.json").write_text(json.dumps(mn.CenterOutReach().to_config()))
    with pytest.raises(ValueError, match="Effector"):
        other.load(tmp_path / "task.json")
    assert other.model == history.model
    with pytest.raises(TypeError, match="Effector"):
        other.change(mn.CenterOutReach())
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ValueError):
        other.load(tmp_path / "bad.json")
