"""Writers of checkpoints that are killed, get no space or no right; run by tests/learning/test_checkpoint.py in a process of its own.

It imports once and forks for each part, which prints what it found.
"""

import os
import random
import resource
import signal
import sys
import time
import warnings
from pathlib import Path

import torch

from motornet_nb.learning.checkpoint import CheckpointError, CheckpointFolder

torch.set_num_threads(1)  # threads do not survive a fork
warnings.simplefilter("error")
root = Path(sys.argv[1])


def content(batch, size=50_000):
    return {"weights": torch.full((size,), float(batch)), "more": torch.full((7,), batch)}, {"batch": batch}


def check(found):
    tensors, facts = content(found.batch)
    assert facts == found.facts and all(torch.equal(found.tensors[n], t) for n, t in tensors.items()), found.batch


def child(work):
    number = os.fork()
    if number == 0:
        try:
            work()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
        os._exit(0)
    return number


def write_for_ever(store, batch):
    while True:
        store.write(batch, *content(batch))
        batch += 1


def killed_at_random():
    store, chance, partials = CheckpointFolder(root / "killed"), random.Random(3), 0
    store.write(0, *content(0))
    for _ in range(25):
        before = store.latest().batch
        number = child(lambda batch=before + 1: write_for_ever(store, batch))
        time.sleep(chance.uniform(0.005, 0.06))
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)
        found = store.latest()
        check(found)
        assert found.batch >= before
        partials += any(p.name.startswith(".") for p in store.folder.iterdir())
    batch = store.latest().batch + 1
    store.write(batch, *content(batch))
    names = sorted(p.name for p in store.folder.iterdir())
    assert names == [f"checkpoint-{b:08d}.safetensors" for b in (batch - 1, batch)], names
    print(f"killed: batch {batch}, {partials} left something", flush=True)


def killed_at_every_call():
    def die(*arguments, **named):
        os.kill(os.getpid(), signal.SIGKILL)

    def half(path, data):
        with open(path, "wb", buffering=0) as file:
            file.write(data[: len(data) // 2])
        die()

    def after(function):
        return lambda *arguments, **named: (function(*arguments, **named), die())

    store = CheckpointFolder(root / "calls", keep=1)
    points = (
        (Path, "write_bytes", half, 1),
        (Path, "write_bytes", after(Path.write_bytes), 1),
        (os, "fsync", die, 1),
        (os, "fsync", after(os.fsync), 1),
        (os, "replace", die, 1),
        (os, "replace", after(os.replace), 2),
        (Path, "unlink", die, 2),
        (Path, "unlink", after(Path.unlink), 2),
    )
    for owner, name, function, expected in points:
        for path in store.paths.values():
            path.unlink()
        store.write(1, *content(1))

        def work(owner=owner, name=name, function=function):
            setattr(owner, name, function)
            store.write(2, *content(2))

        os.waitpid(child(work), 0)
        found = store.latest()
        check(found)
        assert found.batch == expected, (name, found.batch)
        store.write(3, *content(3))
        assert [p.name for p in store.folder.iterdir()] == ["checkpoint-00000003.safetensors"], name
    print("every call: good", flush=True)


def full():
    store = CheckpointFolder(root / "full")
    store.write(1, *content(1))

    def work():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            store.write(2, *content(2))
        except CheckpointError as error:
            print(f"full: {error}", flush=True)
        check(store.latest())
        print("full:", [p.name for p in store.folder.iterdir()], flush=True)

    os.waitpid(child(work), 0)


def read_only():
    store = CheckpointFolder(root / "locked")
    store.write(1, *content(1))
    os.chmod(store.folder, 0o555)
    for path in store.paths.values():
        os.chmod(path, 0o444)

    def work():
        os.chdir(store.folder)
        store.folder = Path(".")  # reachable, whoever owns the folders above
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            store.write(2, *content(2))
        except CheckpointError as error:
            print(f"locked: {error}", flush=True)
        check(store.latest())
        print("locked:", os.listdir("."), flush=True)

    os.waitpid(child(work), 0)
    os.chmod(store.folder, 0o755)


for part in (killed_at_random, killed_at_every_call, full, read_only):
    part()
