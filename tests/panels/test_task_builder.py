"The task builder without a browser."

import time

import ipywidgets as widgets
import numpy as np
import pytest

import motornet_nb as mn
from motornet_nb.panels.controls import NumberControl
from motornet_nb.panels.panel import inside
from motornet_nb.panels.task_builder import LOADS, TASKS, TaskBuilder, with_loads


def rebuilt(builder):
    made = {}
    exec(builder.code(), made)
    return made["environment"]


def buttons(widget):
    return {w.description: w for w in inside(widget) if isinstance(w, widgets.Button)}


def next_to(slider):
    "One step up, or down from the end."
    up = slider.value + slider.step
    return up if up <= slider.max else slider.value - slider.step


def message(builder):
    return builder._message.widget.value


@pytest.mark.parametrize("task", TASKS)
def test_every_task_with_every_load(task):
    "Every slider changes what it should, or says why not; the code makes an equal environment."
    builder = TaskBuilder()
    choose = next(w for w in inside(builder._sections.children[0]) if isinstance(w, widgets.Dropdown))
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
        (("task", "go_time"), "go_time"),
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
