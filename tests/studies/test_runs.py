"""Runs of studies: their folders, what goes on and what is refused, thinned logs, tables, and the command line."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from scipy.stats import ttest_1samp
from worlds import network, point_mass_world

import motornet_nb as mn
from motornet_nb.__main__ import main
from motornet_nb.studies.runs import StudyRun, log_dataset, over_networks, summary

SIZES = {"smoke": {"networks": 2, "batches": 3}, "full": {"networks": 2, "batches": 4}}


def run(folder=None, **arguments):
    return StudyRun(
        **{"name": "example", "sizes": SIZES, "size": "smoke", "folder": folder, "progress": False} | arguments
    )


def trained(study, n_batches=3, **options):
    env = point_mass_world()
    first = study.networks(lambda: network(env), study.settings["networks"])
    return study.trained("reach", first, env, n_batches=n_batches, batch_size=4, engine="eager", **options)


# ---- sizes and folders ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"size": "huge"}, "smoke, full"),
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"replicates": 0}, "replicates"),
        ({"replicates": 1.5}, "replicates"),
    ],
)
def test_what_is_refused(arguments, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        run(tmp_path / "run", **arguments)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"size": "full"}, {"name": "another"}, {"replicates": 3}], ids=lambda x: next(iter(x))
)
def test_a_folder_is_of_one_run(other, tmp_path):
    """The same run may go on in it; another one is refused, and what the folder says stays."""
    run(tmp_path / "run", seed=1)
    said = (tmp_path / "run" / "study.json").read_text()
    what = {"study": "example", "size": "smoke", "seed": 1, "replicates": None, "settings": SIZES["smoke"]}
    assert json.loads(said) == what
    run(tmp_path / "run", seed=1)
    with pytest.raises(ValueError, match="another run needs another folder"):
        run(tmp_path / "run", **{"seed": 1} | other)
    assert (tmp_path / "run" / "study.json").read_text() == said


def test_replicates_instead_of_the_size_s_number():
    assert run(replicates=5).settings == {"networks": 5, "batches": 3} and SIZES["smoke"]["networks"] == 2


def test_networks_have_seeds_of_their_own():
    """Network i of seed s is the first one of seed s + i; torch's own chance is left alone."""

    def make():
        return mn.PolicyGRU(6, 4, 2)

    torch.manual_seed(0)
    before = torch.get_rng_state()
    several = run(seed=4).networks(make, 3)
    assert torch.equal(torch.get_rng_state(), before) and several.seeds == [4, 5, 6]
    alone = run(seed=6).networks(make, 1)
    for a, b in zip(several[2].parameters(), alone[0].parameters(), strict=True):
        assert torch.equal(a, b)
    assert any(not torch.equal(a, b) for a, b in zip(several[0].parameters(), several[1].parameters(), strict=True))


# ---- training ------------------------------------------------------------------------------------------------------


def assert_same_weights(one, other):
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_what_is_trained_is_a_copy_that_is_kept(tmp_path):
    """The networks that came in stay; the folder has a saved experiment with the log, and checkpoints."""
    study, env = run(tmp_path / "run"), point_mass_world()
    first = study.networks(lambda: network(env), 2)
    before = [p.detach().clone() for p in first.parameters()]
    learnt = study.trained("reach", first, env, n_batches=3, batch_size=4, engine="eager", loss=mn.ReachLoss())
    for old, new in zip(before, first.parameters(), strict=True):
        assert torch.equal(old, new)
    assert any(not torch.equal(old, new) for old, new in zip(before, learnt.parameters(), strict=True))
    kept = mn.load(tmp_path / "run" / "reach")
    assert_same_weights(kept.policy, learnt)
    pd.testing.assert_frame_equal(kept.log, learnt.log, check_exact=True)
    assert kept.environment.to_config() == env.to_config() and isinstance(kept.loss, mn.ReachLoss)


def test_a_training_that_is_done_is_not_repeated(tmp_path):
    """The second call calls nobody after a batch, and has the same weights and optimiser."""
    study = run(tmp_path / "run")
    first = trained(study)
    again_study, seen = run(tmp_path / "run"), []
    again = trained(again_study, callbacks=[lambda progress: seen.append(progress.batch)])
    assert seen == []
    assert_same_weights(first, again)
    assert study.optimizer_states["reach"].digest == again_study.optimizer_states["reach"].digest


def test_a_training_goes_on(tmp_path):
    """Interrupted after two of three batches, then from there: as in one go, with and without a folder."""

    def stop(progress):
        if progress.batch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(run(tmp_path / "run"), callbacks=[stop])
    seen = []
    went_on = trained(run(tmp_path / "run"), callbacks=[lambda progress: seen.append(progress.batch)])
    assert seen == [3]
    assert_same_weights(went_on, trained(run()))


def test_the_tree_says_what_it_is_of(tmp_path):
    tree = run(tmp_path / "run", seed=7).keep({"/measures": xr.Dataset({"error": ("replicate", [0.1, 0.2])})})
    assert tree.name == "example" and tree.attrs["seed"] == 7 and tree.attrs["size"] == "smoke"
    assert json.loads(tree.attrs["settings"]) == SIZES["smoke"]
    assert tree.attrs["motornet_nb"] == mn.__version__ and tree.attrs["torch"] == torch.__version__
    with xr.open_datatree(tmp_path / "run" / "results.nc", engine="h5netcdf") as kept:
        assert kept.attrs["created"] == tree.attrs["created"]
        xr.testing.assert_equal(kept["measures"].to_dataset().load(), tree["measures"].to_dataset())


