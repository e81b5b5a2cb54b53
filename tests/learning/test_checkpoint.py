"""A run is never lost: checkpoints that are whole, checked and exact."""

import errno
import math
import os
import pickle
import random
import stat
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from states import DTYPES, no_warnings, same, through_a_file
from torch import nn
from torch.optim import lr_scheduler

from motornet_nb.learning import checkpoint
from motornet_nb.learning.checkpoint import CheckpointError, CheckpointFolder
from motornet_nb.learning.packing import pack, unpack
from motornet_nb.learning.snapshot import random_states, restore_random_states

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and rights of POSIX")


def some(batch: int, size: int = 3) -> tuple[dict, dict]:
    return {"weights": torch.full((size,), float(batch))}, {"batch": batch, "loss": [0.5, math.nan]}


def check(found, batch: int, size: int = 3):
    assert found.batch == batch
    assert same(found.tensors, some(batch, size)[0]) and same(found.facts, some(batch, size)[1])


# ---- optimizers and schedulers -------------------------------------------------------------------------------------

OPTIMIZERS = {
    "Adam": lambda p: torch.optim.Adam(p, lr=0.05),
    "Adam, amsgrad": lambda p: torch.optim.Adam(p, lr=0.05, amsgrad=True),
    "Adam, rate in a tensor": lambda p: torch.optim.Adam(p, lr=torch.tensor(0.05)),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1),
    "SGD": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.05, momentum=0.5, centered=True),
    "Rprop": lambda p: torch.optim.Rprop(p, lr=0.05),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.05),
    "NAdam": lambda p: torch.optim.NAdam(p, lr=0.05),
    "LBFGS": lambda p: torch.optim.LBFGS(p, lr=0.1, max_iter=3, history_size=4),
    "LBFGS, line search": lambda p: torch.optim.LBFGS(p, max_iter=3, line_search_fn="strong_wolfe"),
    "two groups": lambda p: torch.optim.AdamW([{"params": p[:1], "lr": 0.1}, {"params": p[1:]}], lr=0.05),
}

SCHEDULERS = {
    "none": lambda o: None,
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=12),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 12),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 7, 7]),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=1, threshold=0.5),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, total_iters=4), lr_scheduler.ExponentialLR(o, 0.8)], [6]
    ),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.LinearLR(o, 0.1, total_iters=4), lr_scheduler.ExponentialLR(o, 0.8)], o
    ),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, step_size_up=3),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3, 2),
}


class Run:
    "A small training, with dropout from torch's generator and noise from those of NumPy and Python."

    def __init__(self, make_optimizer, make_scheduler):
        torch.manual_seed(1)
        self.net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.2), nn.Linear(4, 1))
        self.optimizer = make_optimizer(list(self.net.parameters()))
        self.scheduler = make_scheduler(self.optimizer)

    def parts(self) -> dict:
        return {n: p for n, p in vars(self).items() if p is not None}

    def state(self) -> dict:
        return {n: p.state_dict() for n, p in self.parts().items()} | {"random": random_states()}

    def load(self, state: dict):
        for name, part in self.parts().items():
            part.load_state_dict(state[name])
        restore_random_states(state["random"])

    def steps(self, n: int):
        for _ in range(n):
            x = torch.randn(8, 3) * random.random() + float(np.random.normal())  # noqa: NPY002

            def closure(x=x):
                self.optimizer.zero_grad()
                error = (self.net(x) - x.sum(1, keepdim=True)).square().mean()
                error.backward()
                return error

            total = self.optimizer.step(closure)
            if self.scheduler is not None:
                self.scheduler.step(*([total.detach()] if "ReduceLROnPlateau" in type(self.scheduler).__name__ else []))


def check_resuming(make_optimizer, make_scheduler, folder):
    saved = random_states()
    try:
        whole = Run(make_optimizer, make_scheduler)
        whole.steps(5)
        state = whole.state()
        again = through_a_file(state, folder)
        assert same(again, state)
        whole.steps(5)
        resumed = Run(make_optimizer, make_scheduler)
        resumed.steps(1)  # a state of its own, to be replaced
        resumed.load(again)
        resumed.steps(5)
        assert same(resumed.state(), whole.state())
    finally:
        restore_random_states(saved)


