"""From a run to networks with a card, and back."""

import json

import pytest
import torch

import motornet_nb as mn
from motornet_nb.results.shipped import play_tests, pretrained
from motornet_nb.studies.curl import CURL, examination
from motornet_nb.studies.shipping import ship

TESTS = {"8 reaches": examination()}


@pytest.fixture(scope="module")
def shipped(curl_run, tmp_path_factory):
    "A folder with the networks of the smallest run, and only the first one of those that have adapted."
    folder = tmp_path_factory.mktemp("shipped")
    ship(curl_run.folder, "naive", folder, "networks that know no field", TESTS)
    assert ship(curl_run.folder, "adapted", folder, "one that does", TESTS, 1) == folder / "curl_field" / "adapted"
    return folder


def test_the_card_is_complete(shipped):
    """What they are, how they were made, how to make them again, and what they do."""
    card = pretrained("curl_field/naive", folder=shipped).card
    assert card["about"] == "networks that know no field" and card["license"] == "Apache-2.0"
    assert card["command"] == "python -m motornet_nb study curl_field --size smoke --seed 3"
    assert card["settings"] == dict(CURL["smoke"]) and card["study"] == "curl_field" and card["size"] == "smoke"
    assert card["networks"] == 2 and card["seeds"] == [3, 4] and card["batches"] == 3
    assert card["body"] == "RigidTendonArm26" and card["task"] == "DelayedReach"
    assert card["versions"] == {"motornet_nb": mn.__version__, "torch": torch.__version__}
    assert len(card["loss"]) == 2 and len(card["date"]) == 10
    (test,) = card["tests"]
    assert test["name"] == "8 reaches" and len(test["measures"]["endpoint_error"]) == 2


def test_the_networks_are_those_of_the_run(shipped, curl_run):
    """To the bit, the first ones if not all are kept; with environment, loss and log."""
    for group, n in (("naive", 2), ("adapted", 1)):
        run, found = mn.load(curl_run.folder / group), pretrained(f"curl_field/{group}", folder=shipped)
        assert len(found.policy) == n and found.policy.seeds == run.policy.seeds[:n]
        for i in range(n):
            for a, b in zip(found.policy[i].parameters(), run.policy[i].parameters(), strict=True):
                assert torch.equal(a, b)
        assert found.environment.to_config() == run.environment.to_config()
        assert set(found.log.index.get_level_values("replicate")) == set(range(n))
        assert found.card["loss"][0] == pytest.approx(run.log.loc[0]["loss"].mean(), abs=1e-5)


def test_the_card_s_numbers_come_again(shipped):
    for group, n in (("naive", 2), ("adapted", 1)):
        table = play_tests(pretrained(f"curl_field/{group}", folder=shipped))
        assert len(table.xs("endpoint_error", level="measure")) == n
        assert abs(table["card"] - table["again"]).max() <= 5.1e-6  # rounded to a hundredth of a millimetre


def test_a_card_that_is_wrong_is_seen(shipped, tmp_path):
    """Numbers of another network do not come again."""
    for name in ("experiment.json", "weights.safetensors", "log.csv", "card.json"):
        to = tmp_path / "curl_field" / "naive" / name
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes((shipped / "curl_field" / "naive" / name).read_bytes())
    card = json.loads(to.read_text())
    card["tests"][0]["measures"]["endpoint_error"].reverse()
    to.write_text(json.dumps(card))
    table = play_tests(pretrained("curl_field/naive", folder=tmp_path))
    assert abs(table["card"] - table["again"]).max() > 1e-5


def test_their_own_table(shipped):
    table = pretrained(folder=shipped)
    assert table.index.tolist() == ["curl_field/adapted", "curl_field/naive"]
    assert table["networks"].tolist() == [1, 2] and table["batches"].tolist() == [2, 3]


def test_a_group_that_there_is_not(curl_run, tmp_path):
    with pytest.raises(ValueError, match="group"):
        ship(curl_run.folder, "perturbed", tmp_path, "nobody", TESTS)
    assert list(tmp_path.iterdir()) == []
