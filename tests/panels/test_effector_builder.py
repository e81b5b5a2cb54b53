"The effector builder without a browser: widgets are set as the browser would, then bodies and columns are read."

import base64
import datetime
import json
import time

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from hands import drag, echo
from offered import offered

import motornet_nb as mn
from motornet_nb.core.parameters import data, number, quantity
from motornet_nb.panels.controls import ChoiceControl, FlagControl, NumberControl
from motornet_nb.panels.effector_builder import EffectorBuilder
from motornet_nb.panels.panel import descendants, side_by_side

BODIES, SKELETONS, MUSCLES = offered(mn.Effector), offered(mn.Skeleton), offered(mn.Muscle)


def rebuilt(builder):
    made = {}
    exec(builder.code(), made)
    return made["effector"]


def message(builder):
    return builder._message.text


@pytest.mark.parametrize("name", BODIES)
def test_every_body_can_be_built(name):
    "Every control changes what it should, or says why not; the code makes an equal body."
    builder = EffectorBuilder(BODIES[name]())
    for place in list(builder._form.controls):
        control = builder._form.controls.get(place)
        if isinstance(control, NumberControl):
            old = mn.edits.value_at(builder.effector, place)
            control.slider.value = control.slider.value + control.slider.step
            assert mn.edits.value_at(builder.effector, place) != old or message(builder)
        elif isinstance(control, ChoiceControl):
            for option in control.field.options:
                control.field.value = option
                assert mn.edits.value_at(builder.effector, place) == option
        elif isinstance(control, FlagControl):
            control.field.value = not control.field.value
            assert mn.edits.value_at(builder.effector, place) == control.field.value
    assert rebuilt(builder) == builder.effector
    while not builder._undo.disabled:
        builder._undo.click()
    assert builder.effector == BODIES[name]()


def test_what_can_be_chosen():
    "Bodies, skeletons and muscle models, one after the other; undo brings each back."
    builder = EffectorBuilder()
    lists = [w for w in descendants(builder._sections.children[0]) if isinstance(w, widgets.Dropdown)]
    for position, choices in ((0, BODIES), (1, SKELETONS), (2, MUSCLES)):
        for name in choices:
            before = builder.effector
            lists = [w for w in descendants(builder._sections.children[0]) if isinstance(w, widgets.Dropdown)]
            lists[position].value = name
            assert not message(builder), message(builder)
            assert rebuilt(builder) == builder.effector
            if builder.effector != before:
                builder.undo()
                assert builder.effector == before
                builder.redo()


def test_a_fixation_point_that_is_dragged_changes_the_moment_arms():
    "And the numbers beside the drawing, and nothing else."
    builder = EffectorBuilder(mn.geometric_arm26())
    before, arms = builder.effector, np.array(builder.arm_pictures[1].curves.data["ys"][4])
    points = builder.body_picture.points.data
    k = next(
        i for i, (m, p) in enumerate(zip(points["muscle"], points["point"], strict=True)) if (m, p) == ("biceps", 1)
    )
    x, y = points["x"][k] + 0.02, points["y"][k] - 0.03
    drag(builder, builder.body_picture, builder.body_picture.points, k, x, y)
    after = builder.effector
    assert not np.allclose(builder.arm_pictures[1].curves.data["ys"][4], arms)
    shown = builder.body_picture.points.data
    assert shown["x"][k] == pytest.approx(x, abs=1e-5) and shown["y"][k] == pytest.approx(y, abs=1e-5)
    changed = [m for m in range(6) if not torch.equal(after.geometry.points[m], before.geometry.points[m])]
    assert changed == [4] and builder._muscles.chosen == 4
    assert builder._form.controls["geometry", "points", 4, 1, 0].field.value == pytest.approx(
        float(after.geometry.points[4][1, 0])
    )
    builder.undo()
    assert builder.effector == before


def test_what_the_page_repeats_is_no_wish():
    "A place that the page says late, or a point that it has lost, changes nothing."
    builder = EffectorBuilder()
    hand, points = builder.body_picture.hand, builder.body_picture.points
    before = {k: list(v) for k, v in hand.data.items()}
    builder.posture = [0.6, 1.2]
    now, posture = {k: list(v) for k, v in hand.data.items()}, builder.posture
    echo(builder, builder.body_picture.figure, hand, before)
    echo(builder, builder.body_picture.figure, points, {k: list(v)[:-1] for k, v in points.data.items()})
    assert {k: list(v) for k, v in hand.data.items()} == now and builder.posture == posture
    assert len(points.data["x"]) == len(points.data["muscle"])


