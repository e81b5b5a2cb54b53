"A running scene in a real JupyterLab: it plays by the clock, goes where one clicks, and its buttons bend the path."

import json

import pytest
from lab import ask, jupyterlab, on_figures

PLAYER = """
(() => { for (const d of Bokeh.documents) for (const m of d._all_models.values()) if (m.player) return m.player.S })()
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with jupyterlab(tmp_path_factory.mktemp("lab")) as lab:
        with lab.notebook("scene", "import motornet_nb as mn", "p = mn.Scene()\np", height=1000) as page:
            page.wait_for_function(f"() => {PLAYER}?.pictures > 5", timeout=30_000)
            page.evaluate(f"() => {{ window.player = {PLAYER} }}")
            yield page


def kernel(page, expression):
    return json.loads(ask(page, f"import json; print(json.dumps({expression}))"))


def aside(page):
    "How far from x = -0.017 m the line of the hand has been since the piece began, m: most to the left, and to the right."
    x = page.evaluate("() => player.way.x.slice(1)")
    return min(x) + 0.017, max(x) + 0.017


def after_a_reach(page):
    "When a reach to the target has been played nearly to its end."
    page.wait_for_function("() => player.queue[0].words.includes('To the target') && player.drawn < 10", timeout=30_000)
    page.wait_for_function("() => player.drawn > 85", timeout=30_000)


def test_it_plays_by_the_clock_and_sends_no_message_for_a_frame(page):
    sent = """() => { const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
      window.sent = 0; kernel.anyMessage.connect((_, {msg, direction}) => { if (direction === 'send' && msg.channel !== 'control') window.sent++ }) }"""
    page.evaluate(sent)
    now = "[performance.now() / 1000, player.pictures, player.queue[0].n + Math.min(player.clock, 1), window.sent]"
    before = page.evaluate(f"() => {now}")
    page.wait_for_timeout(4000)
    after = page.evaluate(f"() => {now}")
    seconds, pictures, reaches, messages = (b - a for a, b in zip(before, after, strict=True))
    assert pictures / seconds > 10  # 25 and more where nobody else works
    assert 0.5 * seconds < reaches < 1.1 * seconds  # a reach lasts 1 s
    assert messages <= 4 * (reaches + 2) < pictures


def test_a_click_moves_the_target_and_the_hand_goes_there(page):
    page.mouse.click(*on_figures(page, "figures.at('', 0.1, 0.42)"))
    page.wait_for_function("() => Math.abs(player.queue[0].target[0] - 0.1) < 0.01", timeout=10_000)
    target = kernel(page, "p.target")
    assert abs(target[0] - 0.1) < 0.003 and abs(target[1] - 0.42) < 0.003
    after_a_reach(page)
    hand = on_figures(page, "figures.columns('moving hand')")
    assert abs(hand["x"][0] - target[0]) < 0.02 and abs(hand["y"][0] - target[1]) < 0.02
    ask(page, "p.target = [-0.017, 0.554]")


def test_the_buttons_bend_the_path(page):
    after_a_reach(page)
    left, right = aside(page)
    assert left > -0.02 and right < 0.02
    page.get_by_role("button", name="Field", exact=True).click()
    page.wait_for_function("() => player.color === '#D55E00'", timeout=10_000)
    after_a_reach(page)
    assert aside(page)[0] < -0.02 and "to the left" in page.evaluate("() => player.queue[0].words")
    page.get_by_role("button", name="After-effect", exact=True).click()
    page.wait_for_function("() => player.color === '#CC79A7'", timeout=10_000)
    after_a_reach(page)
    assert aside(page)[1] > 0.02 and "to the right" in page.evaluate("() => player.queue[0].words")
    assert kernel(page, "p.mode") == "after-effect"


def test_paused_nothing_is_computed(page):
    page.get_by_role("button", name="Pause", exact=True).click()
    page.wait_for_function("() => !player.running", timeout=10_000)
    before = kernel(page, "p._player._number")
    page.wait_for_timeout(2000)
    assert kernel(page, "p._player._number") == before and page.evaluate("() => player.running") is False
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"() => player.last > {before}", timeout=10_000)


def test_out_of_view_nothing_is_computed(page):
    page.evaluate("() => { document.querySelector('.motornet-panel').style.display = 'none' }")
    page.wait_for_function("() => !player.seen", timeout=10_000)
    page.wait_for_timeout(500)
    before = kernel(page, "p._player._number")
    page.wait_for_timeout(2500)
    assert kernel(page, "p._player._number") == before
    page.evaluate("() => { document.querySelector('.motornet-panel').style.display = '' }")
    page.wait_for_function(f"() => player.last > {before}", timeout=10_000)