def test_words_only_where_progress_is_shown(capsys):
    run().say("testing")
    assert capsys.readouterr().out == ""
    run(progress=True).say("testing")
    assert capsys.readouterr().out == "example (smoke): testing\n"


# ---- logs and tables -----------------------------------------------------------------------------------------------


def log(n):
    index = pd.MultiIndex.from_product([range(2), range(n)], names=["replicate", "batch"])
    rng = np.random.default_rng(n)
    return pd.DataFrame({"loss": rng.random(2 * n), "seconds": 1.0, "gradient_norm": rng.random(2 * n)}, index=index)


@pytest.mark.parametrize(("n", "rows", "wide"), [(7, 400, 1), (400, 400, 1), (401, 400, 2), (1000, 400, 3), (10, 4, 3)])
def test_a_log_is_thinned_to_means(n, rows, wide):
    """Each row is the mean of as many batches as there are up to the next one; the last one of what is left."""
    given = log(n)
    thin = log_dataset(given, rows)
    assert set(thin.data_vars) == {"loss", "gradient_norm"}
    assert thin["batch"].values.tolist() == list(range(0, n, wide)) and len(thin["batch"]) <= rows
    for name in thin.data_vars:
        for k in range(2):
            own = given[name].xs(k, level="replicate").to_numpy()
            means = [own[i : i + wide].mean() for i in range(0, n, wide)]
            np.testing.assert_allclose(thin[name].sel(replicate=k), means, rtol=1e-12)


def test_intervals_over_networks():
    """Student's, as scipy has it; a row for each push; a network without a value does not count."""
    values = np.array([[0.1, 1.0], [0.2, 3.0], [0.4, np.nan]])
    ds = xr.Dataset(
        {
            "peak": (("replicate", "push"), values, {"units": "m"}),
            "share": ("replicate", [0.5, 0.6, 0.7], {"units": "1"}),
            "paths": (("replicate", "trial", "time"), np.zeros((3, 2, 2))),
            "of_all": ((), 1.0),
        },
        {"push": ("push", [6.0, 12.0], {"units": "N"})},
    )
    table = over_networks(ds)
    assert table.index.tolist() == ["peak, 6 N", "peak, 12 N", "share"]
    assert table["networks"].tolist() == [3, 2, 3] and table["unit"].tolist() == ["m", "m", "1"]
    assert table.loc["peak, 12 N", ["mean", "least", "most"]].tolist() == [2, 1, 3]
    for row, x in (("peak, 6 N", values[:, 0]), ("peak, 12 N", values[:2, 1])):
        np.testing.assert_allclose(
            table.loc[row, ["low", "high"]].astype(float), ttest_1samp(x, 0).confidence_interval()
        )
    narrow = over_networks(ds, 0.5)
    assert (narrow["high"] - narrow["low"] < table["high"] - table["low"]).all()
    one = over_networks(ds.isel(replicate=[0]))
    assert one["mean"].notna().all() and one[["low", "high"]].isna().all().all()


def test_the_interval_covers_what_it_should():
    """The true mean lies in 95 % of the intervals of five normal numbers each."""
    rng = np.random.default_rng(0)
    several = xr.Dataset({"x": (("replicate", "study"), rng.normal(3, 2, (5, 2000)))})
    table = over_networks(several)
    assert ((table["low"] < 3) & (table["high"] > 3)).mean() == pytest.approx(0.95, abs=0.015)


def test_summary_has_outcomes_in_words():
    """Angles in degrees, units, one table for each set of dimensions; no courses over time."""
    parts = {
        "/measures": xr.Dataset(
            {
                "error": ("replicate", [0.125, 0.25], {"units": "m"}),
                "axis": ("replicate", [np.pi / 2, np.pi], {"units": "rad"}),
                "share": ("replicate", [0.5, 1.0], {"units": "1"}),
                "course": (("replicate", "time"), np.zeros((2, 200))),
            }
        ),
        "/log": xr.Dataset({"loss": ("batch", [1.0])}),
    }
    words = summary(run(seed=5).keep(parts))
    assert words.startswith("example, smoke, seed 5\n\n/measures\n")
    assert "error (m)" in words and "axis (deg)" in words and "share" in words
    assert "0.125" in words and "180" in words and "course" not in words and "loss" not in words


# ---- the command line ----------------------------------------------------------------------------------------------


def test_the_command_line_runs_a_study_and_shows_its_table(tmp_path):
    command = [sys.executable, "-m", "motornet_nb", "study", "geometry", "--size", "smoke", "--quiet"]
    done = subprocess.run([*command, "--folder", str(tmp_path / "run")], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("geometry, smoke, seed 0") and "/" in done.stdout
    assert json.loads((tmp_path / "run" / "study.json").read_text())["study"] == "geometry"
    assert (tmp_path / "run" / "results.nc").is_file()


@pytest.mark.parametrize("wrong", [["--size", "huge"], ["--seed", "-1"]])
def test_the_command_line_says_in_a_line_what_is_wrong(wrong, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["study", "geometry", "--folder", str(tmp_path / "run"), *wrong])
    said = capsys.readouterr()
    assert end.value.code == 1 and said.out == ""
    assert said.err.startswith("motornet_nb: geometry") and said.err.count("\n") == 1
