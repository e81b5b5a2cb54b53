"""Networks that come with the package: the table, one of several, the card in words and as HTML."""

import html
import json
import shutil

import numpy as np
import pytest
import torch

import motornet_nb as mn
from motornet_nb.results.shipped import SHIPPED, play_tests

ARM = "preferred_directions/arm"
NAMES = mn.pretrained().index.tolist()


def test_the_table_has_what_the_cards_say():
    table = mn.pretrained()
    names = sorted("/".join(path.parts[-3:-1]) for path in SHIPPED.glob("*/*/card.json"))
    assert list(table.index) == names and ARM in names
    assert list(table.columns) == ["networks", "body", "task", "batches", "endpoint error (cm)", "about"]
    card = json.loads((SHIPPED / ARM / "card.json").read_text())
    mean = np.mean(card["tests"][0]["measures"]["endpoint_error"])
    assert table.loc[ARM, "endpoint error (cm)"] == pytest.approx(100 * mean, abs=0.005)
    assert table.loc[ARM, "body"] == "RigidTendonArm26" and table.loc[ARM, "networks"] == len(card["seeds"])


def test_one_of_several_has_its_own_weights_log_and_numbers():
    whole, one = mn.pretrained(ARM), mn.pretrained(ARM, replicate=3)
    assert one.policy == whole.policy[3] and one.replicate == 3 and whole.replicate is None
    assert one.log.equals(whole.log.xs(3, level="replicate"))
    card = one.card
    assert (
        f"1 network, seed {card['seeds'][3]};" in one.text and f"loss at the end: {card['loss'][3]:.3g}\n" in one.text
    )
    assert f"seeds {', '.join(map(str, card['seeds']))};" in whole.text
    again = play_tests(one)
    assert set(again.index.get_level_values("network")) == {3}
    assert again.loc[("24 reaches", "endpoint_error", 3), "card"] == card["tests"][0]["measures"]["endpoint_error"][3]
    assert np.allclose(again["card"], again["again"], atol=2e-4)


def test_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match=f"nobody.*{ARM}"):
        mn.pretrained("nobody")
    for wrong in (8, -1, 0.5, True):
        with pytest.raises(ValueError, match="0 to 7"):
            mn.pretrained(ARM, replicate=wrong)


@pytest.mark.parametrize("replicate", [None, 5])
def test_the_card_shows_how_they_were_made_and_what_they_do(replicate):
    networks = mn.pretrained(ARM, replicate=replicate)
    page, card = networks._repr_html_(), networks.card
    words = html.unescape(page)
    for said in (ARM, card["about"], card["date"], card["command"], "learning rate 0.007", card["versions"]["torch"]):
        assert said in words, said
    cm = [100 * v for v in networks.of_networks(card["tests"][0]["measures"]["endpoint_error"])]
    assert f">{np.mean(cm):.2f}<" in page and (">mean (cm)<" in page) == (replicate is None)
    assert ("each network" in page) == (replicate is None) and ("network 5 of 8" in page) == (replicate == 5)
    assert "<svg" in page and "<script" not in page


def test_the_card_escapes_what_is_written_on_it(tmp_path):
    shutil.copytree(SHIPPED / ARM, tmp_path / "mine" / "arm")
    path = tmp_path / "mine" / "arm" / "card.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"about": "<b>a & b", "command": "make <it>"}))
    page = mn.pretrained("mine/arm", folder=tmp_path)._repr_html_()
    assert "&lt;b&gt;a &amp; b" in page and "make &lt;it&gt;" in page and "make <it>" not in page


def test_the_networks_are_not_shared():
    "A network that is loaded twice is two networks."
    first, second = (mn.pretrained(ARM, replicate=0).policy for _ in range(2))
    with torch.no_grad():
        next(first.parameters()).add_(1.0)
    assert first != second


# ---- all of them ---------------------------------------------------------------------------------------------------


def test_all_of_them_are_there_small_and_good():
    """Those of each study that trains; at most 5 MB; endpoint errors below 2.5 cm."""
    assert {"curl_field/naive", "curl_field/adapted", "preferred_directions/point_mass"} <= set(NAMES)
    assert {"perturbations/perturbed", "perturbations/unperturbed"} <= set(NAMES)
    assert sum(p.stat().st_size for p in SHIPPED.rglob("*") if p.is_file()) <= 5_000_000
    table = mn.pretrained()
    assert (
        (table["networks"] >= 4).all() and (table["batches"] > 0).all() and (table["endpoint error (cm)"] < 2.5).all()
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_card_s_numbers_come_again(name):
    """Every test of the card, every network, to a tenth of a millimetre."""
    networks = mn.pretrained(name)
    table = play_tests(networks)
    assert set(table.index.get_level_values("network")) == set(range(networks.card["networks"]))
    assert set(table.index.get_level_values("test")) == set(networks.tests())
    assert abs(table["card"] - table["again"]).max() <= 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_with_the_networks(name):
    """Environment and loss of the training, a thinned log of each network, and a card in words."""
    found = mn.pretrained(name)
    assert found.name == name and len(found.policy) == len(found.card["seeds"]) == found.card["networks"]
    assert found.loss is not None and found.card["body"] == found.environment.effector.name
    rows = found.log.groupby("replicate").size()
    assert len(rows) == found.card["networks"] and (rows <= 60).all()
    assert found.log.index.get_level_values("batch").max() < found.card["batches"]
    assert found.card["command"] in repr(found) and name in repr(found) and found.card["date"] in repr(found)


def test_it_goes_on_learning():
    """A network that was loaded can be trained as any other."""
    found = mn.pretrained("curl_field/naive", replicate=0)
    before = [p.detach().clone() for p in found.policy.parameters()]
    once = {"n_batches": 1, "batch_size": 4, "engine": "eager", "progress": False}
    log = mn.train(found.policy, found.environment, loss=found.loss, **once)
    assert len(log) == 1 and any(not torch.equal(a, b) for a, b in zip(before, found.policy.parameters(), strict=True))


def test_an_empty_folder(tmp_path):
    assert len(mn.pretrained(folder=tmp_path)) == 0
    with pytest.raises(ValueError, match="name"):
        mn.pretrained(ARM, folder=tmp_path)
