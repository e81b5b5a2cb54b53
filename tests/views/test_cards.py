"""What a notebook shows of a body, a task or an environment."""

import html.parser
import re
import time

import lab
import pytest
import torch
from bodies import BODIES, make_body

import motornet_nb as mn


class Balanced(html.parser.HTMLParser):
    "A parser that complains about tags which are not closed in order."

    VOID = ("br", "hr", "img", "meta", "link", "path", "rect", "circle")

    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open and self.open.pop() == tag, f"</{tag}> closes {self.open}"

    def handle_data(self, data):
        self.text.append(data)


def text_of(page: str) -> str:
    "The text of well-formed HTML that asks the network for nothing."
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert not re.search(r"(src|href)=|<script|url\(|@import", page)
    return " ".join(parser.text)


@pytest.mark.parametrize("name", BODIES)
def test_every_body_shows_itself(name):
    body = make_body(name)
    page = body._repr_html_()
    text = text_of(page)
    assert body.name in text and "<svg" in page
    assert all(muscle in text for muscle in body.muscle_names)
    for parameter in body.declarations:
        assert parameter in text, parameter


class Formless(mn.PointMass):
    "A skeleton that does not say where its bones are."

    def bones(self, c, position):
        "Nothing."
        raise NotImplementedError


@pytest.mark.parametrize(
    "body",
    [
        mn.Effector(mn.TwoDofArm(), mn.ReluMuscle()),
        mn.Effector(mn.PointMass(space_dim=1), mn.ReluMuscle()).add_muscle([0, 1], [[1.0], [0.0]]),
        mn.Effector(mn.PointMass(space_dim=3), mn.ReluMuscle()).add_muscle([0, 1], [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
        mn.Effector(Formless(), mn.ReluMuscle()),
        mn.geometric_arm26(name="<b>bold</b> & co"),
        mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen(), max_isometric_force=torch.ones(6, requires_grad=True)),
        mn.geometric_arm26(dtype=torch.float64),
    ],
    ids=["no muscles", "1-D", "3-D", "formless", "odd name", "with gradients", "float64"],
)
def test_unusual_bodies_show_themselves(body):
    page = body._repr_html_()
    assert body.name in text_of(page) and "<b>bold" not in page


TASKS = {
    "random": mn.RandomTargetReach(),
    "delayed": mn.DelayedReach(),
    "delayed, within a range": mn.DelayedReach(go_range=[0.1, 0.3]),
    "centre-out": mn.CenterOutReach(loads=[mn.CurlField(8.0), mn.CurlField(-8.0, onset=0.1, duration=0.2)]),
    "hold": mn.PosturalHold(loads=[mn.ForcePulse([0, 4], onset_range=[0.1, 0.2]), mn.ConstantLoad(force_vector=[1.0, 0.0], aligned_to="go cue")]),
    "function": mn.CenterOutReach(loads=[lambda state, time, trial: state.endpoint_velocity]),
}  # fmt: skip


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())
def test_every_task_shows_itself(task):
    page = task._repr_html_()
    text = text_of(page)
    assert type(task).__name__ in text and all(p in text for p in task.declarations) and "<svg" in page
    env = mn.Environment(mn.ReluPointMass24(), task, duration=0.5)
    assert all(label in text_of(env._repr_html_()) for label in ("task", "vision", "proprioception", "ReluPointMass24"))


def test_a_task_of_ones_own_shows_itself():
    class Nothing(mn.Task):
        "Do nothing."

    assert "Do nothing." in text_of(Nothing()._repr_html_())
    env = mn.Environment(mn.ReluPointMass24(), Nothing())
    assert "Nothing" in text_of(env._repr_html_())  # although it cannot draw trials


def test_periods_say_what_happens_when():
    centre = mn.CenterOutReach(
        go_time=0.2, loads=[mn.ForcePulse(2.0, onset=0.1, aligned_to="go cue"), mn.CurlField(8.0)]
    )
    periods = centre.periods()
    assert [(p.begin, p.end) for p in periods["hand"]] == [(0.0, 0.2), (0.2, None)]
    (pulse,) = periods["ForcePulse"]
    assert (pulse.begin, pulse.end, pulse.certain) == (pytest.approx(0.3), pytest.approx(0.4), True)
    assert [(p.begin, p.end) for p in periods["CurlField"]] == [(0.0, None)]
    delayed = mn.DelayedReach(go_range=[0.1, 0.3]).periods()["hand"]
    assert [(p.begin, p.end, p.certain) for p in delayed] == [
        (0.0, 0.1, True),
        (pytest.approx(0.1), pytest.approx(0.3), False),
        (pytest.approx(0.3), None, True),
    ]
    assert [p.text for p in mn.PosturalHold().periods()["hand"]] == ["stay"]
    assert [p.text for p in mn.RandomTargetReach().periods()["hand"]] == ["reach"]


def test_environment_shows_delays_and_observations():
    arm = mn.geometric_arm26()
    env = mn.Environment(
        arm, mn.CenterOutReach(), vision_delay=0.05, proprioception_delay=0.02, vision_noise=0.01, action_stacking=2
    )
    text = text_of(env._repr_html_())
    for words in ("50 ms", "20 ms", "0.01", "19", "12", "the last 2", "goal of test trial 7", "100 steps of 10 ms"):
        assert words in text, words


def test_pictures_are_small_and_quick():
    env = mn.Environment(mn.geometric_arm26(), mn.CenterOutReach())
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        page = env._repr_html_()
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.5 and len(page) < 40_000


def test_showing_an_environment_changes_nothing():
    env = mn.Environment(mn.ReluPointMass24(), mn.DelayedReach(), duration=0.1)
    first, _ = env.reset(seed=1)
    env._repr_html_()
    env.step(torch.zeros(1, 4))
    torch.manual_seed(0)
    before = torch.rand(1)
    torch.manual_seed(0)
    env._repr_html_()
    assert torch.equal(before, torch.rand(1)) and torch.equal(env.reset(seed=1)[0], first)


def test_muscles_of_a_body_with_moment_arms_are_drawn_and_said_to_be_schematic():
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    env = mn.Environment(arm, mn.CenterOutReach())
    for page in (arm._repr_html_(), env._repr_html_()):
        assert "Muscle paths are schematic" in page and "triceps long (path is schematic)" in page
    assert "schematic" not in mn.geometric_arm26()._repr_html_()


def test_cards_fit_a_phone(tmp_path):
    "At 390 px nothing sticks out but what scrolls by itself, also in the card with two drawings."
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    env = mn.Environment(arm, mn.CenterOutReach(distance=0.03))
    page = f"<meta charset='utf8'>{arm._repr_html_()}{env._repr_html_()}"
    assert page.count("<svg") == 4
    (tmp_path / "cards.html").write_text(page)
    with lab.chromium() as opened:
        shown = opened.new_page(viewport={"width": 390, "height": 800})
        shown.goto((tmp_path / "cards.html").as_uri())
        assert shown.evaluate("document.documentElement.scrollWidth") == 390
        rights = "[...document.querySelectorAll('svg')].map(e => e.getBoundingClientRect().right)"
        assert max(shown.evaluate(rights)) <= 390
