"The task builder without a browser."

import time

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from offered import offered

import motornet_nb as mn
from motornet_nb.core.parameters import number, part, quantity
from motornet_nb.panels.controls import NumberControl
from motornet_nb.panels.panel import descendants, live_figures
from motornet_nb.panels.task_builder import LOADS as LOADS_OF
from motornet_nb.panels.task_builder import TASKS as ALL
from motornet_nb.panels.task_builder import UNTRAINED, TaskBuilder, with_loads
from motornet_nb.task.tasks import assemble

TASKS, LOADS = offered(mn.Task), offered(mn.Load)


def rebuilt(builder):
    made = {}
    exec(builder.code(), made)
    return made["environment"]


def buttons(widget):
    return {w.description: w for w in descendants(widget) if isinstance(w, widgets.Button)}


def next_to(slider):
    "One step up, or down from the end."
    up = slider.value + slider.step
    return up if up <= slider.max else slider.value - slider.step


def message(builder):
    return builder._message.text


@pytest.mark.parametrize("task", TASKS)
def test_every_task_with_every_load(task):
    "Every slider changes what it should, or says why not; the code makes an equal environment."
    builder = TaskBuilder()
    choose = next(w for w in descendants(builder._sections.children[0]) if isinstance(w, widgets.Dropdown))
    choose.value = task
    assert type(builder.environment.task) is TASKS[task] and not message(builder)
    for name in LOADS:
        buttons(builder._sections.children[1])[f"Add a {name}"].click()
        assert not message(builder), message(builder)
    assert len(builder.environment.task.loads) == len(LOADS)
    for place in list(builder._form.controls):
        control = builder._form.controls.get(place)
        if isinstance(control, NumberControl):
            old = mn.edits.value_at(builder.environment, place)
            control.slider.value = next_to(control.slider)
            assert mn.edits.value_at(builder.environment, place) != old or message(builder), place
    assert rebuilt(builder) == builder.environment
    for left in range(len(LOADS) - 1, -1, -1):
        buttons(builder._sections.children[1])["Remove"].click()
        assert len(builder.environment.task.loads) == left
    while not builder._undo.disabled:
        builder._undo.click()
    assert builder.environment == TaskBuilder().environment


def test_times_are_multiples_of_the_timestep():
    "What a slider can be moved to is allowed."
    builder = TaskBuilder()
    control = builder._form.controls["duration",]
    for value in np.arange(control.slider.min, control.slider.max, control.slider.step)[20:60:3]:
        control.slider.value = value
        assert not message(builder), message(builder)
        assert builder.environment.duration == pytest.approx(control.slider.value)
    builder._form.controls["duration",].field.value = 0.123
    assert "multiple" in message(builder)


def test_times_of_cues_and_loads_are_multiples_of_the_timestep():
    "Go cue, onset and duration of a pulse: every place of a slider is allowed, what is typed between two steps is refused."
    builder = TaskBuilder(with_loads(TaskBuilder().environment, [mn.ForcePulse(magnitude=5.0)]))
    for place, label in (
        (("task", "go_time"), "go time"),
        (("task", "loads", 0, "onset"), "onset"),
        (("task", "loads", 0, "duration"), "duration"),
    ):
        control = builder._form.controls[place]
        control = getattr(control, "inner", control)
        assert control.slider.step == pytest.approx(0.01)
        for value in np.arange(control.slider.min, control.slider.max, control.slider.step)[3:40:9]:
            control.slider.value = value
            assert not message(builder), (place, value, message(builder))
            assert float(mn.edits.value_at(builder.environment, place)) == pytest.approx(control.slider.value)
        control.field.value = 0.123
        assert label in message(builder) and "0.12 or 0.13 s" in message(builder)


