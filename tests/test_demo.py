"""The demo, at a quick size."""

import re
import subprocess
import sys

import pytest
import xarray as xr

import motornet_nb as mn
from motornet_nb.demo import demo, warm_cosine


def test_demo_writes_results_report_and_network(tmp_path, capsys):
    """It trains, prints the kinematics of eight reaches, and leaves a folder that can be loaded."""
    made = demo(tmp_path / "out", n_batches=2, batch_size=4, progress=False)
    printed = capsys.readouterr().out
    assert "mean endpoint error" in printed and "peak speed (cm/s)" in printed
    assert len(made["kinematics"]) == 8 and len(made["log"]) == 2
    ds = xr.load_dataset(tmp_path / "out" / "results.nc")
    assert ds.sizes["trial"] == 8 and ds.sizes["time"] == 100
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Bokeh" in page and not re.search(r"<(script|link|img)[^>]*(src|href)=.(?!data:)", page), (
        "the report must not ask the network for anything"
    )
    again = mn.load(tmp_path / "out")
    assert again.environment == made["environment"] and again.results.equals(made["results"])


def test_learning_rate_rises_and_falls():
    """Fifty batches of warming up, then a cosine."""
    rates = [warm_cosine(b, 1000) for b in range(1000)]
    assert rates[0] == pytest.approx(0.02) and max(rates) > 0.98
    assert rates[:50] == sorted(rates[:50]) and rates[60:] == sorted(rates[60:], reverse=True)
    assert rates[-1] < 0.03


def test_command_line_explains_a_wrong_argument(tmp_path):
    """A wrong number gives one line, no traceback, and exit code 1."""
    command = [sys.executable, "-m", "motornet_nb", "demo", "--batches", "0", "--folder", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert "n_batches = 0" in run.stderr and "Traceback" not in run.stderr
