"""Freed memory."""

import sys

import pytest
from forked import run_python

MEMORY = """
import ctypes, sys
from motornet_nb.fused import memory
asked = []
class Library:
    def __init__(self, name): pass
    def mallopt(self, option, value): asked.append((option, value))
ctypes.CDLL = Library
memory.keep_freed_memory()
memory.keep_freed_memory()
print(asked)
"""


@pytest.mark.parametrize(
    ("chosen", "asked"),
    [({}, 2), ({"MALLOC_TRIM_THRESHOLD_": "100000"}, 0), ({"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=1"}, 0)],
)
def test_freed_memory_is_kept_unless_the_user_has_chosen(chosen, asked, monkeypatch):
    "Once, and only the two settings of glibc."
    if sys.platform != "linux":
        asked = 0
    for variable, value in chosen.items():
        monkeypatch.setenv(variable, value)
    run = run_python(MEMORY)
    assert run.returncode == 0, run.stderr
    options = eval(run.stdout)
    assert len(options) == asked and {o for o, _ in options} <= {-1, -3}