def test_the_pictures_follow():
    "A curl field bends the path of the trial that is shown, and shows as a force."
    builder = TaskBuilder()
    env = builder.environment
    assert not np.any(builder._picture.force.lines.data["ys"])
    builder.environment = with_loads(env, [mn.ConstantLoad(force_vector=[5.0, 0.0], onset=0.2)])
    force, aside = builder._picture.force.lines.data["ys"]
    assert force[:19].max() == 0 and force[30:].min() == pytest.approx(5.0) and not aside.any()
    assert "ConstantLoad" in builder._timeline.value
    ends = builder._picture.sources["path"].data["x"][-1]
    builder._trial.value = 3
    assert len(builder._picture.sources["goals"].data["x"]) == 8
    builder.undo()
    assert builder.environment == env and builder._picture.sources["path"].data["x"][-1] != ends


def test_a_network_that_fits_plays():
    "The one that was given; where the observation becomes another one, one that has learnt nothing."
    env = mn.Environment(mn.ReluPointMass24(), mn.CenterOutReach(), duration=0.3)
    net = mn.PolicyGRU(env.n_observations, 8, env.n_actions)
    builder = TaskBuilder(env, net)
    assert builder.policy is net
    builder._form.controls["sensors", "vision"].field.value = False
    assert builder.policy is not net and builder.environment.sensors == ("proprioception",)
    builder.undo()
    assert builder.policy is net


def test_a_new_picture_comes_soon():
    "A simulated second: a quarter of a second at most."
    builder, seconds = TaskBuilder(), []
    for control in builder._form.controls.values():
        if isinstance(control, NumberControl):
            began = time.perf_counter()
            control.slider.value = next_to(control.slider)
            seconds.append(time.perf_counter() - began)
    assert np.median(seconds) < 0.4


def test_what_it_is_not_made_for():
    with pytest.raises(TypeError, match="an Environment"):
        TaskBuilder("reach")


# ---- classes of somebody's own -----------------------------------------------------------------------------------------


class HoldStill(mn.Task):
    "Nothing has a default; times are multiples of the timestep."

    hold_time = number(unit="s", description="how long the hand stays", at_least=0, typical=(0.1, 0.3))
    start_posture = quantity(unit="rad", description="where it stays", ndim=1, typical=(0.5, 1.5))

    input_names = ("start",)

    def draw(self, n, effector, n_steps, streams, split, joint_state):
        state = effector.as_joint_state(self.start_posture, n, "HoldStill")
        goal = effector.endpoint_at(state[:, : effector.n_joints])
        return assemble(effector, n_steps, state, goal, torch.full((n,), n_steps + 1), self.input_names)


class SideWind(mn.Load):
    "A force of its own size on each trial."

    strength = quantity(unit="N", description="strength of the wind", typical=(0, 4))

    def force(self, motion, time, drawn):
        return self.strength.to(drawn["gain"]).expand(1, 2)


def choose(builder, name):
    "In the menu of tasks."
    menu = next(w for w in descendants(builder._sections.children[0]) if isinstance(w, widgets.Dropdown))
    menu.value = name
    return menu


def test_a_task_of_ones_own_is_chosen():
    "It is made from its declarations, has sliders, is saved, loaded and printed as code."
    builder = TaskBuilder()
    choose(builder, "hold still")
    assert not message(builder), message(builder)
    task = builder.environment.task
    assert type(task) is HoldStill and task.hold_time == 0.2 and task.start_posture.tolist() == [1.0, 1.0]
    builder._form.controls["task", "hold_time"].slider.value = 0.25
    assert builder.environment.task.hold_time == 0.25
    assert choose(builder, "hold still").value == "hold still"
    assert rebuilt(builder) == builder.environment
    builder.undo()
    builder.undo()
    assert builder.environment == TaskBuilder().environment


def test_a_load_of_ones_own_is_added(tmp_path):
    builder = TaskBuilder()
    buttons(builder._sections.children[1])["Add a side wind"].click()
    assert not message(builder), message(builder)
    assert float(builder.environment.task.loads[0].strength) == 2.0
    assert np.allclose(builder._picture.force.lines.data["ys"], 2.0)
    builder._form.controls["task", "loads", 0, "strength"].slider.value = 3.0
    assert rebuilt(builder) == builder.environment
    builder.save(tmp_path / "windy.json")
    other = TaskBuilder()
    other.load(tmp_path / "windy.json")
    assert other.environment == builder.environment
    assert other._form.controls["task", "loads", 0, "strength"].field.value == 3.0


