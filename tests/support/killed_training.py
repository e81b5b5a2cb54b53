"""Training runs that are killed, interrupted or get no space; run by tests/learning/test_run_folder.py in a process of its own.

    python killed_training.py FOLDER [KILLS] [SEED]

It imports once and forks for each life of a run, and prints what it found.
"""

import os
import random
import resource
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path

import torch
from torch import nn

import motornet_nb as mn

torch.set_num_threads(1)  # threads do not survive a fork
root, kills, seed = Path(sys.argv[1]), *(int(x) for x in (*sys.argv[2:4], *(6, 0)[len(sys.argv) - 2 :]))
chance = random.Random(seed)
N = 24  # batches of a run


class Forgetful(nn.Module):
    "A network with dropout, which draws from torch's own chance."

    def __init__(self, n_inputs, n_actions):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_inputs, 12), nn.Tanh(), nn.Dropout(0.3), nn.Linear(12, n_actions), nn.Sigmoid()
        )

    def init_hidden(self, batch_size):
        return None

    def forward(self, observation, hidden):
        return self.layers(observation), None


def world(engine):
    "An environment and a network at its beginning."
    env = mn.Environment(mn.ReluPointMass24(), mn.RandomTargetReach(), duration=0.1, action_noise=0.02)
    torch.manual_seed(1)
    if engine == "fused":
        return env, mn.PolicyGRU(env.n_observations, 12, env.n_actions, hidden_noise=0.01)
    return env, Forgetful(env.n_observations, env.n_actions)


def run(engine, net, env, **arguments):
    "One life of a run."
    loss = mn.ReachLoss() if engine == "fused" else mn.ReachLoss().without("hidden", "hidden_rate")
    schedule = lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.02, total_steps=N)  # noqa: E731
    settings = {"n_batches": N, "batch_size": 6, "every": 2, "progress": False}
    return mn.train(net, env, loss=loss, scheduler=schedule, engine=engine, **settings | arguments)


def state(net):
    return {name: t.clone() for name, t in net.state_dict().items()}


def same(a, b):
    return all(torch.equal(t, b[name]) for name, t in a.items())


def after_each_batch(engine):
    "The weights after every batch of a run that nothing happens to."
    env, net = world(engine)
    states = [state(net)]
    run(engine, net, env, callbacks=lambda p: states.append(state(net)))
    return states


def child(work):
    number = os.fork()
    if number == 0:
        code = 9
        try:
            code = work()
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(code)
    return number


def die(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)


def die_while_writing(where, which):
    "Have this process die in its `which`-th checkpoint."
    count = []

    def now(function, before):
        def called(*arguments, **named):
            count.append(1)
            if len(count) == which:
                before(*arguments, **named)
                die()
            return function(*arguments, **named)

        return called

    def half(path, data):
        with open(path, "wb", buffering=0) as file:
            file.write(data[: len(data) // 2])

    if where == "in the middle":
        Path.write_bytes = now(Path.write_bytes, half)
    elif where == "before it is named":
        os.replace = now(os.replace, lambda *a: None)
    else:
        os.replace = now(os.replace, os.replace)


def killed(engine, kills):
    "Kill runs at random moments, some of them while a checkpoint is written, until they are done all the same."
    want, lives, done, inside, cut, again = after_each_batch(engine)[-1], 0, 0, 0, 0, 0
    killed_now, number, folder = 0, 0, None
    began = time.monotonic()
    env, net = world(engine)
    run(engine, net, env)
    alone = time.monotonic() - began  # s for a whole run
    while killed_now < kills or folder is not None:
        if folder is None:
            folder, number = root / f"{engine} {number}", number + 1
        where = chance.choice([None, None, "in the middle", "before it is named", "after it is named"])
        where = where if killed_now < kills else None
        which, wait = chance.randint(1, 4), chance.uniform(0, 0.6) * alone

        def life(folder=folder, where=where, which=which):
            env, net = world(engine)
            if any(folder.glob("checkpoint-*")):
                torch.manual_seed(os.getpid())  # what the checkpoint restores is not there by accident
            if where is not None:
                die_while_writing(where, which)
            run(engine, net, env, checkpoint=folder, resume=True)
            return 0 if same(want, state(net)) else 3

        lives += 1
        again += folder.is_dir()
        process = child(life)
        if where is None and killed_now < kills:
            time.sleep(wait)
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        cut += any(p.name.startswith(".") for p in folder.iterdir()) if folder.is_dir() else 0
        if os.WIFSIGNALED(status):
            killed_now, inside = killed_now + 1, inside + (where is not None)
            continue
        assert os.WEXITSTATUS(status) == 0, f"{engine}: ended with {os.WEXITSTATUS(status)}"
        done, folder = done + 1, None
    print(f"{engine}: {killed_now} kills, {inside} of them while writing, {cut} lives ended with a half file beside; "
          f"{again} resumes, {done} runs of {lives} lives done, all with the same weights", flush=True)  # fmt: skip


def interrupted(engine, times):
    "Ctrl-C from a thread at random moments: the weights are those of a whole batch, and the run goes on from there."
    states = after_each_batch(engine)
    began = time.monotonic()
    env, net = world(engine)
    run(engine, net, env)
    alone = time.monotonic() - began
    stopped = set()
    for i in range(times):
        folder = root / f"interrupted {engine} {i}"
        env, net = world(engine)
        timer = threading.Timer(chance.uniform(0.1, 0.9) * alone, os.kill, (os.getpid(), signal.SIGINT))
        try:
            timer.start()
            run(engine, net, env, checkpoint=folder, every=5)
            timer.join()
            time.sleep(0.01)
        except KeyboardInterrupt as stop:
            before = N if same(states[N], state(net)) else 0  # before the first batch, or after the last one
            done = stop.progress.batch if hasattr(stop, "progress") else before
            assert same(states[done], state(net)), (i, done)
            last = max(int(p.name[11:19]) for p in folder.iterdir()) if done else 0
            assert last == done and not any(p.name.startswith(".") for p in folder.glob(".*")), (i, done, last)
            stopped.add(done)
        env, net = world(engine)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run(engine, net, env, checkpoint=folder, every=5, resume=True)
        assert same(states[-1], state(net)), i
    print(
        f"{engine}: interrupted at {len(stopped)} different batches, always whole, and the same in the end", flush=True
    )


def full():
    "No space on the disk from batch 5 on."
    states, folder = after_each_batch("eager"), root / "full"

    def fill(progress):
        if progress.batch == 5:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))

    def life():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        env, net = world("eager")
        try:
            run("eager", net, env, checkpoint=folder, callbacks=fill)
        except mn.CheckpointError as error:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print(f"full: {error} | {'; '.join(error.__notes__)}", flush=True)
            assert same(states[6], state(net))
        print("full:", sorted(p.name for p in folder.iterdir()), flush=True)
        env, net = world("eager")
        run("eager", net, env, checkpoint=folder, resume=True)
        return 0 if same(states[-1], state(net)) else 3

    _, status = os.waitpid(child(life), 0)
    print("full: went on and ended in", "the same weights" if status == 0 else f"status {status}", flush=True)


for engine, share in (("eager", kills - kills // 3), ("fused", kills // 3)):
    killed(engine, share)
for engine, times in (("eager", 8), ("fused", 4)):
    interrupted(engine, max(times, kills // 3))
full()
