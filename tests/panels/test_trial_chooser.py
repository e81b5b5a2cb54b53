"""Fields and lists that choose trials, without a browser."""

import numpy as np
import pytest
import xarray as xr
from worlds import arm_world, network

import motornet_nb as mn
from motornet_nb.panels.trial_chooser import TrialChooser
from motornet_nb.results.reader import TrialReader


@pytest.fixture(scope="module")
def reader():
    env = arm_world(mn.CenterOutReach(n_targets=4))
    return TrialReader(mn.simulate(network(env), env))


@pytest.fixture
def asked(reader):
    "A chooser, and what it was asked for; whoever is asked shows it."
    heard = []
    chooser = TrialChooser(reader, 2, lambda positions: (heard.append(positions), chooser.show(positions[:2])))
    chooser.show([0])
    return chooser, heard


def test_it_shows_what_is_picked_and_asks_for_nothing(asked):
    chooser, heard = asked
    chooser.show([1])
    assert chooser.trials.value == (1,) and chooser.conditions.value == ("90°",)
    chooser.show([1, 3])
    assert chooser.trials.value == (1, 3) and chooser.conditions.value == () and heard == []
    assert [name for name, _ in chooser.trials.options] == [f"{i}: {90 * i}°, reach" for i in range(4)]
    assert "all 4" in chooser._count.value


def test_lists_search_and_buttons_ask(asked):
    chooser, heard = asked
    chooser.trials.value = (2,)
    chooser.conditions.value = ("0°", "270°")
    chooser.search.value = "1, 3"
    chooser.next.click()  # nothing: the last one that was found is shown
    chooser.previous.click()
    chooser.search.value = ""
    assert heard == [[2], [0, 3], [1, 3]] and chooser.previous.disabled is False
    chooser.show([1])
    chooser.previous.click()
    assert heard[-1] == [0] and chooser.previous.disabled


def test_more_than_can_be_drawn_is_asked_for(asked):
    chooser, heard = asked
    chooser.conditions.value = ("one of each direction",)
    assert heard == [[0, 1, 2, 3]] and chooser.conditions.value == ("one of each direction",)


def test_what_is_not_found_is_said_beside_the_field(asked):
    chooser, heard = asked
    chooser.search.value = "7"
    assert "&#x27;7&#x27; is not allowed" in chooser.message.widget.value and heard == []
    assert len(chooser.trials.options) == 4 and chooser.trials.value == (0,)
    chooser.search.value = "3"
    assert chooser.message.widget.value == "" and heard == [[3]]


def test_everything_has_a_name(asked):
    chooser, _ = asked
    assert all(w.tooltip for w in (chooser.search, chooser.previous, chooser.next, chooser.conditions, chooser.trials))


def test_words_that_are_looked_for_in_some_trials_say_so(reader):
    pytest.importorskip("dask")
    lazy = xr.concat([reader.ds] * 300, "trial").assign_coords(trial=np.arange(1200)).chunk(trial=1)
    chooser = TrialChooser(TrialReader(lazy), 16, print)
    assert "200 of 1200, at random" in chooser._count.value
    chooser.show([0])
    chooser.search.value = "90°"
    n = len(chooser._found)
    assert 200 < n < 300 and f"{n} found, of 1200; words are looked for in 1000 of them" in chooser._count.value