def test_what_is_defined_later_is_there_after_the_next_change():
    "Also what is defined again."
    builder = TaskBuilder()
    for size in (1.0, 2.0):

        class LateWind(SideWind):
            strength = quantity(size, "N", "strength of the wind")

        builder._form.controls["duration",].slider.value += 0.1
        buttons(builder._sections.children[1])["Add a late wind"].click()
        assert not message(builder), message(builder)
        load = builder.environment.task.loads[-1]
        assert type(load) is LateWind and float(load.strength) == size


def test_what_cannot_be_made_says_why():
    "And the menu goes back to the task there is."

    class NeedsBody(mn.Task):
        helper = part(mn.Effector, description="who helps")

    class Breaks(mn.Task):
        def draw(self, n, effector, n_steps, streams, split, joint_state):
            raise KeyError("cue")

    builder = TaskBuilder()
    before = builder.environment
    builder._refresh()
    for name, words in (("needs body", "who helps"), ("breaks", "breaks does not work: KeyError")):
        assert choose(builder, name).value == "centre-out reach"
        assert words in message(builder)
        assert builder.environment is before


def test_former_names_are_mappings():
    "`TASKS` and `LOADS`, as they were before there was a registry."
    assert list(offered(mn.Task)) == [n for n in ALL if n in TASKS] and ALL["delayed reach"] is mn.DelayedReach
    assert LOADS_OF["constant force"](mn.Environment(mn.ReluPointMass24(), mn.RandomTargetReach())) == mn.ConstantLoad(
        force_vector=[1.0, 1.0]
    )


def test_a_constant_force_has_the_dimensions_of_space():
    body = mn.Effector(mn.PointMass(space_dim=1), mn.ReluMuscle())
    body.add_muscle([0, 1], [[-1.0], [0.0]])
    env = mn.Environment(body, mn.RandomTargetReach(), duration=0.1)
    assert LOADS_OF["constant force"](env).force_vector.tolist() == [1.0]


def test_a_load_that_fails_when_it_is_played_says_so():
    "Also an exception of its own kind; the load stays, to be changed or removed."

    class Storm(mn.Load):
        depends_on_motion = True

        def force(self, motion, time, drawn):
            raise LookupError("no wind there")

    builder = TaskBuilder()
    builder._refresh()
    buttons(builder._sections.children[1])["Add a storm"].click()
    assert "no wind there" in message(builder) and len(builder.environment.task.loads) == 1
    builder.undo()
    assert not message(builder) and not builder.environment.task.loads


def test_no_empty_frame_where_there_is_no_load():
    "It is said instead, and who plays."
    builder = TaskBuilder(mn.Environment(mn.geometric_arm26(), mn.CenterOutReach()))
    assert builder._force.layout.display == "none" and "no load" in builder._who.value
    assert "learnt nothing" in builder._who.value
    builder.environment = with_loads(builder.environment, [mn.ConstantLoad(force_vector=[5.0, 0.0])])
    assert builder._force.layout.display is None and "no load" not in builder._who.value


def test_a_trained_network_plays_where_one_fits():
    "The first that knows no load; the panel says which, how it was trained and what is other here; its hand gets to the target."
    builder = TaskBuilder()
    assert builder._player.value == "curl_field/naive" and builder._player.options[-1] == UNTRAINED
    said = builder._who.value
    assert "Shipped network curl_field/naive plays this trial; it was trained on: delayed reach, no load" in said
    assert "other here: centre-out reach" in said
    for trial in range(8):
        builder._trial.value = trial
        hand, goals = (builder._picture.sources[name].data for name in ("path", "goals"))
        ends = np.hypot(*(hand[a][-1] - goals[a][trial] for a in "xy"))
        assert ends < 0.01
    builder._form.controls["vision_delay",].inner.slider.value = 0.1
    assert "vision 100 ms late instead of 50 ms late" in builder._who.value
    builder.environment = with_loads(builder.environment, [mn.CurlField(8.0)])
    assert "curl field instead of no load" in builder._who.value
    builder._player.value = "curl_field/adapted"
    assert builder.policy is not TaskBuilder().policy and "curl field instead" not in builder._who.value
    builder._form.controls["sensors", "vision"].field.value = False
    assert builder._player.options == (UNTRAINED,) and "learnt nothing" in builder._who.value
    builder.undo()
    assert builder._player.value == "curl_field/adapted"


