"""The report: one page, everything in it, nothing from elsewhere."""

import html
import html.parser
import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from worlds import Perceptron, arm, network, point_mass_world

import motornet_nb as mn
from motornet_nb.results.kinematics import reach_kinematics
from motornet_nb.views.report import DISPLAYED, format_measure, write_report


class Page(html.parser.HTMLParser):
    "What a browser would load, and what a reader sees."

    def __init__(self, text):
        super().__init__()
        self.loaded, self.headings, self.cells, self.words, self._inside = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.loaded += [
            value for name, value in attrs if name in ("src", "href", "data", "action") and value != "data:,"
        ]
        if tag not in ("meta", "link", "br"):
            self._inside.append(tag)

    def handle_endtag(self, tag):
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data):
        inside = self._inside[-1] if self._inside else ""
        if inside in ("h1", "h2"):
            self.headings.append(data)
        elif inside == "td":
            self.cells.append(data)
        if not {"script", "style"} & set(self._inside):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


@pytest.fixture(scope="module")
def experiment():
    body = arm()
    training = mn.Environment(body, mn.DelayedReach(), duration=0.3, vision_delay=0.05, proprioception_delay=0.02)
    testing = mn.Environment(
        body, mn.CenterOutReach(n_targets=4), duration=0.3, vision_delay=0.05, proprioception_delay=0.02
    )
    net = network(training)
    log = mn.train(net, training, n_batches=3, batch_size=4, progress=False)
    return training, log, mn.simulate(net, testing, seed=7)


@pytest.fixture(scope="module")
def written(experiment, tmp_path_factory):
    training, log, ds = experiment
    path = tmp_path_factory.mktemp("report") / "deep" / "report.html"
    assert write_report(path, ds, log=log, environment=training, title="Four reaches") == path
    return path.read_text(encoding="utf-8")


def test_sections(written):
    page = Page(written)
    assert page.headings == [
        "Four reaches",
        "Hand paths",
        "Reaches in numbers",
        "Kinematics",
        "Muscles",
        "Training",
        "The experiment",
    ]


def test_the_page_asks_for_nothing(written):
    assert Page(written).loaded == []
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', written)
    assert policy.startswith("default-src 'none'") and "http" not in policy
    assert "Bokeh" in written and len(written) < 4e6


def test_the_figures_are_in_the_page(written, experiment):
    (documents,) = re.findall(r"const docs_json = '(.*)';", written) or re.findall(r"docs_json = (\{.*\});", written)
    names = set(re.findall(r'"name":"([^"]*)"', documents))
    assert {"paths 90°", "Hand speed 90°", "Elbow 270°", "mean Biceps", "loss"} <= {
        re.sub(r"\\+u00b0", "°", n) for n in names
    }
    assert "CustomJS" in documents


def test_numbers_of_the_table_are_those_of_the_data(written, experiment):
    _, _, ds = experiment
    kinematics = reach_kinematics(ds)
    cells = Page(written).cells
    for name in DISPLAYED:
        for value in kinematics[name]:
            assert format_measure(name, value, unit=False) in cells
    assert format_measure("endpoint_error", kinematics["endpoint_error"].mean()) in Page(written).text


def test_the_experiment_is_described(written, experiment):
    text = re.sub(r"\s+", " ", Page(written).text)
    for words in (
        "RigidTendonArm26: TwoDofArm, 6 muscles (RigidTendonHillMuscleThelen), steps of 10 ms",
        "vision 50 ms, proprioception 20 ms late",
        "PolicyGRU: 12 units, 19 inputs, 6 outputs",
        "DelayedReach()",
        "CenterOutReach(n_targets=4)",
        "3 batches",
        "seed 7",
        f"motornet_nb {mn.__version__}",
    ):
        assert words in text, words


def test_configuration_in_the_page_rebuilds_the_environment(written, experiment):
    _, _, ds = experiment
    (text,) = re.findall(r"<pre>(.*?)</pre>", written, re.DOTALL)
    assert mn.from_config(json.loads(html.unescape(text))) == mn.from_config(json.loads(ds.attrs["config"]))


@pytest.fixture(scope="module")
def small():
    "Results that are quickly drawn."
    env = point_mass_world(mn.CenterOutReach(n_targets=2, go_time=0.02))
    return mn.simulate(network(env), env)