@pytest.mark.filterwarnings("ignore::UserWarning:torch")
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_optimizers_go_on_to_the_last_bit(optimizer, tmp_path):
    check_resuming(optimizer, SCHEDULERS["none"], tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning:torch")
@pytest.mark.parametrize("scheduler", SCHEDULERS.values(), ids=SCHEDULERS.keys())
def test_schedulers_go_on_to_the_last_bit(scheduler, tmp_path):
    check_resuming(OPTIMIZERS["SGD"], scheduler, tmp_path)


# ---- writing and reading -------------------------------------------------------------------------------------------


def test_written_and_read(tmp_path):
    store = CheckpointFolder(tmp_path / "deep" / "run")
    assert store.latest() is None and store.paths == {} and not (tmp_path / "deep").exists()
    path = store.write(np.int64(7), *some(7))
    assert path == tmp_path / "deep" / "run" / "checkpoint-00000007.safetensors"
    with no_warnings():
        found = store.latest()
    check(found, 7)
    assert found.path == path and type(found.batch) is int
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with pytest.raises(AttributeError):
        found.batch = 3


def test_tensors_of_every_kind_are_written(tmp_path):
    base = torch.arange(12.0)
    tensors = {
        "": base[:3],
        "shared": base,
        "overlapping": base[1:7],
        "same": base,
        "parameter": nn.Parameter(base),
        "transposed": base.reshape(3, 4).T,
        "strided": base[::5],
        "empty": base[:0].reshape(0, 4),
        "negated": torch.tensor([1 + 2j]).conj().imag,
        "ünïcode \0 \" '": torch.tensor(True),
    }
    tensors |= {f"{d} {n}": torch.ones(s, dtype=d) for d in DTYPES[:-2] for n, s in (("0-dim", ()), ("none", (2, 0)), ("5", (5,)))}  # fmt: skip
    store = CheckpointFolder(tmp_path)
    store.write(0, tensors, {})
    found = store.latest()
    assert set(found.tensors) == set(tensors)
    for name, tensor in tensors.items():
        assert same(found.tensors[name], tensor.detach().as_subclass(torch.Tensor)), name


def test_facts_come_back_exactly(tmp_path):
    facts = {
        "nan": math.nan,
        "inf": [math.inf, -math.inf],
        "zero": -0.0,
        "x": 0.1,
        "n": 2**70,
        "": None,
        "ü": {"": [True, "😀\0"]},
    }
    store = CheckpointFolder(tmp_path)
    store.write(0, {}, facts)
    assert same(store.latest().facts, facts) and store.latest().tensors == {}


def test_another_default_device_does_not_matter(tmp_path):
    store = CheckpointFolder(tmp_path)
    store.write(1, {"a": torch.ones(2), "none": torch.ones(0)}, {})
    with torch.device("meta"):
        found = store.latest()
        store.write(2, found.tensors, {})
        assert same(unpack(*pack([torch.ones(1, device="cpu"), np.ones(1)])), [torch.ones(1, device="cpu"), np.ones(1)])
    assert {t.device.type for t in (*found.tensors.values(), *store.latest().tensors.values())} == {"cpu"}


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_only_the_last_are_kept(keep, tmp_path):
    store = CheckpointFolder(tmp_path, keep)
    for batch in (1, 5, 20, 300):
        store.write(batch, *some(batch))
        check(store.latest(), batch)
    assert list(store.paths) == [1, 5, 20, 300][-keep:]


def test_the_one_just_written_is_never_deleted(tmp_path):
    store = CheckpointFolder(tmp_path, keep=1)
    store.write(300, *some(300)).write_bytes(b"damaged")
    store.write(200, *some(200))
    store.write(250, *some(250))
    assert list(store.paths) == [250, 300]
    with pytest.warns(UserWarning, match="00000300"):
        check(store.latest(), 250)


def test_a_batch_is_written_anew_and_numbers_may_be_long(tmp_path):
    store = CheckpointFolder(tmp_path)
    store.write(9, {}, {"first": True})
    store.write(9, *some(9))
    check(store.latest(), 9)
    for batch in (99_999_999, 100_000_000):  # order by number, not by letter
        store.write(batch, *some(batch))
    check(store.latest(), 100_000_000)


def test_left_over_and_foreign_files(tmp_path):
    names = [".checkpoint-00000003.safetensors.partial", "checkpoint-3.safetensors", "checkpoint-000000003.safetensors", "notes.txt"]  # fmt: skip
    for name in names:
        (tmp_path / name).write_text("mine")
    store = CheckpointFolder(tmp_path, keep=1)
    assert store.latest() is None and len(list(tmp_path.iterdir())) == 4
    store.write(1, *some(1))
    store.write(2, *some(2))
    assert {p.name for p in tmp_path.iterdir()} == {*names[1:], "checkpoint-00000002.safetensors"}


def test_an_old_one_that_cannot_be_deleted_stops_nothing(tmp_path):
    (tmp_path / "checkpoint-00000001.safetensors").mkdir()
    store = CheckpointFolder(tmp_path, keep=1)
    store.folder.joinpath("checkpoint-00000002.safetensors").write_text("old")
    with pytest.warns(UserWarning, match="00000001.safetensors could not be deleted"):
        store.write(3, *some(3))
    assert list(store.paths) == [1, 3]


@pytest.mark.parametrize(
    "arguments, error, says",
    [
        ({"batch": -1}, ValueError, "batch = -1 .* at least 0"),
        ({"batch": 1.0}, ValueError, "batch = 1.0"),
        ({"batch": True}, ValueError, "batch = True"),
        ({"tensors": [torch.ones(1)]}, TypeError, "a dict of tensors"),
        ({"tensors": {"a": np.ones(1)}}, TypeError, "a dict of tensors"),
        ({"tensors": {1: torch.ones(1)}}, TypeError, "a name in tensors = 1"),
        ({"tensors": {"__metadata__": torch.ones(1)}}, TypeError, "__metadata__"),
        ({"tensors": {"a": torch.ones(1).to_sparse()}}, TypeError, r"tensors\['a'\] = .*sparse"),
        ({"tensors": {"a": torch.ones(1) * 1j}}, TypeError, r"pack\(\) also takes complex"),
        ({"facts": [1]}, TypeError, "facts = .* a dict"),
        ({"facts": {1: 2}}, TypeError, "a key of facts = 1"),
        ({"facts": {"a": [(1, 2)]}}, TypeError, r"facts\['a'\]\[0\] = \(1, 2\)"),
        ({"facts": {"a": np.float64(1)}}, TypeError, r"facts\['a'\] = "),
        ({"facts": {"a": "\ud83d\ude00"}}, TypeError, "proper Unicode"),
        ({"facts": {"a": torch.ones(1)}}, TypeError, "pack"),
    ],
)
def test_what_cannot_be_written_is_refused(arguments, error, says, tmp_path):
    store = CheckpointFolder(tmp_path / "run")
    with pytest.raises(error, match=says):
        store.write(**{"batch": 1, "tensors": {}, "facts": {}} | arguments)
    assert not (tmp_path / "run").exists()


def test_facts_too_long_to_be_read_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_LONGEST_HEADER", 10_000)
    store = CheckpointFolder(tmp_path)
    store.write(1, {}, {"log": "x" * 5_000})
    with pytest.raises(ValueError, match="long tables belong in tensors"):
        store.write(2, {}, {"log": "x" * 10_000})
    assert store.latest().batch == 1


@pytest.mark.parametrize("arguments", [(3,), (None,), (b"run",), ("run", 0), ("run", 1.5), ("run", True)])
def test_wrong_folders_are_refused(arguments):
    with pytest.raises((TypeError, ValueError), match=r"CheckpointFolder: (folder|keep) = .* must be"):
        CheckpointFolder(*arguments)


def test_a_folder_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = CheckpointFolder("run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert store.write(1, *some(1)).parent == tmp_path / "run"


# ---- damage --------------------------------------------------------------------------------------------------------


class Payload:
    def __reduce__(self):
        return (open, ("pwned", "w"))


def metadata_changed(path, change=lambda name, tensor: (name, tensor), **changes):
    "The same file with other metadata (what is None is taken out) or other tensors."
    with safetensors.safe_open(path, "pt") as file:
        metadata = {k: v for k, v in (file.metadata() | changes).items() if v is not None}
        content = dict(change(k, file.get_tensor(k).clone()) for k in file.keys())
    safetensors.torch.save_file(content, path, metadata)


def header_replaced(path, header: bytes):
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def length_replaced(path, length: int):
    path.write_bytes(struct.pack("<Q", length) + path.read_bytes()[8:])


DAMAGE = {
    "empty": (lambda p: p.write_bytes(b""), "it is empty"),
    "cut short": (lambda p: p.write_bytes(p.read_bytes()[:-1]), "cut short"),
    "longer": (lambda p: p.write_bytes(p.read_bytes() + b"\0"), "damaged"),
    "text": (lambda p: p.write_text("loss,batch\n1,2\n"), "no safetensors file"),
    "pickle": (lambda p: p.write_bytes(pickle.dumps(Payload())), "no safetensors file"),
    "torch": (lambda p: torch.save({"a": Payload()}, p), "no safetensors file"),
    "huge header": (lambda p: length_replaced(p, 2**64 - 1), "no safetensors file"),
    "header of all": (lambda p: length_replaced(p, p.stat().st_size - 8), "no safetensors file"),
    "large header": (lambda p: length_replaced(p, 99_999_999), "no safetensors file"),
    "null metadata": (lambda p: header_replaced(p, b'{"__metadata__":null}'), "no checkpoint|no safetensors"),
    "odd metadata": (lambda p: header_replaced(p, b'{"__metadata__":{"version":1}}'), "no safetensors file"),
    "deep header": (lambda p: header_replaced(p, b'{"a":' * 100_000), "no safetensors file"),
    "endless shape": (
        lambda p: header_replaced(p, b'{"a":{"dtype":"F32","shape":[0,9223372036854775807,9],"data_offsets":[0,0]}}'),
        "damaged|no checkpoint",
    ),
    "other dtype": (lambda p: header_replaced(p, b'{"a":{"dtype":"F4","shape":[0],"data_offsets":[0,0]}}'), "damaged"),
    "plain safetensors": (lambda p: safetensors.torch.save_file({"a": torch.ones(1)}, p), "it has no version, batch"),
    "no checksum": (lambda p: metadata_changed(p, sha256=None), "it has no sha256"),
    "other checksum": (lambda p: metadata_changed(p, sha256="0" * 64), "does not match its checksum"),
    "other facts": (lambda p: metadata_changed(p, facts="{}"), "does not match its checksum"),
    "other type": (lambda p: metadata_changed(p, lambda n, t: (n, t.view(torch.int32))), "does not match its checksum"),
    "other shape": (lambda p: metadata_changed(p, lambda n, t: (n, t[None])), "does not match its checksum"),
    "other name": (lambda p: metadata_changed(p, lambda n, t: (n + "s", t)), "does not match its checksum"),
    "other value": (lambda p: metadata_changed(p, lambda n, t: (n, -t)), "does not match its checksum"),
    "other version": (lambda p: metadata_changed(p, version="2"), "it is of version '2'"),
    "other batch": (lambda p: metadata_changed(p, batch="4"), "it is of batch 4 by its content"),
    "renamed": (lambda p: os.replace(p.with_name("checkpoint-00000001.safetensors"), p), "it is of batch 1 by its content"),
    "a folder": (lambda p: (p.unlink(), p.mkdir()), "it is not a file"),
    "a link to nowhere": (lambda p: (p.unlink(), p.symlink_to("nowhere")), "it is not a file"),
    "a pipe": (lambda p: (p.unlink(), os.mkfifo(p)), "it is not a file"),
}  # fmt: skip


@POSIX
@pytest.mark.parametrize("damage, says", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_files_are_skipped_and_named(damage, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = CheckpointFolder(tmp_path / "run", keep=3)
    for batch in (0, 1, 2):
        store.write(batch, *some(batch))
    damage(store.paths[2])
    good = max(b for b in store.paths if b < 2)
    with pytest.warns(UserWarning) as caught:
        found = store.latest()
    check(found, good)
    (message,) = [str(w.message) for w in caught]
    assert "checkpoint-00000002.safetensors is skipped" in message
    assert f"checkpoint-0000000{good}.safetensors is used instead" in message
    assert caught[0].filename == __file__
    assert any(words in message for words in says.split("|")), message
    assert not list(tmp_path.rglob("pwned"))


def test_none_is_good(tmp_path):
    store = CheckpointFolder(tmp_path)
    store.write(1, *some(1)).write_bytes(b"")
    metadata_changed(store.write(2, *some(2)), sha256=None)
    with pytest.raises(CheckpointError) as caught:
        store.latest()
    assert isinstance(caught.value, OSError)
    for words in (str(tmp_path), "00000001.safetensors: it is empty", "00000002.safetensors: it is no checkpoint"):
        assert words in str(caught.value)


@pytest.fixture
def small(tmp_path):
    "A folder whose newest checkpoint is small, and what it holds."
    store = CheckpointFolder(tmp_path)
    tensors = {
        "a": torch.tensor([1.5, -2.0]),
        "b": torch.tensor([3, 4]),
        "c": torch.tensor([5, 6]),
        "d": torch.zeros(0),
    }
    store.write(1, {"old": torch.ones(1)}, {})
    return store, store.write(2, tensors, {"loss": 0.25, "n": [1, 22]}), store.latest()


def silently_right(store, expected) -> bool:
    "Whether the newest is used, which must be exactly what was written; else the one before, with a warning."
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = store.latest()
    if found.batch == 2:
        assert not caught and set(found.tensors) == set(expected.tensors)
        assert all(same(found.tensors[n], t) for n, t in expected.tensors.items()) and same(found.facts, expected.facts)
        return True
    assert found.batch == 1 and len(caught) == 1 and same(found.tensors, {"old": torch.ones(1)})
    return False


def test_no_flipped_bit_goes_unnoticed(small):
    store, path, expected = small
    content, chance = path.read_bytes(), random.Random(0)
    assert silently_right(store, expected)
    harmless = 0
    for position in range(len(content)):
        for bit in (chance.randrange(8), 5):  # 5 makes capitals of small letters
            path.write_bytes(content[:position] + bytes([content[position] ^ 1 << bit]) + content[position + 1 :])
            harmless += silently_right(store, expected)
    assert harmless <= 8  # at most the spaces that fill up the header


def test_no_exchanged_byte_goes_unnoticed(small):
    store, path, expected = small
    content, chance = path.read_bytes(), random.Random(1)
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(chance.choice((1, 2, 20))):
            changed[chance.randrange(len(content))] = chance.choice(b'\0 "0129,:{}[]aZ\xff')
        path.write_bytes(changed)
        assert silently_right(store, expected) == (changed == content) or changed.rstrip() != content.rstrip()


def test_no_missing_end_goes_unnoticed(small):
    store, path, expected = small
    content = path.read_bytes()
    for length in range(0, len(content), 3):
        path.write_bytes(content[:length])
        assert not silently_right(store, expected)
        path.write_bytes(content[:length] + bytes(len(content) - length))  # the right length, but zeros: a lost page
        assert not silently_right(store, expected)


def test_one_deleted_while_reading_is_no_damage(tmp_path, monkeypatch):
    store, read = CheckpointFolder(tmp_path, keep=1), checkpoint._read
    store.write(1, *some(1))

    def slow(path, batch):
        if batch == 1:
            store.write(2, *some(2))
        return read(path, batch)

    monkeypatch.setattr(checkpoint, "_read", slow)
    with no_warnings():
        check(store.latest(), 2)


# ---- disks and folders that fail -----------------------------------------------------------------------------------


def partly(content):
    def write_bytes(path, data):
        with open(path, "wb") as file:
            file.write(data[:content])
        raise OSError(errno.ENOSPC, "No space left on device")

    return write_bytes


def failing(code):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize(
    "target, name, replacement",
    [
        (Path, "write_bytes", partly(100)),
        (os, "fsync", failing(errno.ENOSPC)),
        (os, "fsync", failing(errno.EIO)),
        (os, "replace", failing(errno.EACCES)),
    ],
    ids=["write", "fsync", "fsync, defect", "replace"],
)
@pytest.mark.parametrize("rewritten", [False, True], ids=["new", "rewritten"])
def test_a_disk_that_fails_leaves_the_previous_checkpoint(target, name, replacement, rewritten, tmp_path, monkeypatch):
    store = CheckpointFolder(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(target, name, replacement)
        with pytest.raises(CheckpointError, match="there is no previous checkpoint"):
            store.write(4, *some(4))
        assert list(tmp_path.iterdir()) == []
    store.write(4, *some(4))
    before = sorted(tmp_path.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(target, name, replacement)
        with pytest.raises(CheckpointError) as caught:
            store.write(4 if rewritten else 8, *some(8))
    assert f"checkpoint-0000000{4 if rewritten else 8}.safetensors could not be written" in str(caught.value)
    assert "; the previous checkpoint, of batch 4, is intact" in str(caught.value)
    assert os.strerror(caught.value.__cause__.errno) in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before
    with no_warnings():
        check(store.latest(), 4)


@POSIX
@pytest.mark.parametrize("code, fails", [(errno.EIO, True), (errno.EINVAL, False)])
def test_a_directory_that_cannot_be_forced_to_the_disk(code, fails, tmp_path, monkeypatch):
    store, fsync = CheckpointFolder(tmp_path, keep=1), os.fsync
    store.write(1, *some(1))

    def only_files(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    if fails:
        with pytest.raises(CheckpointError, match="previous checkpoint, of batch 1, is intact"):
            store.write(2, *some(2))
        assert list(store.paths) == [1, 2]  # nothing is deleted before the new one is safe
    else:
        store.write(2, *some(2))
        assert list(store.paths) == [2]


def test_an_interruption_leaves_nothing_behind(tmp_path, monkeypatch):
    store = CheckpointFolder(tmp_path)
    store.write(1, *some(1))

    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.write(2, *some(2))
    assert list(tmp_path.iterdir()) == [tmp_path / "checkpoint-00000001.safetensors"]
    check(store.latest(), 1)


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "run").write_text("mine")
    for folder in (tmp_path / "run", tmp_path / "run" / "deep"):
        store = CheckpointFolder(folder)
        with pytest.raises(CheckpointError, match=r"could not be written: there is a file .*; there is no previous"):
            store.write(1, *some(1))
        with pytest.raises(CheckpointError, match="cannot be listed: there is a file where the folder should be"):
            store.latest()
    assert (tmp_path / "run").read_text() == "mine"


@POSIX
def test_killed_full_and_locked(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(Path(checkpoint.__file__).parents[2])}
    command = [sys.executable, str(Path(__file__).parents[1] / "support" / "dying_writers.py"), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and not done.stderr, done.stderr + done.stdout
    lines = done.stdout.splitlines()
    assert len(lines) == 6, lines
    assert lines[0].startswith("killed: batch ") and lines[1] == "every call: good"
    assert int(lines[0].split()[2].rstrip(",")) > 2, lines[0]  # something was written in between
    assert "could not be written: File too large; the previous checkpoint, of batch 1, is intact" in lines[2]
    assert lines[3] == "full: ['checkpoint-00000001.safetensors']"
    assert "could not be written: Permission denied; the previous checkpoint, of batch 1, is intact" in lines[4]
    assert lines[5] == "locked: ['checkpoint-00000001.safetensors']"
