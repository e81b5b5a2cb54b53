"""States that are stored and come back, and when two are the same to the bit."""

import math
import warnings
from contextlib import contextmanager

import numpy as np
import torch

from motornet_nb.learning import packing
from motornet_nb.learning.checkpoint import CheckpointFolder
from motornet_nb.learning.packing import pack, unpack

DTYPES = [getattr(torch, d) for d in packing._DTYPES] + [torch.complex64, torch.complex128]


def same(a, b) -> bool:
    "Whether two states are the same to the bit, types, order and memory layout included."
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(type(k) is type(j) and same(a[k], b[j]) for k, j in zip(a, b, strict=True))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and bits(a) == bits(b)
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return a == b


def bits(tensor) -> bytes:
    return (
        tensor.detach()
        .resolve_conj()
        .resolve_neg()
        .clone(memory_format=torch.contiguous_format)
        .reshape(-1)
        .view(torch.uint8)
        .numpy()
        .tobytes()
    )


def through_a_file(state, folder):
    "Packed, written, read and unpacked."
    store = CheckpointFolder(folder)
    store.write(1, *pack(state))
    found = store.latest()
    return unpack(found.tensors, found.facts)


@contextmanager
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
