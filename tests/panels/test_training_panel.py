"The training panel without a browser: its thread, its buttons, its pictures."

import time

import pytest
import torch

import motornet_nb as mn
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