def test_the_arm_follows_the_hand():
    "Within its limits, wherever the hand is dragged to."
    builder = EffectorBuilder()
    drag(builder, builder.body_picture, builder.body_picture.hand, 0, -0.1, 0.4)
    hand = builder.effector.endpoint_at(torch.tensor([builder.posture]).float())[0]
    assert torch.allclose(hand, torch.tensor([-0.1, 0.4]), atol=1e-3)
    assert builder._postures.joints[0].field.value == pytest.approx(builder.posture[0])
    drag(builder, builder.body_picture, builder.body_picture.hand, 0, 3.0, 3.0)
    lower, upper = builder.effector.pos_lower_bound, builder.effector.pos_upper_bound
    assert (torch.tensor(builder.posture) >= lower - 1e-9).all() and (
        torch.tensor(builder.posture) <= upper + 1e-9
    ).all()
    shown = builder.body_picture.hand.data
    assert shown["x"][0] != 3.0  # the hand is where the arm can be


def test_a_click_on_a_moment_arm_brings_the_joint_there():
    builder = EffectorBuilder()
    builder._joint_clicked(1, 2.0)
    assert builder.posture[1] == 2.0 and builder.arm_pictures[1].here.location == 2.0
    builder._joint_clicked(1, 99.0)
    assert builder.posture[1] == pytest.approx(float(builder.effector.pos_upper_bound[1]))


def at_rest():
    "A builder opens with some activation; here, with none."
    builder = EffectorBuilder()
    builder.activation = dict.fromkeys(builder.effector.muscle_names, 0.0)
    return builder


def test_it_opens_with_something_to_see():
    "Every muscle pulls, and a body without muscles opens as well."
    builder = EffectorBuilder()
    assert set(builder.activation.values()) == {0.2} and (builder.force_picture.bars.data["force"] > 10).all()
    assert builder.body_picture.paths.data["width"].tolist() == pytest.approx([3.0] * 6)
    assert EffectorBuilder(mn.Effector(mn.PointMass(2), mn.ReluMuscle())).activation == {}


def test_what_sets_the_width_of_a_muscle_is_chosen():
    "Activation, or force over its own maximum."
    builder = EffectorBuilder()
    builder.activation = {"biceps": 1.0}
    by_activation = dict(
        zip(builder.body_picture.paths.data["muscle"], builder.body_picture.paths.data["width"], strict=True)
    )
    builder._by.value = "force"
    by_force = dict(
        zip(builder.body_picture.paths.data["muscle"], builder.body_picture.paths.data["width"], strict=True)
    )
    bars = builder.force_picture.bars.data
    share = dict(zip(bars["muscle"], np.divide(bars["force"], bars["strength"]), strict=True))
    assert by_activation["biceps"] == pytest.approx(9.0) and by_force["biceps"] == pytest.approx(
        1.5 + 7.5 * share["biceps"]
    )


def test_the_body_is_let_go_and_comes_back():
    "What it shows at rest waits meanwhile, and sliders are heard."
    builder = EffectorBuilder()
    before = builder.body_picture.hand.data["x"][0]
    builder.moving.start()
    assert builder.moving.going and builder.moving.player.playing
    builder.activation = {"biceps": 1.0}
    assert builder.body_picture.hand.data["x"][0] == before and max(builder.force_picture.bars.data["force"]) > 100
    builder.moving.stop()
    assert not builder.moving.going and builder.body_picture.hand.data["x"][0] == before


def test_activation_shows_as_force():
    builder = at_rest()
    builder._postures.drives[4].slider.value = 1.0
    force = dict(zip(builder.force_picture.bars.data["muscle"], builder.force_picture.bars.data["force"], strict=True))
    assert force["biceps"] > 100 > force["pectoralis"]
    assert builder.activation["biceps"] == 1.0
    assert max(builder.body_picture.paths.data["force"]) == pytest.approx(force["biceps"])


