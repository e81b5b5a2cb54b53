"""`python -m motornet_nb doctor` finds what is missing, says what to do, and what its exit code is."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from motornet_nb import doctor as module
from motornet_nb.__main__ import main
from motornet_nb.doctor import Finding, check_libraries, check_widgets, examine

TOPICS = ["versions", "libraries", "device", "compiler", "cache", "program", "widgets", "networks"]


def found(topic: str) -> Finding:
    "What the check of a topic says."
    return getattr(module, f"check_{topic}")()


def test_here_nothing_is_missing(capsys):
    "In words and in JSON; the program gives the eager numbers."
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--json"])
    findings = [Finding(**f) for f in json.loads(capsys.readouterr().out)]
    assert [f.topic for f in findings] == TOPICS and ended.value.code == 0
    assert not [f for f in findings if f.state == "missing"]
    said = {f.topic: f.words for f in findings}
    assert (
        f"torch {torch.__version__.partition('+')[0]}" in said["libraries"]
        and f"Python {sys.version.split()[0]}" in said["versions"]
    )
    assert float(re.search(r"differs from PyTorch by (\S+) m", said["program"])[1]) < 1e-9
    assert "anywidget" in said["widgets"] and "JupyterLab" in said["widgets"]


def test_without_a_compiler_it_says_what_to_install(tmp_path):
    "As a command, with a PATH on which there is none."
    environment = os.environ | {"PATH": str(tmp_path), "MOTORNET_NB_CACHE": str(tmp_path / "programs")}
    environment.pop("CXX", None)
    run = subprocess.run(
        [sys.executable, "-m", "motornet_nb", "doctor"], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 1, run.stderr
    assert re.search(
        r"^missing  compiler   there is no g\+\+, clang\+\+ or c\+\+.*many times slower$", run.stdout, re.M
    )
    assert "-> install g++ or clang++ (Debian and Ubuntu: apt install g++" in run.stdout
    assert run.stdout.endswith("missing: compiler, program\n")


def test_a_compiler_that_does_not_work_is_found(monkeypatch):
    monkeypatch.setenv("CXX", "false")
    assert found("compiler").state == "missing" and "false does not run" in found("compiler").words
    assert found("program").state == "missing"
    monkeypatch.setenv("CXX", "g++")
    monkeypatch.setenv("MOTORNET_NB_VECTORS", "wide")
    assert "MOTORNET_NB_VECTORS is 'wide'" in found("compiler").words


def test_a_folder_that_cannot_be_written_is_found(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MOTORNET_NB_CACHE", str(tmp_path / "file" / "programs"))
    cache = found("cache")
    assert cache.state == "missing" and "cannot be made" in cache.words and "MOTORNET_NB_CACHE" in cache.remedy
    assert os.environ["MOTORNET_NB_CACHE"] == str(tmp_path / "file" / "programs")


def test_wrong_numbers_are_found(monkeypatch):
    "A program that is built, but computes something else."
    from motornet_nb.control import rollout

    right = rollout.play

    def wrong(policy, environment, engine="eager", **options):
        played = right(policy, environment, engine=engine, **options)
        return {"endpoint_position": played["endpoint_position"] + 1e-6 * (engine == "fused")}

    monkeypatch.setattr(rollout, "play", wrong)
    program = found("program")
    assert program.state == "missing" and "1e-06 m" in program.words and "eager" in program.remedy


def test_libraries_that_are_lacking_or_old_are_found():
    lacking = check_libraries({"numpy": "1.26", "no-such-library": "2", "bokeh": "99.1"})
    assert lacking.state == "missing" and "no-such-library NOT THERE" in lacking.words
    assert lacking.remedy == "pip install 'no-such-library>=2' 'bokeh>=99.1'"
    assert check_libraries({"numpy": "1.26", "bokeh": "3"}).state == "ok"


def test_missing_extensions_of_jupyterlab_are_found(tmp_path, monkeypatch):
    (tmp_path / "anywidget").mkdir()
    (tmp_path / "anywidget" / "package.json").write_text("{}")
    half = check_widgets([tmp_path])
    assert half.state == "missing" and "no extension @jupyter-widgets/jupyterlab-manager," in half.words
    assert "pip install --force-reinstall jupyterlab_widgets," in half.remedy
    monkeypatch.setattr(module, "_version", lambda name: None)
    none = check_widgets([tmp_path])
    assert none.state == "note" and none.remedy == "pip install 'motornet_nb[lab]'"


def test_the_home_of_the_user_is_not_printed(tmp_path, monkeypatch):
    home = tmp_path / "someone"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("MOTORNET_NB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setattr(Path, "home", lambda: home)
    said = module.as_words(examine())
    assert "~/.cache/motornet_nb" in said and str(home) not in said


def test_a_check_that_breaks_is_a_finding(monkeypatch):
    def broken():
        raise RuntimeError("out of order")

    monkeypatch.setattr(module, "check_networks", broken)
    monkeypatch.setattr(module, "check_program", lambda: Finding("program", "ok", ""))
    networks = examine()[-1]
    assert (networks.topic, networks.state) == (
        "networks",
        "missing",
    ) and "RuntimeError: out of order" in networks.words
