"What a declaration suggests: ranges and steps of sliders, values to begin with."

import math

import pytest

from motornet_nb.core.parameters import choice, count, flag, number, part, quantity, text
from motornet_nb.panels.suggestions import sensible_value, slider_range, slider_step

DECLARED = {
    "between two limits": quantity(unit="1", at_least=-1, at_most=3),
    "above zero": quantity(unit="kg", above=0),
    "above something": number(unit="kg", above=100),
    "below something": number(unit="m", below=-2),
    "anything": number(unit="N"),
    "typical": quantity(unit="s", above=0, typical=(0.01, 0.03)),
    "a list": quantity(unit="N", ndim=1, typical=(1, 3)),
    "a table": quantity(unit="N", ndim=2),
    "a whole number": count(at_least=3),
    "a typical whole number": count(typical=(1, 24)),
    "a choice": choice(("left", "right")),
    "a switch": flag(),
    "optional": number(unit="s", above=0, optional=True),
}


@pytest.mark.parametrize("what", DECLARED)
def test_a_value_to_begin_with_is_allowed(what):
    "The declaration checks it."
    declaration = DECLARED[what]
    value = sensible_value(declaration, 3)
    declaration.check(value)
    if what == "a list":
        assert value == [2.0] * 3
    if what == "a table":
        assert value == [[1.0] * 3] * 3


def test_times_are_multiples_of_the_timestep():
    assert sensible_value(number(unit="s", typical=(0, 0.05)), timestep=0.01) == pytest.approx(0.02)
    assert sensible_value(number(unit="s", typical=(0, 0.001)), timestep=0.01) == 0.01


def test_a_text_is_the_name_and_a_part_has_no_value():
    named = text(description="what it is called")
    named.name = "label"
    assert sensible_value(named) == "label"
    with pytest.raises(LookupError):
        sensible_value(part(int))


@pytest.mark.parametrize("what", [n for n in DECLARED if n not in ("a choice", "a switch", "a list", "a table")])
def test_a_slider_holds_its_value_and_stays_within_what_is_allowed(what):
    declaration = DECLARED[what]
    value = 1.0 if what == "optional" else float(sensible_value(declaration))
    begin, end = slider_range(declaration, value, value)
    assert begin < end and begin <= value <= end
    declaration.check(round(begin) if declaration.kind == "count" else begin)
    declaration.check(round(end) if declaration.kind == "count" else end)
    step = slider_step(begin, end)
    assert 100 <= (end - begin) / step <= 250.001
    assert round(step / 10 ** math.floor(math.log10(step) + 1e-9), 6) in (1, 2, 5)
