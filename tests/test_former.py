"""Scripts written for version 0.1.0 find everything where they look for it."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import motornet_nb as mn

NAMES = json.loads((Path(__file__).parent / "data" / "version_0_1_0" / "names.json").read_text())


@pytest.mark.parametrize("module", [name for name in NAMES if name])
def test_former_modules_have_their_names(module):
    "By `from motornet_nb.module import name`, and by `mn.module.name`."
    found = importlib.import_module(f"motornet_nb.{module}")
    for name in NAMES[module]:
        assert getattr(found, name) is getattr(getattr(mn, module), name)


def test_the_face_has_its_names():
    "All that `mn` offered."
    for name in NAMES[""]:
        getattr(mn, name)


def test_what_never_was_is_not_found():
    "A wrong name is an AttributeError, a wrong module an ImportError."
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        mn.analysis.no_such_name  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'no_such_module'"):
        mn.no_such_module  # noqa: B018
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("motornet_nb.no_such_module")


def test_a_former_module_is_imported_first():
    "In a new process, by a script that names nothing else."
    code = "from motornet_nb.player import Player; from motornet_nb.task.stepper import TrialStepper; print(Player is TrialStepper)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"
