"A running scene, without a page."

import functools
import json

import numpy as np
import pytest
import torch

import motornet_nb as mn
from motornet_nb.panels import scene as module
from motornet_nb.panels.adapting import Adapting
from motornet_nb.panels.reaching import Reaching, in_page, side_deviation
from motornet_nb.views.page_arm import MODES


@pytest.fixture(scope="module")
def shipped():
    return mn.Scene()


@pytest.fixture
def scene(shipped):
    shipped.mode, shipped.disturbance, shipped.target = "undisturbed", "none", [0.0, 0.55]
    shipped.play()
    return shipped


@pytest.fixture(scope="module")
def small():
    "A network that has learnt nothing."
    torch.manual_seed(0)
    env = mn.Environment(mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()), mn.CenterOutReach(), duration=0.3)
    return mn.PolicyGRU(env.n_observations, 8, env.n_actions), env


class Page:
    "Says what a page would say."

    def __init__(self, scene):
        self.player = scene._player

    @property
    def piece(self):
        return self.player.piece.data

    def hand(self, k):
        bones = [self.piece[f"bones_{a}"][0].reshape(-1, self.piece["points"][0])[k, -1] for a in "xy"]
        return np.array(bones, float)

    def say(self, kind, **more):
        number = self.piece["n"][0]
        said = {"kind": kind, "after": number, "piece": number, "frame": 40, "x": 0.0, "y": 0.0} | more
        self.player.page.data = {"n": [self.player._last + 1], **{name: [value] for name, value in said.items()}}


def test_it_goes_to_the_target_and_back(scene):
    page = Page(scene)
    assert (
        scene.playing
        and page.piece["target"][0] == pytest.approx(scene.target)
        and "To the target" in page.piece["words"][0]
    )
    out = page.hand(-1)
    assert np.linalg.norm(out - scene.target) < 0.02
    page.say("more")
    assert page.piece["cut"] == [False] and "To the centre" in page.piece["words"][0]
    assert np.linalg.norm(page.hand(0) - out) < 1e-3 and np.linalg.norm(page.hand(-1) - scene._middle) < 0.02
    page.say("more")
    assert np.linalg.norm(page.hand(-1) - scene.target) < 0.02


def test_three_clicks_bend_the_path_to_the_left_and_to_the_right(scene):
    seen = {}
    for mode in MODES:
        scene._modes.value = mode.name  # what the button does
        page = Page(scene)
        assert (
            scene.mode == mode.name and page.piece["color"] == [mode.color] and page.piece["cut"] in ([True], [False])
        )
        assert mode.words in page.piece["words"][0]
        seen[mode.name] = 1000 * side_deviation(scene._last.reach)
        assert f"{abs(round(seen[mode.name]))} mm" in page.piece["words"][0]
        assert bool(page.piece["arrows"][0]) is mode.field
    assert (
        abs(seen["undisturbed"]) < 15
        and seen["field"] > 20
        and abs(seen["practised"]) < 15
        and seen["after-effect"] < -20
    )


def test_a_click_is_a_target_and_the_hand_goes_there_from_where_it_is(scene):
    page = Page(scene)
    here = page.hand(40)
    page.say("tap", x=0.1, y=0.42)
    assert scene.target == [0.1, 0.42] and page.piece["cut"] == [True]
    assert np.linalg.norm(page.hand(0) - here) < 1e-3 and np.linalg.norm(page.hand(-1) - scene.target) < 0.02
    page.say("more")
    assert np.linalg.norm(page.hand(-1) - scene._middle) < 0.02


@pytest.mark.parametrize(
    "place, words", [((0.9, 0.9), "within the reach"), ((-0.017, 0.46), "at least 20 mm from the centre")]
)
def test_a_click_out_of_reach_is_refused_in_words(scene, place, words):
    page, before = Page(scene), scene.target
    number = page.piece["n"]
    page.say("tap", x=place[0], y=place[1])
    assert scene.target == before and page.piece["n"] == number and words in scene._message.widget.value
    assert page.player.controls.data["answered"] == [page.player._last]
    page.say("tap", x=0.1, y=0.42)
    assert scene._message.widget.value == ""


def test_a_disturbance_is_felt_said_and_in_the_code(scene):
    plain = scene._last.reach.hand
    scene._disturb.value = "no proprioception"
    assert scene.environment.silenced == ("proprioception",)
    assert np.abs(scene._last.reach.hand - plain).max() > 0.02
    assert "(no proprioception)" in Page(scene).piece["words"][0] and "silenced=['proprioception']" in scene.code()


def test_code_makes_what_is_shown(scene):
    scene.mode = "field"
    made = {}
    code, last = scene.code().rsplit("results", 1)
    exec(code, made)
    assert made["environment"] == scene.environment and "simulate(net, environment)" in last
    again = mn.simulate(scene._reaching.net, made["environment"], deterministic=True)
    np.testing.assert_allclose(again["endpoint_position"][0], scene.results["endpoint_position"][0], atol=1e-6)


