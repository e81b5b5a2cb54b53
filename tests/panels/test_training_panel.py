"The training panel without a browser: its thread, its buttons, its pictures."

import threading
import time

import pytest
import torch

import motornet_nb as mn
from motornet_nb.learning import Effort
from motornet_nb.page.events import TURN
from motornet_nb.panels.panel import live_figures
from motornet_nb.panels.training_panel import TrainingPanel


def world():
    env = mn.Environment(mn.ReluPointMass24(), mn.CenterOutReach(), duration=0.1)
    torch.manual_seed(1)
    return mn.PolicyGRU(env.n_observations, 6, env.n_actions), env


def panel(**options):
    net, env = world()
    return TrainingPanel(net, env, **{"engine": "eager", "batch_size": 4, "n_batches": 10_000} | options)


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def test_it_learns_what_train_learns():
    "The same call in another thread."
    one = panel(n_batches=6)
    one.start()
    one.wait()
    net, env = world()
    log = mn.train(net, env, n_batches=6, batch_size=4, engine="eager", progress=False)
    assert one.training_log["loss"].tolist() == log["loss"].tolist()
    assert all(torch.equal(a, b) for a, b in zip(one.policy.parameters(), net.parameters(), strict=True))
    assert one._loss_picture.curves.data["loss"].tolist() == log["loss"].tolist()
    assert one._bar.value == 6 and "6 of 6" in one._status.value


def test_pause_go_on_stop():
    "Stop answers at once, also in a pause."
    one = panel()
    one._start.click()
    until(lambda: len(one._rows) > 3)
    assert one.running and one._start.disabled and not one._end.disabled
    one._pause.click()
    time.sleep(0.2)
    n = len(one._rows)
    time.sleep(0.2)
    assert one.paused and len(one._rows) == n and one._pause.description == "Go on"
    one._pause.click()
    until(lambda: len(one._rows) > n)
    one.pause()
    began = time.monotonic()
    one._end.click()
    one.wait(5)
    assert time.monotonic() - began < 0.5
    assert not one.running and len(one.training_log) == len(one._rows) and not one._start.disabled


def test_it_goes_on_from_its_folder(tmp_path):
    "As if it had not been stopped."
    one = panel(n_batches=12, checkpoint=tmp_path, every=3)
    original = one._after_batch

    def stop_early(progress):
        original(progress)
        progress.stop = progress.stop or progress.batch == 5

    one._after_batch = stop_early
    one.start()
    one.wait()
    assert len(one.training_log) == 5
    net, env = world()
    other = TrainingPanel(net, env, engine="eager", batch_size=4, n_batches=12, checkpoint=tmp_path)
    other.start()
    other.wait()
    whole = panel(n_batches=12)
    whole.start()
    whole.wait()
    assert other.training_log["loss"].tolist() == whole.training_log["loss"].tolist()


def learn_faster_meanwhile(one):
    "Start, move the slider of the learning rate, see it arrive, stop."
    one.start()
    until(lambda: len(one._rows) > 2)
    one._rate.value = 1e-2
    until(lambda: one._rows[-1]["learning_rate"] == pytest.approx(1e-2))
    one.stop()
    one.wait()


def test_the_learning_rate_while_it_learns():
    one = panel(n_batches=10_000)
    learn_faster_meanwhile(one)
    assert one.training_log["learning_rate"].iloc[0] == pytest.approx(1e-3)


def test_a_run_goes_on_with_the_rate_it_had(tmp_path):
    "Also in another panel; unless the slider is moved meanwhile."
    one = panel(n_batches=10_000, checkpoint=tmp_path, every=5)
    learn_faster_meanwhile(one)
    other = panel(n_batches=10_000, checkpoint=tmp_path, every=5)
    other.start()
    until(lambda: len(other._rows) > len(one._rows) + 2)
    assert other._rate.value == pytest.approx(1e-2) and other._rows[-1]["learning_rate"] == pytest.approx(1e-2)
    other.stop()
    other.wait()
    other._rate.value = 2e-3
    other.start()
    until(lambda: other._rows and other._rows[-1]["learning_rate"] == pytest.approx(2e-3))
    other.stop()
    other.wait()
    assert other.error is None


def test_hand_paths_are_those_of_the_network():
    one = panel(n_batches=2)
    before = [x.tolist() for x in one._path_picture.paths.data["xs"]]
    assert len(before) == 8
    one.start()
    one.wait()
    assert [x.tolist() for x in one._path_picture.paths.data["xs"]] != before


def test_an_error_is_shown():
    "And the panel can be used again."
    one = panel(loss=lambda played: played["hidden"].sum() * float("nan"))
    one.start()
    one.wait()
    assert "is nan" in one._message.widget.value and one.error is not None and not one.running
    assert not one._start.disabled


def test_the_code_makes_the_same_training():
    one = panel(n_batches=2)
    made = {}
    exec(one.code().replace("engine='eager'", "engine='eager', progress=False"), made)
    assert made["environment"] == one.environment and len(made["log"]) == 2


def test_what_is_refused():
    net, env = world()
    with pytest.raises(TypeError, match="an Environment"):
        TrainingPanel(net, "reach")
    with pytest.raises(ValueError, match="n_batches"):
        TrainingPanel(net, env, n_batches=0)
    with pytest.raises(ValueError, match="learning_rate"):
        TrainingPanel(net, env, learning_rate=7.0)


def test_a_run_of_the_panel_goes_on_in_code(tmp_path):
    "What makes the panel's optimizer is no part of the experiment: the same run without the panel goes on."
    few = {"batch_size": 4, "progress": False, "engine": "eager", "checkpoint": tmp_path}
    net, env = world()
    mn.train(net, env, n_batches=1, optimizer=panel()._make_optimizer, **few)
    net, env = world()
    assert len(mn.train(net, env, n_batches=2, resume=True, **few)) == 2


