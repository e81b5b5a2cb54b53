"""Ctrl-C comes through at once, but never in the middle of an update."""

import signal
import threading

import pytest
from short_trainings import four_batches
from worlds import network, point_mass_world

from motornet_nb.learning.interrupts import Interrupts


def test_an_interrupt_waits_for_the_end_of_an_update():
    "Held back while it is held, then let through."
    done = []
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts:
        with interrupts.held():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)  # impatience changes nothing
            done.append("whole")
        done.append("never")
    assert done == ["whole"]


def test_an_interrupt_is_let_through_at_once_otherwise():
    done = []
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts:
        with interrupts.held():
            done.append("held")
        signal.raise_signal(signal.SIGINT)
        done.append("never")
    assert done == ["held"]


def test_an_error_within_is_not_lost():
    "The error and the interrupt that waited: the interrupt comes, and names the error."
    with pytest.raises(KeyboardInterrupt) as caught, Interrupts() as interrupts, interrupts.held():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("within")
    assert isinstance(caught.value.__context__, ValueError)


def test_the_handler_is_put_back():
    "Whatever it was: torch's user may have one of their own, or none."
    before = signal.getsignal(signal.SIGINT)
    got = []
    try:
        for handler in (lambda *a: got.append(a[0]), signal.SIG_IGN, signal.SIG_DFL):
            signal.signal(signal.SIGINT, handler)
            with Interrupts() as interrupts:
                if callable(handler) and handler is not signal.SIG_DFL and handler is not signal.SIG_IGN:
                    with interrupts.held():
                        signal.raise_signal(signal.SIGINT)
                        assert got == []
                    assert got == [signal.SIGINT]
            assert signal.getsignal(signal.SIGINT) == handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_get_no_interrupts():
    "Training in a thread leaves the handlers alone, and works."
    env = point_mass_world()
    found = []

    def work():
        found.append(len(four_batches(network(env), env, n_batches=2)))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [2] and signal.getsignal(signal.SIGINT) is before


def test_an_order_to_end_is_held_back_too():
    "SIGTERM, which a cluster or a shell sends, ends a program as a shell says it: 128 + 15."
    done = []
    with pytest.raises(SystemExit) as ended, Interrupts() as interrupts:
        with interrupts.held():
            signal.raise_signal(signal.SIGTERM)
            done.append("whole")
        done.append("never")
    assert done == ["whole"] and ended.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_handler_of_ones_own_is_asked():
    "What a program has set for SIGTERM is what happens."
    before, got = signal.getsignal(signal.SIGTERM), []
    try:
        signal.signal(signal.SIGTERM, lambda *a: got.append(a[0]))
        with Interrupts():
            signal.raise_signal(signal.SIGTERM)
        assert got == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_order_to_end_leaves_a_checkpoint(tmp_path):
    "As Ctrl-C does: the network and the folder are those of the last whole batch."
    env = point_mass_world()

    def end(progress):
        if progress.batch == 3:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as ended:
        four_batches(network(env), env, checkpoint=tmp_path, callbacks=[end])
    assert ended.value.progress.batch == 3 and "3 of 4 batches are done" in ended.value.__notes__[0]
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-00000003.safetensors"]
