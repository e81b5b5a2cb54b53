"""One thing at a time, and what the page hears of it."""

import threading
import time

import ipywidgets as widgets
import pytest

from motornet_nb.body.skeleton import TwoDofArm
from motornet_nb.page.events import exclusive
from motornet_nb.panels.controls import NumberControl, on_value


@pytest.fixture
def slider(monkeypatch):
    "A slider, and the values that the page is told of it."
    made, told = widgets.FloatSlider(min=0, max=10), []
    monkeypatch.setattr(
        made, "_send", lambda m, buffers=None: told.append(m["state"]["value"]) if m["method"] == "update" else None
    )
    return made, told


def test_a_slider_that_is_moved_is_not_told_where_it_is(slider):
    "It is somewhere else by then and would jump back."
    slider, told = slider
    heard = []
    on_value(slider, heard.append)
    for value in (1.0, 2.0, 3.0):
        slider.set_state({"value": value})
    assert heard == [1.0, 2.0, 3.0] and told == []


def test_nor_if_its_value_is_rounded(monkeypatch):
    "The model keeps 1.64 where the slider says 1.6400000000000001."
    declaration = TwoDofArm.declarations["m1"]
    control = NumberControl(declaration, lambda value: control.show(value), value=1.0)
    told = []
    monkeypatch.setattr(control.slider, "_send", lambda m, buffers=None: told.append(m["method"]))
    control.slider.set_state({"value": 1.6400000000000001})
    assert control.field.value == 1.64 and "update" not in told


def test_a_value_that_is_refused_goes_back_on_the_page(slider):
    slider, told = slider
    on_value(slider, lambda value: setattr(slider, "value", min(value, 5.0)))
    slider.set_state({"value": 7.0})
    assert slider.value == 5.0 and told[-1] == 5.0


def test_the_page_hears_what_others_did_meanwhile(slider):
    "The page asks for 7 while somebody else's turn puts 2 there: the panel goes to 7, and so does the page, which was told 2."
    slider, told = slider
    on_value(slider, lambda value: setattr(slider, "value", value))
    page = threading.Thread(target=slider.set_state, args=[{"value": 7.0}])

    @exclusive
    def somebody_else():
        page.start()
        begin = time.monotonic()
        while slider.value != 7.0:  # has come, and waits for its turn
            assert time.monotonic() - begin < 10
            time.sleep(0.001)
        time.sleep(0.02)
        slider.value = 2.0

    somebody_else()
    page.join(10)
    assert slider.value == told[-1] == 7.0
