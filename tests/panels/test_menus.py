"Menus of what the registry knows."

import pytest
from offered import offered

import motornet_nb as mn
from motornet_nb.core.model import Model
from motornet_nb.core.parameters import part, quantity
from motornet_nb.panels import effector_builder, task_builder  # noqa: F401 which know what is offered
from motornet_nb.panels.menus import Choices, Menu, make_chosen, name_of


class Fruit(Model):
    "A kind."


class Apple(Fruit):
    weight = quantity(unit="kg", description="weight", above=0, typical=(0.1, 0.3))


class Pear(Fruit):
    stem = part(Apple, description="an apple")


class Plum(Fruit):
    "Its declared parameter comes through an `__init__` of its own."

    weight = quantity(unit="kg", description="weight", above=0)

    def __init__(self, color="blue", **arguments):
        super().__init__(**arguments)
        self.color = color


class Cherry(Apple):
    "Gives what is declared itself."

    def __init__(self, **arguments):
        super().__init__(weight=0.01, **arguments)


def made(name, **how):
    return make_chosen(Fruit, name, lambda fruit: fruit, **how)


def test_what_has_no_default_is_made_up():
    assert made("apple") == Apple(weight=0.2)
    assert float(made("plum").weight) == 1.0 and float(made("cherry").weight) == pytest.approx(0.01)
    assert made("pear", given={"stem": Apple(weight=1.0)}) == Pear(stem=Apple(weight=1.0))


def test_what_cannot_be_made_says_what_is_missing():
    with pytest.raises(TypeError, match=r"Pear needs stem .an apple"):
        made("pear")
    with pytest.raises(ValueError, match=r"one of .*apple"):
        made("banana")


def test_any_exception_comes_in_words():
    with pytest.raises(ValueError, match="apple does not work: KeyError: 'worm'"):
        make_chosen(Fruit, "apple", lambda fruit: {}["worm"])


def test_a_menu_shows_what_is_chosen_and_what_was_defined_since():
    chosen = []
    menu = Menu(Fruit, lambda fruit: fruit, chosen.append, "choose a fruit")
    menu.show(None)
    assert menu.field.options[0] == ("choose a fruit", "") and menu.field.value == ""
    menu.show(Apple(weight=1.0))
    assert menu.field.value == "apple" and chosen == []

    class Grape(Fruit):
        pass

    menu.show(Apple(weight=1.0))
    assert ("grape", "grape") in menu.field.options
    menu.field.value = "grape"
    assert chosen == ["grape"]


@pytest.mark.parametrize("kind", [mn.Effector, mn.Skeleton, mn.Muscle, mn.Task, mn.Load])
def test_what_the_package_offers_can_be_made_and_found_again(kind):
    names = offered(kind)
    assert len(names) >= 4 and list(names) == [n for n in Choices(kind) if n in names]
    for name in names:
        thing = make_chosen(kind, name, lambda thing: thing)
        assert isinstance(thing, kind)
        if kind in (mn.Skeleton, mn.Muscle, mn.Task):
            assert name_of(kind, thing) == name