def test_a_shipped_network_is_loaded_once_and_stays_as_it_is():
    builder, other = TaskBuilder(), TaskBuilder()
    assert builder.policy is other.policy
    weights = mn.pretrained("curl_field/naive", replicate=0).policy.state_dict()
    assert all(torch.equal(v, weights[n]) for n, v in builder.policy.state_dict().items())


def test_who_plays_when_the_given_network_does_not_fit():
    "It is said, and not passed over."
    env = TaskBuilder().environment
    builder = TaskBuilder(env, mn.PolicyGRU(env.n_observations + 1, 5, env.n_actions))
    assert builder._player.value == "curl_field/naive"
    assert "the one that was given has other inputs" in builder._who.value
    path_arm = mn.Environment(mn.geometric_arm26(), mn.CenterOutReach())
    assert "no shipped network has learnt with these muscles" in TaskBuilder(path_arm)._who.value


def figures_told(builder, move):
    "Ids of the models of figures that a move changes."
    told = []
    documents = [each.figure.document for each in live_figures(builder)]

    def watch(event):
        told.append(event)

    for document in documents:
        document.on_change(watch)
    move()
    for document in documents:
        document.remove_on_change(watch)
    return told


def test_only_what_depends_on_what_moved_is_told():
    "What changes no picture tells the figures nothing; the time moves the arm, and no map of trials."
    builder = TaskBuilder()
    catch, go = (builder._form.controls["task", name] for name in ("catch_fraction", "go_time"))
    assert not figures_told(builder, lambda: setattr(catch.slider, "value", 0.25))
    assert builder.environment.task.catch_fraction == 0.25
    names = {s.id: n for n, s in builder._picture.sources.items()}
    told = figures_told(builder, lambda: setattr(builder._time, "value", builder._time.value + 20))
    changed = {names[e.model.id] for e in told if getattr(e, "model", None) is not None and e.model.id in names}
    assert changed == {"hand"}
    assert builder._picture.speed.cursor.location == pytest.approx(0.01 * builder._time.value)
    assert figures_told(builder, lambda: setattr(go.slider, "value", 0.3))


def test_times_are_told_in_ms():
    builder = TaskBuilder()
    builder.environment = with_loads(builder.environment, [mn.ForcePulse(magnitude=5.0, onset=0.2)])
    assert "ForcePulse: 200 ms to 300 ms" in builder._timeline.value and " s to" not in builder._timeline.value
    assert builder._time.options[-1] == ("1000 ms", 100)
    for picture in (builder._picture.speed, builder._picture.force):
        assert picture.figure.xaxis.axis_label == "time (ms)"
    assert [name for name, _ in builder._trial.options][:3] == ["0: 0°", "1: 45°", "2: 90°"]


def test_the_trial_begins_where_muscles_are_most_active_and_goes_on():
    "Its muscles are seen, and the buttons go round the trials."
    builder = TaskBuilder()
    strongest = max(builder._picture.arm.muscles.data["activation"])
    assert max(builder._picture.arm.muscles.data["width"]) > 4
    for step in range(1, 101):
        builder._picture.at(step)
        assert max(builder._picture.arm.muscles.data["activation"]) <= strongest
    assert builder._time.value == builder._play.value > 0
    buttons(builder)["‹"].click()
    assert builder._trial.value == 7
    buttons(builder)["›"].click()
    assert builder._trial.value == 0
    builder._form.controls["task", "n_targets"].slider.value = 4
    builder._trial.value = 3
    builder._form.controls["task", "n_targets"].slider.value = 2
    assert builder._trial.value == 1 and len(builder._trial.options) == 2
