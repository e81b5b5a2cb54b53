"What a player sends, and what it hears."

import numpy as np
import pytest
from bokeh.models import RadioButtonGroup, Toggle

import motornet_nb as mn
from motornet_nb.live.moving import MovingPicture, frames_of
from motornet_nb.live.player import Player, film


def piece(arm, first):
    postures = np.stack([first + np.linspace(0.01, 0.1, 10), np.full(10, 1.5)], axis=1)
    return frames_of(arm, 0.01, postures, np.full((10, 6), 0.5), words=f"from {first}")


@pytest.fixture(scope="module")
def arm():
    return mn.geometric_arm26()


class Page:
    "Says what a page would say."

    def __init__(self, arm, **options):
        self.heard = []
        self.picture = MovingPicture(arm, np.array([[-0.2, 0.0], [0.4, 0.6]]))
        self.player = Player(self.picture.figure, self.picture.sources, self.more, **options)
        self.arm, self.n = arm, 0.0

    def more(self, asked):
        self.heard.append(asked)
        return piece(self.arm, 0.6)

    def say(self, kind, n=None, **more):
        self.n = self.n + 1 if n is None else n
        said = {"after": 1, "piece": 1, "frame": 4, "x": 0.1, "y": 0.2} | more
        self.player.page.data = {"n": [self.n], "kind": [kind], **{name: [value] for name, value in said.items()}}

    @property
    def sent(self):
        return self.player.piece.data


def test_nothing_is_computed_until_a_page_asks(arm):
    page = Page(arm)
    page.player.play(piece(arm, 0.5))
    assert page.heard == [] and page.sent["n"] == [1] and page.sent["cut"] == [True]
    page.say("more")
    assert len(page.heard) == 1 and page.sent["n"] == [2] and page.sent["cut"] == [False]
    np.testing.assert_allclose(page.heard[0].posture, [0.55, 1.5])


def test_frames_arrive_as_they_are_in_single_precision(arm):
    page, frames = Page(arm), piece(arm, 0.5)
    page.player.play(frames)
    bones = np.stack([page.sent[f"bones_{a}"][0].reshape(10, -1) for a in "xy"], -1)
    np.testing.assert_array_equal(bones, frames.bones.astype(np.float32))
    assert page.sent["counts"] == [list(frames.counts.values())] and page.sent["words"] == ["from 0.5"]
    np.testing.assert_array_equal(page.sent["of width"][0].reshape(10, 6), frames.columns["width"].astype(np.float32))


def test_what_is_said_twice_or_by_two_pages_is_answered_once(arm):
    page = Page(arm)
    page.player.play(piece(arm, 0.5))
    page.say("more")
    page.say("more", n=page.n)
    page.say("more")  # of another page, after the same piece
    assert len(page.heard) == 1 and page.sent["n"] == [2]
    assert page.player.controls.data["answered"] == [2.0]
    page.say("more", after=2)
    assert len(page.heard) == 2 and page.sent["n"] == [3]


def test_a_click_gets_frames_at_once_or_an_answer(arm):
    asked = []
    answers = [piece(arm, 0.9), None]
    page = Page(arm, tapped=lambda said: asked.append(said) or answers.pop(0))
    page.player.play(piece(arm, 0.5))
    page.say("tap", frame=2)
    assert asked[0].place == (0.1, 0.2) and page.sent["n"] == [2] and page.sent["cut"] == [True]
    np.testing.assert_allclose(asked[0].posture, [0.53, 1.5])
    page.say("tap", piece=99)
    assert asked[1].posture is None and page.sent["n"] == [2] and page.player.controls.data["answered"] == [2.0]


def test_an_error_is_an_answer_too(arm):
    def fails(asked):
        raise ArithmeticError("no")

    page = Page(arm, tapped=fails)
    page.player.play(piece(arm, 0.5))
    with pytest.raises(ArithmeticError):
        page.say("tap")
    assert page.player.controls.data["answered"] == [1.0]


def test_a_stopped_player_sends_nothing_and_says_where_it_was(arm):
    ended = []
    page = Page(arm, stopped=ended.append)
    page.player.play(piece(arm, 0.5))
    page.player.stop(back=True)
    assert page.player.controls.data["playing"] == [False] and page.player.controls.data["back"] == [True]
    page.say("more")
    page.say("stopped", frame=9)
    assert page.heard == [] and page.sent["n"] == [1]
    np.testing.assert_allclose(ended[0].posture, [0.6, 1.5])


def test_the_rate_changes_while_it_plays(arm):
    page = Page(arm)
    page.player.play(piece(arm, 0.5))
    page.player.rate = 0.25
    assert page.player.controls.data["rate"] == [0.25] and page.player.controls.data["playing"] == [True]


def test_a_film_holds_all_its_pieces_and_needs_no_python(arm):
    reel = film([piece(arm, 0.5), piece(arm, 0.6)])
    assert reel.data["n"] == [1, 2] and len(reel.data["bones_x"]) == 2
    choice, toggle = RadioButtonGroup(labels=["one"], active=0), Toggle(active=True)
    picture = MovingPicture(arm, np.array([[-0.2, 0.0], [0.4, 0.6]]))
    player = Player(picture.figure, picture.sources, lambda asked: None, films=[reel], choice=choice, toggle=toggle)
    assert not player.page._callbacks and "change:active" in choice.js_property_callbacks