def test_a_weight_that_is_moved_acts_from_the_next_batch_on():
    "The log says when; the code trains the same again, weight by weight."
    one = panel(n_batches=40)
    one.start()
    until(lambda: len(one._rows) > 2)
    one._weights.controls["muscle"].field.value = 50.0
    until(lambda: len((one.running and one._progress.weights) or "  ") > 1)
    one._weights.controls["hidden"].slider.value = 0.0
    one.wait()
    course = one.training_log.attrs["weights"]
    first, *later = course
    assert first == 0 and course[0] == mn.ReachLoss().weights and course[later[0]]["muscle"] == 50.0
    muscle, changed = one.training_log["muscle"], later[0]
    assert 5 < muscle[changed] / muscle[changed - 1] < 20  # ten times, and the network moves a little
    assert list(one._loss_picture.moves.data["batch"]) == later
    made = {}
    assert "moved = {" in one.code() and "reweight=moved.get" in one.code()
    net, env = world()
    exec(one.code().replace("engine='eager'", "engine='eager', progress=False"), made)
    assert made["log"].attrs["weights"] == course
    moved = made["moved"]
    log = mn.train(net, env, n_batches=40, batch_size=4, engine="eager", progress=False, reweight=moved.get)
    assert log["loss"].tolist() == one.training_log["loss"].tolist() and log.attrs["weights"] == course
    assert all(torch.equal(a, b) for a, b in zip(one.policy.parameters(), net.parameters(), strict=True))


def test_sliders_that_were_moved_before_are_those_of_the_first_batch():
    "Of the learning rate and of the weights; also in the code."
    one = panel(n_batches=2)
    one._weights.controls["position"].field.value, one._rate.value = 3.0, 1e-2
    assert "moved = {0: {'position': 3.0}}" in one.code()
    one.start()
    one.wait()
    net, env = world()
    loss = mn.Loss(weights=mn.ReachLoss().weights | {"position": 3.0}, terms=mn.ReachLoss().terms)
    log = mn.train(
        net, env, loss=loss, n_batches=2, batch_size=4, engine="eager", learning_rate=one._rate.value, progress=False
    )
    assert log["loss"].tolist() == one.training_log["loss"].tolist()
    assert one.training_log["learning_rate"].tolist() == [one._rate.value] * 2


def test_a_run_goes_on_with_the_weights_it_had(tmp_path):
    "Another panel's sliders come to show them."
    one = panel(n_batches=10_000, checkpoint=tmp_path, every=5)
    one._weights.controls["muscle"].field.value = 9.0
    one.start()
    until(lambda: len(one._rows) > 5)
    one.stop()
    one.wait()
    other = panel(n_batches=10_000, checkpoint=tmp_path, every=5)
    other.start()
    until(lambda: len(other._rows) > len(one._rows))
    assert other._weights.controls["muscle"].field.value == 9.0
    other._weights.controls["muscle"].field.value = 4.0
    until(lambda: other._progress.weights[max(other._progress.weights)]["muscle"] == 4.0)
    other.stop()
    other.wait()
    assert other.error is None and {w["muscle"] for w in other.training_log.attrs["weights"].values()} == {9.0, 4.0}


def test_weights_that_are_refused():
    "Said in words; the slider goes back. A function has no weights."
    one = panel(loss=mn.Loss(weights={"effort": 1.0}, terms={"effort": Effort()}))
    control = one._weights.controls["effort"]
    for value in (-1.0, 0.0):
        control.field.value = value
        assert "weight of effort" in one._message.text
        assert control.field.value == control.slider.value == one._weights.now["effort"] == 1.0
    assert not panel(loss=lambda played: played["hidden"].mean())._weights.controls


def test_no_empty_frame_before_the_first_value():
    "How the network reaches, and what Start does; then the curves in the place of these words."
    one = panel(n_batches=1)
    assert [figure.figure for figure in live_figures(one)] == [one._path_picture.figure]
    assert "Start" in one._curve_box.children[0].value and "before training" in one._path_picture.figure.title.text
    one.start()
    one.wait()
    assert [figure.figure for figure in live_figures(one)] == [one._path_picture.figure, one._loss_picture.figure]
    assert one._path_picture.figure.title.text.endswith("after 1 batch")


def test_buttons_answer_while_a_batch_is_played_and_while_others_draw():
    "Pausing… at once, Go on when it waits; Stopping… at once. Nobody waits for the turn of those who draw."
    go, begun = threading.Event(), threading.Event()

    def slow(played):
        begun.set()
        assert go.wait(20)
        return played["hidden"].square().mean()

    one = panel(loss=slow)
    one.start()
    assert begun.wait(20)
    with TURN:  # held by somebody who draws
        clicked = threading.Thread(target=one._pause.click)
        clicked.start()
        clicked.join(5)
        assert not clicked.is_alive() and one._pause.description == "Pausing…" and not one._rows
    go.set()
    until(lambda: one._pause.description == "Go on")
    assert len(one._rows) == 1
    begun.clear()
    go.clear()
    one.go_on()
    assert begun.wait(20)
    with TURN:
        clicked = threading.Thread(target=one._end.click)
        clicked.start()
        clicked.join(5)
        assert not clicked.is_alive() and one._end.description == "Stopping…" and one._end.disabled
    go.set()
    one.wait(20)
    assert len(one._rows) == 2 and one._end.description == "Stop" and not one._start.disabled


def test_progress_in_words():
    one = panel(n_batches=3)
    one.start()
    one.wait()
    assert one._status.value.startswith("batch 3 of 3 · loss ") and "batches a second" in one._status.value