def test_muscles_come_and_go():
    builder = EffectorBuilder()
    buttons = {w.description: w for w in descendants(builder._sections.children[2]) if isinstance(w, widgets.Button)}
    buttons["Add a muscle"].click()
    assert builder.effector.n_muscles == 7 and len(builder._postures.drives) == 7 and builder._muscles.chosen == 6
    builder._muscles._name.value = "brachialis"
    assert builder.effector.muscle_names[6] == "brachialis"
    assert ("brachialis", 6) in builder._muscles._list.options
    builder._muscles._name.value = "biceps"  # taken
    assert "different names" in message(builder) and builder.effector.muscle_names[6] == "brachialis"
    for n in (6, 5):
        buttons = {
            w.description: w for w in descendants(builder._sections.children[2]) if isinstance(w, widgets.Button)
        }
        buttons["Remove"].click()
        assert builder.effector.n_muscles == n
    assert rebuilt(builder) == builder.effector


def test_what_is_refused_is_said_and_nothing_changes():
    builder = EffectorBuilder()
    before = builder.effector
    builder._form.controls["skeleton", "m1"].field.value = -2.0
    assert "m1 = -2.0 is not allowed" in message(builder)
    assert builder.effector is before and builder._form.controls["skeleton", "m1"].field.value == float(
        before.skeleton.m1
    )
    builder._form.controls["skeleton", "m1"].field.value = 2.0
    assert not message(builder)


def test_a_body_is_held_as_it_can_be_held():
    "Beyond the limits of a joint, or with an activation that there is not: said, and everything stays."
    builder = at_rest()
    posture, drives = builder.posture, builder.activation
    builder._postures.joints[0].field.value = 9.0
    assert "shoulder = 9.0" in message(builder) and builder.posture == posture
    builder._postures.drives[2].field.value = 2.0
    assert "from 0 to 1" in message(builder) and builder.activation == drives
    assert (
        builder._postures.joints[0].field.value == pytest.approx(posture[0])
        and builder._postures.drives[2].field.value == drives["deltoid"]
    )
    builder.activation = {"biceps": 0.5}
    assert builder.activation == drives | {"biceps": 0.5} and builder._postures.drives[4].field.value == 0.5
    with pytest.raises(ValueError, match="by name"):
        builder.activation = {"quadriceps": 0.5}
    buttons = {w.description: w for w in descendants(builder._sections.children[2]) if isinstance(w, widgets.Button)}
    buttons["Remove"].click()  # the first muscle; the others keep what they have
    assert builder.activation["biceps"] == 0.5 and sum(builder.activation.values()) < 0.51


def test_the_map_of_drifts_is_never_old():
    "It follows where that is quick, else it goes until it is asked for."
    builder = EffectorBuilder()
    builder._drift.click()
    before = builder.drift_picture.starts.data["drift"]
    builder._form.controls["skeleton", "m1"].field.value = 3.0
    assert not np.array_equal(before, builder.drift_picture.starts.data["drift"])
    builder._form.controls["timestep",].field.value = 0.001
    assert len(builder._drift_box.children) == 1


def test_reset_one_and_all():
    builder = EffectorBuilder(mn.geometric_arm26())
    control = builder._form.controls["muscle", "tau_activation"]
    control.field.value = 0.04
    builder._form.controls["timestep",].field.value = 0.005
    control.reset.click()
    assert float(builder.effector.muscle.tau_activation) == 0.015
    control.field.value = 0.04
    next(w for w in builder._bar.children if getattr(w, "description", "") == "Reset").click()
    assert float(builder.effector.muscle.tau_activation) == 0.015 and builder.effector.timestep == 0.01


def test_files_and_code(tmp_path):
    builder = EffectorBuilder()
    builder._form.controls["skeleton", "l1"].field.value = 0.25
    builder.save(tmp_path / "arm.json")
    other = EffectorBuilder(mn.ReluPointMass24())
    other.load(tmp_path / "arm.json")
    assert other.effector == builder.effector == mn.from_config(builder.config)
    assert len(other.arm_pictures) == 2
    builder._code.button.click()
    assert "l1=0.25" in builder._code.area.value
    builder._form.controls["skeleton", "l1"].field.value = 0.3
    assert "l1=0.3" in builder._code.area.value


def test_two_beside_each_other():
    "They do not share anything."
    one, other = EffectorBuilder(), EffectorBuilder(mn.ReluPointMass24())
    both = side_by_side(one, other)
    one._form.controls["skeleton", "l1"].field.value = 0.25
    assert other.effector == mn.ReluPointMass24() and isinstance(both, widgets.VBox)


def test_the_passive_drift():
    builder = EffectorBuilder()
    builder._drift.click()
    assert len(builder.drift_picture.starts.data["x"]) == 13 * 13 and len(builder._drift_box.children) == 2
    builder._drift.click()
    assert len(builder._drift_box.children) == 2