def test_it_pauses(scene):
    page = Page(scene)
    scene.pause()
    number = page.piece["n"]
    page.say("more")
    assert page.piece["n"] == number and not scene.playing and scene._play.description == "Play"
    scene.play()
    page.say("more")
    assert page.piece["n"][0] == number[0] + 1 and scene._play.description == "Pause"


def test_a_copy_practises_where_no_adapted_network_is_given(small, monkeypatch):
    monkeypatch.setattr(module, "_BATCHES", 2)
    monkeypatch.setattr(module, "Adapting", functools.partial(Adapting, engine="eager", batch_size=8))
    net, env = small
    before = {name: value.clone() for name, value in net.state_dict().items()}
    scene = mn.Scene(net, env)
    scene.mode = "after-effect"
    assert scene.mode == "field" and "practises in the field" in scene._message.widget.value
    scene.adapting.wait(120)
    assert scene.adapting.error is None and scene.mode == scene._modes.value == "after-effect"
    assert "has practised 2 batches" in scene._message.widget.value
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert any(not torch.equal(before[name], value) for name, value in scene._reaching.adapted.state_dict().items())


def test_another_field_and_another_adapted_network(small):
    net, env = small
    scene = mn.Scene(
        net, env, adapted=net, field=mn.ConstantLoad(force_vector=[2.0, 0.0]), mode="field", rate=0.7, lecture=True
    )
    assert scene.mode == "field" and [type(x) for x in scene.environment.task.loads] == [mn.ConstantLoad]
    assert Page(scene).piece["arrows"] == [0]  # this force is the same everywhere
    scene.mode = "practised"
    assert scene.adapting is None and scene.mode == "practised"
    assert float(mn.Scene(net, env, field=-3.0)._reaching.field.strength) == -3.0


def test_a_published_scene_is_computed_in_the_page(scene):
    "With both networks, the target and the disturbance; another kind of field stays a film."
    scene.target, scene.mode = scene._middle + np.array([0.05, 0.05]), "field"
    scene.disturbance = "no proprioception"
    alive = in_page(scene._reaching, scene._mode, np.array(scene.target), scene._disturbance)
    said = json.JSONDecoder().raw_decode(alive.html.rsplit(", d = ", 1)[1])[0]
    assert [m["name"] for m in said["modes"]] == [m.name for m in MODES] and said["modes"][said["mode"]][
        "name"
    ] == "field"
    assert said["target"] == pytest.approx(scene.target) and said["loop"]["tapped"] == ["endpoint_position"]
    assert len(said["loop"]["networks"]) == 2 and said["field"] == 8.0
    net, env, mode, place = scene._reaching.net, scene._reaching.environment, MODES[1], np.array(scene.target)
    for field in (mn.ConstantLoad(force_vector=[1.0, 0.0]), mn.CurlField(8.0, onset=0.2)):
        assert in_page(Reaching(net, env, field), mode, place) is None
    several = env.replace(task=env.task.replace(loads=[mn.ForceChannel()]))
    assert in_page(Reaching(net, several, mn.CurlField(8.0)), mode, place) is None


def test_a_film_needs_no_python(scene):
    scene.target = scene._middle + np.array([0.0, 0.1])
    layout = scene.static()
    choice, _, _, toggle = layout.children
    assert choice.labels == [mode.label for mode in MODES] and toggle.active
    films = next(code for code in choice.js_property_callbacks["change:active"]).args["films"]
    for mode, reel in zip(MODES, films, strict=True):
        assert len(reel.data["n"]) == 4 and set(reel.data["color"]) == {mode.color} and reel.data["step"] == [0.02] * 4
    bend = [np.abs(reel.data["bones_x"][0].reshape(50, -1)[:, -1] - scene._middle[0]).max() for reel in films]
    assert bend[1] > 0.02 and bend[3] > 0.02 and bend[0] < 0.02


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"net": torch.nn.Linear(1, 1)}, "env = None is not allowed"),
        ({"net": 3, "env": "small"}, "net = 3 is not allowed"),
        ({"adapted": 3, "env": "small", "net": "small"}, "adapted = 3 is not allowed"),
        ({"field": "strong"}, "field = 'strong' is not allowed"),
        ({"distance": 0.9}, "within the reach of the hand"),
        ({"mode": "rest"}, "'undisturbed', 'field', 'practised', 'after-effect'"),
    ],
)
def test_what_does_not_fit_is_refused(small, arguments, words):
    given = {k: small[k == "env"] if isinstance(v, str) and v == "small" else v for k, v in arguments.items()}
    with pytest.raises((TypeError, ValueError), match=words):
        mn.Scene(**given)
