"""Numbers without the graph they came from."""

import copy
import dataclasses
from typing import NamedTuple

import torch

from motornet_nb.core.detached import without_history


class Pair(NamedTuple):
    a: torch.Tensor
    b: object


@dataclasses.dataclass(frozen=True)
class Held:
    state: dict
    steps: int = 3


def test_tensors_in_whatever_holds_them():
    "Keep their numbers and lose their graph; leaves and everything else stay the very same."
    leaf = torch.tensor(2.0, requires_grad=True)
    graph = 3 * leaf
    held = Held({"pair": Pair(graph, [leaf, (graph, "text", None)])})
    free = without_history(held)
    assert type(free) is Held and type(free.state["pair"]) is Pair and free.steps == 3
    assert free.state["pair"].a == 6 and not free.state["pair"].a.requires_grad
    inner = free.state["pair"].b
    assert (
        inner[0] is leaf
        and type(inner[1]) is tuple
        and not inner[1][0].requires_grad
        and inner[1][1:] == ("text", None)
    )
    assert graph.requires_grad and held.state["pair"].a is graph
    copy.deepcopy(free)


def test_what_holds_nothing():
    "Comes back as it is, classes of data included."
    assert without_history(None) is None and without_history(3) == 3 and without_history(Held) is Held
    assert without_history([]) == [] and without_history(()) == ()