def test_a_new_picture_comes_at_once():
    "Moves of all sliders, one after the other: well below a tenth of a second."
    builder, seconds = EffectorBuilder(), []
    for control in [*builder._form.controls.values(), *builder._postures.joints, *builder._postures.drives] * 2:
        if isinstance(control, NumberControl):
            began = time.perf_counter()
            control.slider.value = control.slider.value + control.slider.step
            seconds.append(time.perf_counter() - began)
    assert np.median(seconds) < 0.1


def test_what_it_is_not_made_for():
    with pytest.raises(TypeError, match="an Effector"):
        EffectorBuilder("arm")
    builder = EffectorBuilder()
    with pytest.raises(TypeError, match="EffectorBuilder: effector"):
        builder.effector = mn.TwoDofArm.arm26()
    assert not builder._history.can_undo


# ---- classes of somebody's own -----------------------------------------------------------------------------------------


class TiredMuscle(mn.ReluMuscle):
    "Has lost some of its force."

    fatigue = number(unit="1", description="part of the force that is lost", at_least=0, below=1)


class HeavyMass(mn.PointMass):
    "Weighs more."

    extra = quantity(unit="kg", description="what it weighs more", above=0, typical=(1, 3))


class TwoTonArm(mn.Effector):
    "Has a number of its own, and the parts of the body that was shown."

    load = quantity(unit="kg", description="what it carries", at_least=0, at_most=2000)


def menus(builder):
    "Of bodies, skeletons and muscle models."
    return [w for w in descendants(builder._sections.children[0]) if isinstance(w, widgets.Dropdown)]


@pytest.mark.parametrize(
    ("menu", "name", "place", "value"),
    [
        (2, "tired muscle", ("muscle", "fatigue"), 0.5),
        (1, "heavy mass", ("skeleton", "extra"), 2.0),
        (0, "two ton arm", ("load",), 1000.0),
    ],
)
def test_a_part_of_ones_own_is_chosen(menu, name, place, value, tmp_path):
    "It is made from its declarations, has sliders, is saved, loaded and printed as code."
    builder = EffectorBuilder()
    before = builder.effector
    menus(builder)[menu].value = name
    assert not message(builder), message(builder)
    assert float(mn.edits.value_at(builder.effector, place)) == value
    control = builder._form.controls[place]
    control.slider.value = control.slider.value + control.slider.step
    assert float(mn.edits.value_at(builder.effector, place)) > value
    assert menus(builder)[menu].value == ("" if menu == 0 else name)
    assert rebuilt(builder) == builder.effector
    builder.save(tmp_path / "body.json")
    other = EffectorBuilder()
    other.load(tmp_path / "body.json")
    assert other.effector == builder.effector
    builder.undo()
    builder.undo()
    assert builder.effector == before


def test_a_muscle_that_is_defined_later_is_there_after_the_next_change():
    builder = EffectorBuilder()

    class LateMuscle(mn.ReluMuscle):
        pass

    assert "late muscle" not in [n for n, _ in menus(builder)[2].options]
    builder._form.controls["skeleton", "m1"].slider.value = 2.4
    menus(builder)[2].value = "late muscle"
    assert type(builder.effector.muscle) is LateMuscle and not message(builder)


def test_what_cannot_be_made_or_drawn_says_why():
    "And the menus go back to what there is."

    class Unmade(mn.ReluMuscle):
        recipe = data(dict, description="how it is made")

    class Invisible(mn.PointMass):
        def bones(self, c, position):
            raise LookupError("no bones")

    builder = EffectorBuilder()
    before, shown = builder.effector, [m.value for m in menus(builder)]
    builder._refresh()
    for menu, name, words in ((2, "unmade", "how it is made"), (1, "invisible", "no bones")):
        menus(builder)[menu].value = name
        assert words in message(builder) and builder.effector is before
        assert [m.value for m in menus(builder)] == shown
    builder._form.controls["skeleton", "m1"].slider.value = 2.4
    assert not message(builder)


# ---- undo, files, what is said where -------------------------------------------------------------------------------------


