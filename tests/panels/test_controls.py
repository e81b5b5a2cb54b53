"Controls without a browser: what they show, in which unit, and what is said in their rows."

import math

import pytest

import motornet_nb as mn
from motornet_nb.core.checks import refuse
from motornet_nb.core.parameters import count, number, quantity
from motornet_nb.panels.control import acting_control
from motornet_nb.panels.controls import NumberControl, control_for, show_angles
from motornet_nb.panels.forms import Form
from motornet_nb.panels.number_fields import steps_in_ms


def named(declaration, name):
    declaration.name = name
    return declaration


def note(control):
    return "".join(c.value for c in control.widget.children[2:])


@pytest.fixture
def mass():
    return named(quantity(1.0, "kg", "mass of the bob", above=0, typical=(0.5, 3), symbol="m"), "mass")


def test_a_row_says_what_it_is(mass):
    control = control_for(mass, 1.0, lambda value: None)
    assert control.text == "mass of the bob, m" and "motornet-row" in control.widget._dom_classes
    assert "motornet-label" in control.label._dom_classes and "(kg)" in control.label.value
    assert (
        control.slider.tooltip
        == control.field.tooltip
        == "mass of the bob; a finite number above 0 kg; usually 0.5 to 3 kg"
    )


def test_what_is_unusual_is_said_and_taken(mass):
    "Not of what the button brings back, and not in red."
    heard = []
    control = control_for(mass, 1.0, heard.append)
    control.field.set_state({"value": "1e12"})
    control.show(heard[-1])
    assert heard == [1e12] and "outside the usual range, 0.5 to 3 kg" in note(control)
    assert "role='note'" in note(control) and "role='status'" not in note(control)
    control.show(2.0)
    assert not note(control) and len(control.widget.children) == 2
    control = NumberControl(mass, heard.append, value=100.0, default=100.0)
    assert not note(control)


def test_what_cannot_be_read_is_said_until_something_is_shown(mass):
    heard = []
    control = control_for(mass, 1.0, heard.append)
    control.field.set_state({"value": "heavy"})
    assert "role='status'" in note(control) and "mass of the bob, m: “heavy” is no number" in note(control)
    assert not heard and control.field.value == 1.0
    control.show(1.0)
    assert not note(control)


def test_what_is_refused_is_said_in_the_words_and_the_unit_of_the_label():
    "Of the control whose change it was."
    delay = named(number(0.01, "s", "delay", at_least=0, typical=(0, 0.2)), "vision_delay")

    def change(value):
        acting_control().refuse(refuse("World", "vision_delay", value, "a multiple of 0.01 s"))

    control = control_for(delay, 0.02, change)
    assert control.field.text == "20" and acting_control() is None
    control.field.set_state({"value": "25"})
    assert control.refusal == "vision delay = 25 ms (0.025 s) is not allowed; it must be a multiple of 0.01 s"
    assert acting_control() is None
    control.field.set_state({"value": "late"})  # the last thing that went wrong
    assert "is no number" in note(control) and "multiple" not in note(control)
    control.show(0.02)
    assert not note(control)
    control.on_change = lambda value: acting_control().refuse(refuse("World", "duration", 1.0, "more"))
    control.field.value = 0.03
    assert (
        control.refusal == "World: duration = 1.0 is not allowed; it must be more"
    )  # another parameter keeps its name


def test_a_number_that_may_be_left_open_is_read_and_refused_in_its_own_row():
    delay, heard = named(number(None, "s", "delay", at_least=0, optional=True), "vision_delay"), []
    control = control_for(delay, None, heard.append)
    control.field.value = True
    control.show(heard[-1])
    control.inner.field.set_state({"value": "20,5"})
    assert heard == [0.1, 0.0205]
    control.inner.field.set_state({"value": "late"})
    assert "vision delay: “late” is no number" in note(control)


def test_angles_in_degrees():
    "The slider, and what Python reads, stay in radians."
    angle, heard = named(number(0.0, "rad", "direction"), "direction"), []
    control = control_for(angle, math.pi / 2, heard.append)
    assert show_angles(control, True) and control.field.text == "90" and "(°)" in control.label.value
    assert control.field.value == control.slider.value == math.pi / 2 and not heard
    control.field.set_state({"value": "45"})
    assert heard == [pytest.approx(math.pi / 4, rel=1e-15)]
    show_angles(control, False)
    assert "(rad)" in control.label.value and control.field.text == "0.7853982"
    assert not show_angles(control_for(named(number(1.0, "kg"), "mass"), 1.0, heard.append), True)


def test_steps_as_a_time():
    heard = []
    control = NumberControl(count(1, "delay"), heard.append, "delay", 2, whole=True, unit=steps_in_ms(0.01))
    assert control.field.text == "20" and "(ms)" in control.label.value
    control.field.set_state({"value": "30"})
    control.field.set_state({"value": "35"})
    assert heard == [3, 3.5] and isinstance(heard[0], int)


def test_the_range_of_a_slider_comes_back(mass):
    "After a value far away; not while the slider is moved."
    control = control_for(mass, 1.0, lambda value: control.show(value))
    usual = (control.slider.min, control.slider.max)
    control.field.set_state({"value": "1000"})
    assert control.slider.value == 1000 < control.slider.max
    control.slider.value = 500.0
    wide = control.slider.max
    control.slider.value = 2.0 * control.slider.step
    assert control.slider.max == wide
    control.field.set_state({"value": "1"})
    assert (control.slider.min, control.slider.max) == usual


def test_a_slider_tells_its_range_before_its_value(mass, monkeypatch):
    "Else the page cuts the value off at the old range, and says so."
    control, told = control_for(mass, 1.0, lambda value: None), []
    monkeypatch.setattr(control.slider, "_send", lambda message, buffers=None: told.append(list(message["state"])))
    control.slider.send_state({"value", "min", "max", "step"})
    assert [keys[-1] for keys in told] == ["value"] and set(told[0]) == {"value", "min", "max", "step"}


def test_a_centre_of_mass_beyond_the_bone():
    "Said in the row, and taken."
    edited = []
    form, arm = Form(lambda place, value: edited.append((place, value))), mn.TwoDofArm.arm26()
    form.rows(arm)
    control = form.controls["l1g",]
    assert control.text == "centre of mass of the upper arm, l1g" and not control.caution
    form.show(arm.replace(l1g=1000.0))
    assert "beyond the length of the upper arm, l1 (0.309 m)" in note(control)
    form.show(arm)
    assert not note(control)
    assert "kg m²" in form.controls["i1",].label.value
