"""The demo, at a quick size."""

import re
import subprocess
import sys

import pytest
import torch
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


def test_demo_of_a_network_that_comes_with_the_package(tmp_path, capsys):
    """Nothing is trained: the network is that of the package, and so are its reaches."""
    made = demo(tmp_path / "out", pretrained="preferred_directions/arm", progress=False)
    shipped = mn.pretrained("preferred_directions/arm", replicate=0)
    assert made["policy"] == shipped.policy and made["environment"] == shipped.environment
    (said,) = shipped.of_networks(shipped.card["tests"][0]["measures"]["endpoint_error"])
    assert made["kinematics"]["endpoint_error"].mean() == pytest.approx(said, abs=1e-3)
    printed = capsys.readouterr().out
    assert shipped.card["command"] in printed and "mean endpoint error" in printed
    assert mn.load(tmp_path / "out").policy == shipped.policy
    page = (tmp_path / "out" / "report.html").read_text()
    assert "preferred_directions/arm" in page and "batches of training" not in page, "the log is thinned"


def test_demo_of_an_unknown_network_names_those_there_are(tmp_path):
    """The error is for people, and nothing is written."""
    with pytest.raises(ValueError, match=r"nobody.*preferred_directions/arm"):
        demo(tmp_path / "out", pretrained="nobody")
    assert not (tmp_path / "out").exists()


def test_the_demo_has_the_public_schedule():
    """Its factors are those of `mn.schedules.warm_cosine`, batch by batch."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    scheduler = mn.schedules.warm_cosine(80)(optimizer)
    for batch in range(80):
        assert optimizer.param_groups[0]["lr"] == 0.5 * warm_cosine(batch, 80)
        optimizer.step()
        scheduler.step()


def test_learning_rate_rises_and_falls():
    """Fifty batches of warming up, then a cosine."""
    rates = [warm_cosine(b, 1000) for b in range(1000)]
    assert rates[0] == pytest.approx(0.02) and max(rates) > 0.98
    assert rates[:50] == sorted(rates[:50]) and rates[60:] == sorted(rates[60:], reverse=True)
    assert rates[-1] < 0.03


def test_command_line_takes_a_network_of_the_package(tmp_path, monkeypatch):
    """`--pretrained` alone is the arm of the study; a name is a name."""
    from motornet_nb.__main__ import main

    asked = []
    monkeypatch.setattr(
        "motornet_nb.demo.demo", lambda folder, **options: asked.append((folder, options["pretrained"]))
    )
    main(["demo", "--folder", str(tmp_path)])
    main(["demo", "--pretrained", "--folder", str(tmp_path)])
    main(["demo", "--pretrained", "preferred_directions/point_mass"])
    assert asked == [
        (str(tmp_path), None),
        (str(tmp_path), "preferred_directions/arm"),
        ("demo", "preferred_directions/point_mass"),
    ]


def test_command_line_explains_a_wrong_argument(tmp_path):
    """A wrong number gives one line, no traceback, and exit code 1."""
    command = [sys.executable, "-m", "motornet_nb", "demo", "--batches", "0", "--folder", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert "n_batches = 0" in run.stderr and "Traceback" not in run.stderr