def test_undo_takes_posture_and_activation():
    "A drag, or a slider that is moved, is one step; what is drawn goes back, too."
    builder = EffectorBuilder()
    posture, drives = builder.posture, builder.activation
    for x in (0.0, 0.05, 0.1):
        drag(builder, builder.body_picture, builder.body_picture.hand, 0, x, 0.4)
    dragged = builder.posture
    for value in (0.2, 0.5, 0.9):
        builder._postures.drives[4].slider.value = value
    builder._form.controls["skeleton", "m1"].field.value = 3.0
    assert builder.posture == dragged != posture and builder.activation["biceps"] == 0.9
    builder.undo()
    assert builder.activation["biceps"] == 0.9 and float(builder.effector.skeleton.m1) != 3.0
    builder.undo()
    assert builder.activation == drives and builder.posture == dragged
    assert builder._postures.drives[4].field.value == drives["biceps"]
    builder.undo()
    assert builder.posture == posture and builder._undo.disabled
    hand = builder.effector.endpoint_at(torch.tensor([posture]).float())[0]
    assert builder.body_picture.hand.data["x"][0] == pytest.approx(float(hand[0]), abs=1e-6)
    for _ in range(3):
        builder.redo()
    assert builder.posture == dragged and builder.activation["biceps"] == 0.9 and builder._redo.disabled
    assert float(builder.effector.skeleton.m1) == 3.0


def test_activations_come_back_with_their_muscles():
    builder = EffectorBuilder()
    builder.activation = {"pectoralis": 0.7, "biceps": 0.3}
    builder._edit(lambda: mn.edits.remove_muscle(builder.effector, 0))
    builder.activation = {"biceps": 0.0}
    builder.undo()
    builder.undo()
    assert builder.activation["pectoralis"] == 0.7 and builder.activation["biceps"] == 0.3


def test_refusals_stand_beside_the_field():
    "And go with the next thing that is done; the line on top stays empty."
    builder = EffectorBuilder()
    control, other = builder._form.controls["skeleton", "m1"], builder._form.controls["skeleton", "m2"]
    control.field.value = -2.0
    said = "mass of the upper arm, m1 = -2.0 is not allowed; it must be a finite number above 0 kg"
    assert control.refusal == message(builder) == said and builder._message.widget.value == ""
    assert "role='status'" in control.widget.children[-1].value
    other.field.value = 2.0
    assert not control.refusal and not message(builder)
    joint = builder._postures.joints[0]
    joint.field.value = 9.0
    assert "shoulder = 9.0 is not allowed; it must be between its limits" in joint.refusal
    builder.undo()
    assert not joint.refusal
    builder._muscles._name.value = "biceps"
    assert "different names" in message(builder) and builder._message.widget.value == ""


def test_angles_in_degrees():
    "In all controls, also of another body."
    builder = EffectorBuilder()
    builder._angles.click()
    assert builder._postures.joints[1].field.text == "90"
    assert builder._form.controls["pos_upper_bound", 0].inner.field.text == "135"
    builder._postures.joints[1].field.set_state({"value": "60"})
    assert builder.posture[1] == pytest.approx(np.pi / 3)
    menus(builder)[0].value = "empty arm"
    assert builder._postures.joints[1].unit.name == "°" and builder._angles.description == "Angles in radians"
    menus(builder)[0].value = "empty point mass"
    assert builder._postures.joints[1].unit.name == "m"


def test_save_and_load_are_the_pages():
    "A link that holds the file, until the model is another; a file that is chosen."
    builder = EffectorBuilder()
    builder._form.controls["skeleton", "l1"].field.value = 0.25
    builder._save()
    link = builder._file.value
    content = base64.b64decode(link.split("base64,")[1].split("'")[0])
    assert "download='effector.json'" in link and json.loads(content) == builder.config
    builder._form.controls["skeleton", "l1"].field.value = 0.3
    assert builder._file.value == ""
    file = {"name": "my arm.json", "type": "application/json", "size": len(content), "content": memoryview(content)}
    file["last_modified"] = datetime.datetime.now(datetime.UTC)
    builder._upload.value = (file,)
    assert float(builder.effector.skeleton.l1) == 0.25 and builder._upload.value == () and not message(builder)
    builder._upload.value = (file | {"content": memoryview(b"nothing")},)
    assert "my arm.json is no JSON file" in message(builder) and float(builder.effector.skeleton.l1) == 0.25


def test_what_has_changed_is_known_while_it_is_drawn():
    "Pictures that do not depend on it can stay."
    builder, seen = EffectorBuilder(), []
    builder._history.on_change(lambda model: seen.append(builder._changed))
    builder._form.controls["skeleton", "l1g"].field.value = 0.15
    builder.undo()
    builder.effector = mn.ReluPointMass24()
    assert seen == [("skeleton", "l1g"), None, None] and builder._changed is None
