"""The networks that come with the package: what their cards say, they still do."""

import pytest
import torch

import motornet_nb as mn
from motornet_nb.results.shipped import SHIPPED, measures_of, play_tests, pretrained

NAMES = pretrained().index.tolist()


def test_a_table_of_all():
    """One row each, with what one chooses by; what is there for the studies of the paper is complete."""
    table = pretrained()
    assert table.columns.tolist() == ["networks", "body", "task", "batches", "endpoint_error", "about"]
    assert table.index.name == "name" and table.index.is_unique and table.index.tolist() == sorted(NAMES)
    assert {"curl_field/naive", "curl_field/adapted", "preferred_directions/arm"} <= set(NAMES)
    assert (table["networks"] >= 4).all() and (table["batches"] > 0).all()
    assert (table["endpoint_error"] < 0.025).all() and (table["about"].str.len() > 20).all()


def test_all_of_them_are_small():
    """At most 5 MB."""
    assert sum(p.stat().st_size for p in SHIPPED.rglob("*") if p.is_file()) <= 5_000_000


@pytest.mark.parametrize("name", NAMES)
def test_the_card_s_numbers_come_again(name):
    """Every test of the card, every network, to a tenth of a millimetre."""
    networks = pretrained(name)
    table = play_tests(networks)
    assert set(table.index.get_level_values("network")) == set(range(networks.card["networks"]))
    assert set(table.index.get_level_values("test")) == set(networks.tests())
    assert abs(table["card"] - table["again"]).max() <= 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_with_the_networks(name):
    """Environment and loss of the training, a thinned log of each network, and a card in words."""
    found = pretrained(name)
    assert found.name == name and len(found.policy) == len(found.card["seeds"]) == found.card["networks"]
    assert found.loss is not None and found.card["body"] == found.environment.effector.name
    rows = found.log.groupby("replicate").size()
    assert len(rows) == found.card["networks"] and (rows <= 60).all()
    assert found.log.index.get_level_values("batch").max() < found.card["batches"]
    assert found.card["command"] in repr(found) and name in repr(found) and found.card["date"] in repr(found)


def test_one_network_by_itself():
    """It is the one among all; no other is loaded with it."""
    every, one = pretrained("curl_field/adapted"), pretrained("curl_field/adapted", 2)
    assert isinstance(one.policy, mn.PolicyGRU)
    for a, b in zip(one.policy.parameters(), every.policy[2].parameters(), strict=True):
        assert torch.equal(a, b)
    test = every.card["tests"][0]
    now = measures_of(one.policy, every.tests()[test["name"]])
    assert now["endpoint_error"] == pytest.approx([test["measures"]["endpoint_error"][2]], abs=1e-4)


def test_it_goes_on_learning():
    """A network that was loaded can be trained as any other."""
    found = pretrained("curl_field/naive", 0)
    before = [p.detach().clone() for p in found.policy.parameters()]
    log = mn.train(
        found.policy, found.environment, loss=found.loss, n_batches=1, batch_size=4, engine="eager", progress=False
    )
    assert len(log) == 1 and any(not torch.equal(a, b) for a, b in zip(before, found.policy.parameters(), strict=True))


def test_unknown_names_and_replicates():
    with pytest.raises(ValueError, match="curl_field/adapted"):
        pretrained("curl_field/adopted")
    for replicate in (5, -1, 0.5, "first"):
        with pytest.raises(ValueError, match="0 to 4"):
            pretrained("curl_field/adapted", replicate)


def test_an_empty_folder(tmp_path):
    assert len(pretrained(folder=tmp_path)) == 0
    with pytest.raises(ValueError, match="name"):
        pretrained("curl_field/adapted", folder=tmp_path)