def test_given_kinematics_are_shown(small, tmp_path):
    kinematics = reach_kinematics(small, angle_at=0.01)
    kinematics["endpoint_error"] = 0.0777
    assert "7.77" in Page(write_report(tmp_path / "r.html", small, kinematics=kinematics).read_text()).cells


def test_texts_are_escaped(small, tmp_path):
    odd = small.assign_coords(condition=("trial", ["<img src=x>", "</script><b>"])).assign_attrs(
        policy_class="<i>Net</i>"
    )
    page = write_report(tmp_path / "r.html", odd, title="<script>alert(1)</script> & more").read_text()
    assert Page(page).headings[0] == "<script>alert(1)</script> & more" and Page(page).loaded == []
    assert "<script>alert" not in page and "<img src=x>" not in page and "<i>Net" not in page


def test_units_of_readers():
    assert format_measure("endpoint_error", 0.0049) == "0.49 cm" and format_measure("reaction_time", 0.1234) == "123 ms"
    assert (
        format_measure("target_direction", np.pi) == "180°"
        and format_measure("max_lateral_deviation", -0.01) == "−1.00 cm"
    )
    assert format_measure("movement_time", np.nan) == "–"


def results(which):
    "Results that lack something."
    if which == "catch trials only":
        env = point_mass_world(mn.PosturalHold(n_test_trials=2))
    elif which == "a line":
        mass = mn.Effector(mn.PointMass(space_dim=1), mn.ReluMuscle()).add_muscle(
            [0, 1], [[1.0], [0.0]], max_isometric_force=10
        )
        env = mn.Environment(mass, mn.RandomTargetReach(n_test_trials=3), duration=0.1)
    elif which == "a function as load":
        env = point_mass_world(
            mn.RandomTargetReach(loads=[lambda state, time, trial: state.endpoint_velocity], n_test_trials=2)
        )
    elif which == "many random trials":
        env = point_mass_world(mn.DelayedReach(n_test_trials=230))
    elif which == "float64":
        env = mn.Environment(mn.ReluPointMass24(dtype=torch.float64), mn.CenterOutReach(go_time=0.02), duration=0.1)
    else:
        env = point_mass_world(mn.CenterOutReach(go_time=0.02))
    ds = mn.simulate(Perceptron(env.n_observations, env.n_actions) if which == "no memory" else network(env), env)
    if which == "one trial":
        return ds.isel(trial=1)
    if which == "bare":
        return ds[["endpoint_position", "start_position", "goal_position"]].drop_attrs().reset_coords(drop=True)
    return ds


WHICH = (
    "catch trials only",
    "a line",
    "a function as load",
    "many random trials",
    "float64",
    "no memory",
    "one trial",
    "bare",
)


@pytest.mark.parametrize("which", WHICH)
def test_results_that_lack_something(which, tmp_path):
    page = Page(write_report(tmp_path / "r.html", results(which)).read_text())
    assert page.loaded == [] and "Training" not in page.headings
    assert ("Hand paths" in page.headings) == (which != "a line") and "nan" not in page.text.lower().split()


def test_an_empty_log_is_no_training(experiment, small, tmp_path):
    _, log, _ = experiment
    page = Page(write_report(tmp_path / "r.html", small, log=log.iloc[:0]).read_text())
    assert "Training" not in page.headings


def test_an_older_page_is_replaced_whole(small, tmp_path):
    (tmp_path / "r.html").write_text("old")
    with pytest.raises(TypeError):
        write_report(tmp_path / "r.html", small.drop_vars("endpoint_position"))
    assert (tmp_path / "r.html").read_text() == "old"
    write_report(tmp_path / "r.html", small)
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"] and "Reaches in numbers" in (
        tmp_path / "r.html"
    ).read_text()


@pytest.mark.parametrize(
    "arguments, says",
    [
        ({"environment": 3}, "environment = 3 .* an Environment"),
        ({"title": None}, "title = None .* a text"),
        ({"ds": pd.DataFrame()}, "ds = .* a Dataset"),
        ({"log": 3}, "log = 3 .* table that train"),
        ({"kinematics": 3}, "kinematics = 3 .* reach_kinematics"),
    ],
)
def test_wrong_arguments_are_refused(small, tmp_path, arguments, says):
    with pytest.raises(TypeError, match=f"(?s)write_report: {says}"):
        write_report(tmp_path / "r.html", **{"ds": small} | arguments)
