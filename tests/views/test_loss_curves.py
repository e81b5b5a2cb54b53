"""The loss and its terms over batches."""

import math

import numpy as np
import pandas as pd
import pytest
from bokeh.models import Legend
from figures import drawn, shows
from worlds import network, point_mass_world

import motornet_nb as mn
from motornet_nb import views


def test_training_shows_loss_and_terms(log, caplog):
    p = views.training(log, smooth=5)
    (legend,) = p.select({"type": Legend})
    assert [i.label.value for i in legend.items] == ["loss", "position", "muscle"] and legend.click_policy == "hide"
    np.testing.assert_allclose(drawn(p, "position as logged")["value"], log["position"])
    assert drawn(p, "loss")["value"][2] == pytest.approx(log["loss"][:5].mean())
    assert math.isnan(drawn(p, "muscle as logged")["value"][7])  # 0 has no logarithm
    assert "log" in str(type(p.y_scale)).lower() and p.xaxis[0].axis_label == "batch"
    shows(p, caplog)


def test_training_takes_what_train_returns(caplog):
    env = point_mass_world(duration=0.05)
    log = mn.train(network(env), env, n_batches=3, batch_size=2, progress=False)
    for given in (log, log.to_xarray()):
        p = views.training(given)
        assert len(drawn(p, "loss")["value"]) == 3
        shows(p, caplog)
    shows(views.training(log.iloc[:1], terms=["gradient_norm"]), caplog)


def test_several_networks_have_a_thin_line_each_and_a_median(caplog):
    "Also from a Dataset; the median is that of the running means."
    env = point_mass_world(duration=0.05)
    log = mn.train(
        [network(env, seed=i) for i in range(3)], env, n_batches=4, batch_size=2, progress=False, engine="eager"
    ).log
    for given in (log, log.to_xarray()):
        p = views.training(given, smooth=1)
        each = drawn(p, "muscle of each network")
        assert each["network"] == ["0", "1", "2"]
        np.testing.assert_allclose(each["ys"][1], log["muscle"].loc[1])
        np.testing.assert_allclose(drawn(p, "muscle")["value"], log["muscle"].groupby("batch").median())
        assert (
            "3 networks" in p.title.text and p.y_range.start < log["kernel"].min() < log["loss"].max() < p.y_range.end
        )
        shows(p, caplog)
    with pytest.raises(ValueError, match="by replicate and batch"):
        views.training(log.swaplevel())


def test_long_training_is_thinned():
    long = pd.DataFrame({"loss": np.ones(30_000)}, index=pd.Index(np.arange(30_000), name="batch"))
    assert len(drawn(views.training(long), "loss")["value"]) <= 2000


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds: views.training(ds), "log = .* table that train"),
        (lambda ds: views.training(pd.DataFrame({"loss": []})), "at least one row"),
        (lambda ds: views.training(pd.DataFrame({"loss": [1.0]}), terms=["hope"]), "terms = 'hope' .* loss"),
        (lambda ds: views.training(pd.DataFrame({"loss": [1.0]}), smooth=0), "smooth = 0"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_in_words(ds, call, says):
    with pytest.raises((ValueError, TypeError), match=f"(?s){says}"):
        call(ds)
