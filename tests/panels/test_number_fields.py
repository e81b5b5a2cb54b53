"Numbers as people write them, in the units they use."

import math

import pytest

from motornet_nb.core.parameters import number
from motornet_nb.panels.number_fields import NumberField, read_number, shown_unit, steps_in_ms


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *(("1,5", 1.5), ("1.5", 1.5), ("1e-3", 1e-3), (" 2 ", 2), ("−3", -3), ("+4", 4), (",5", 0.5), ("5.", 5)),
        *(("1/3", 1 / 3), ("-1,5/2", -0.75), ("1,5e2", 150), ("0,125", 0.125), ("1234,567", 1234.567)),
    ],
)
def test_what_a_text_means(text, meant):
    assert read_number(text) == meant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *(("1.234,5", "more than one way"), ("1,234.5", "more than one way"), ("1 000", "more than one way")),
        *(("1,234", "write 1.234 or 1234"), ("-1,234", "write -1.234 or -1234"), ("1.2.3", "more than one way")),
        *(("abc", "is no number"), ("", "is no number"), ("nan", "is no number"), ("inf", "is no number")),
        *(("1/0", "divides by zero"), ("1/2/0", "divides by zero"), ("1e999", "more than a computer")),
        *(("١", "is no number"), ("--1", "is no number"), ("1e", "is no number")),
    ],
)
def test_what_is_not_guessed(text, words):
    with pytest.raises(ValueError, match=words):
        read_number(text)


def test_milliseconds_are_exact():
    "A number typed in ms is the number that Python writes in s, and comes back."
    unit = shown_unit(number(unit="s", typical=(0, 0.2)))
    for k in range(1, 2000):
        assert unit.kept(float(f"{k / 10}")) == float(f"{k}e-4") and unit.written(float(f"{k}e-4")) == f"{k / 10:g}"


@pytest.mark.parametrize(
    ("declaration", "degrees", "name"),
    [
        (number(unit="s"), False, "ms"),
        (number(unit="s", typical=(0, 1)), False, "ms"),
        (number(unit="s", typical=(0.3, 3)), False, "s"),
        (number(unit="rad"), False, "rad"),
        (number(unit="rad"), True, "°"),
        (number(unit="rad/s"), True, "°/s"),
        (number(unit="kg"), True, "kg"),
        (number(), True, ""),
    ],
)
def test_the_unit_that_is_shown(declaration, degrees, name):
    assert shown_unit(declaration, degrees).name == name


def test_a_field_of_an_angle():
    "Typed in the unit that is shown, or with another behind it; all digits stay until somebody types."
    said = []
    field = NumberField(math.pi / 4, shown_unit(number(unit="rad")), "rad", said.append)
    assert field.text == "0.7853982" and field.value == math.pi / 4
    field.show_in(shown_unit(number(unit="rad"), degrees=True))
    assert field.text == "45" and field.value == math.pi / 4
    for text, value in (("90", math.pi / 2), ("1 rad", 1.0), ("180 deg", math.pi), ("30°", math.pi / 6)):
        field.set_state({"value": text})
        assert field.value == pytest.approx(value, rel=1e-15) and not said
    field.set_state({"value": "3 kg"})
    assert field.value == pytest.approx(math.pi / 6) and said == ["“3 kg” has another unit; the unit here is ° or rad"]


def test_the_page_hears_what_became_of_its_text(monkeypatch):
    "Also where the number stays the same: “abc” goes, “1,50” becomes 1.5."
    field, told = NumberField(1.5), []
    monkeypatch.setattr(field, "send_state", lambda key=None: told.append(field.text))
    for text in ("1,50", "abc"):
        told.clear()
        field.set_state({"value": text})
        assert told == ["1.5"] and field.value == 1.5
    told.clear()
    field.set_state({"value": "1.5"})
    assert not told


def test_steps_are_shown_as_a_time():
    unit = steps_in_ms(0.01)
    assert (unit.name, unit.written(3), unit.kept(20.0), unit.kept(25.0)) == ("ms", "30", 2.0, 2.5)
