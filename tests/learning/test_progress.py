"""What callbacks and the log get to know, and the bar."""

import json
import math

import numpy as np
from short_trainings import quick
from worlds import network, point_mass_world

from motornet_nb.learning.progress import Progress


def test_the_log_has_one_row_a_batch():
    "Loss, every weighted term, gradient norm, learning rate and time; terms sum to the loss."
    log, _ = quick()
    terms = ["position", "muscle", "hidden", "hidden_rate", "kernel"]
    assert list(log.columns) == ["loss", *terms, "gradient_norm", "learning_rate", "seconds"]
    assert log.index.name == "batch" and log.index.tolist() == [0, 1, 2]
    np.testing.assert_allclose(log[terms].sum(axis=1), log["loss"], rtol=1e-6)
    assert (log["learning_rate"] == 1e-3).all() and (log["seconds"] > 0).all() and (log["gradient_norm"] > 0).all()
    json.dumps(log.to_dict("list"))


def test_callbacks_see_the_progress():
    "After every batch, in order: batch, loss, terms, policy, log so far."
    seen = []

    def first(progress):
        seen.append((progress.batch, progress.loss, dict(progress.terms), progress.log.copy(), progress.policy))

    order = []
    log, net = quick(callbacks=[first, lambda p: order.append(len(seen))])
    assert [s[0] for s in seen] == order == [1, 2, 3]
    for i, (_, loss, terms, table, policy) in enumerate(seen):
        assert loss == log["loss"][i] and policy is net and len(table) == i + 1
        assert terms == {name: log[name][i] for name in terms} and len(terms) == 5
    assert seen[0][3].equals(log.iloc[:1])


def test_progress_before_and_after_a_bad_batch():
    "No rows: nothing to tell. All bad: NaN."
    env = point_mass_world()
    state = Progress(network(env), env, 3)
    assert math.isnan(state.loss) and state.terms == {} and len(state.log) == 0
    state.rows.append({"batch": 0, "loss": math.nan, "effort": 1.0, "gradient_norm": 1.0})
    assert math.isnan(state.loss) and state.terms == {"effort": 1.0}


def test_progress_bar(capsys):
    "Shown on request, silent otherwise; it says what it waits for and which engine runs."
    quick()
    assert capsys.readouterr().err == ""
    log, _ = quick(progress=True)
    err = capsys.readouterr().err
    assert "training (eager): 100%" in err and "3/3" in err and f"loss={log['loss'].iloc[-1]:.4f}" in err
    quick(progress=True, engine="auto")
    err = capsys.readouterr().err
    assert "building the engine:   0%" in err and "training (fused): 100%" in err
