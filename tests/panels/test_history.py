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


def test_what_else_comes_back():
    "How a body is held, say: holds of one name in a row are one step, and so is a change of the model between them."
    arm = mn.geometric_arm26()
    heavy = with_value(arm, ("skeleton", "m1"), 3.0)
    history, told = History(arm), []
    history.rest = 0
    history.on_change(lambda model: told.append((model is heavy, history.rest)))
    for rest in (1, 2, 2, 3):
        history.hold(rest, "hand")
    assert not told  # who holds it draws it
    history.change(heavy, "m1")
    history.hold(4, "hand")
    history.rest = 5  # no step
    history.undo()
    assert (history.model is heavy, history.rest) == (True, 3)
    history.undo()
    assert (history.model is arm, history.rest) == (True, 3)
    history.undo()
    assert history.rest == 0 and not history.can_undo
    for _ in range(3):
        history.redo()
    assert (history.model is heavy, history.rest, history.can_redo) == (True, 5, False)
    assert told[1:] == [(True, 3), (False, 3), (False, 0), (False, 3), (True, 3), (True, 5)]


def test_a_file_is_not_lost(tmp_path):
    history, path = History(mn.geometric_arm26()), tmp_path / "arm.json"
    path.write_text("my data")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        history.save(path)
    assert path.read_text() == "my data"
    history.save(path, overwrite=True)
    assert path.read_text() == history.text()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "arm.json is no JSON file"),
        (b"\xff\xfe", "arm.json is no JSON file"),
        (b"[1, 2]", "it names no type"),
        (b'{"type": "motornet_nb.NoSuchThing"}', "NoSuchThing"),
    ],
)
def test_what_is_no_configuration_is_refused_in_words(content, words):
    history = History(mn.geometric_arm26(), mn.Effector)
    before = history.model
    with pytest.raises(ValueError, match=words):
        history.read(content, "arm.json")
    assert history.model is before and not history.can_undo
