"""Any state is taken apart and comes back exactly; what cannot is refused."""

import json
import math
from collections import Counter, OrderedDict, namedtuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from states import DTYPES, same, through_a_file
from torch import nn

from motornet_nb.learning.packing import pack, unpack


@st.composite
def tensors(draw):
    "Tensors of any bits (but truth values of 0 and 1), dimensions of 0 included, sometimes not contiguous."
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    size = torch.empty(0, dtype=dtype).element_size()
    raw = draw(st.binary(min_size=math.prod(shape) * size, max_size=math.prod(shape) * size))
    if dtype == torch.bool:
        return torch.tensor([b % 2 == 1 for b in raw], dtype=dtype).reshape(shape)
    tensor = torch.tensor(list(raw), dtype=torch.uint8).view(dtype).reshape(shape)
    return tensor.transpose(0, -1) if shape and draw(st.booleans()) else tensor


texts = st.text(max_size=5)


numbers = st.integers() | st.floats()


arrays = stn.arrays(
    stn.scalar_dtypes() | stn.unicode_string_dtypes(max_len=3) | stn.byte_string_dtypes(max_len=3),
    stn.array_shapes(min_dims=0, min_side=0, max_dims=2, max_side=3),
)


leaves = st.none() | st.booleans() | numbers | texts | tensors() | arrays | arrays.map(lambda a: a.reshape(-1)[:1].sum() if a.dtype.kind in "iuf" else None)  # fmt: skip


keys = texts | st.integers()


states = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3).map(OrderedDict),
    ),
    max_leaves=12,
)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(states)
def test_any_state_comes_back_exactly(state):
    parts, facts = pack(state)
    again = unpack(parts, json.loads(json.dumps(facts)))
    assert same(state, again)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(states)
def test_any_state_comes_back_exactly_from_a_file(tmp_path_factory, state):
    assert same(through_a_file(state, tmp_path_factory.mktemp("run")), state)


EXACT = [
    None,
    True,
    -0.0,
    math.nan,
    math.inf,
    -math.inf,
    5e-324,
    0.1 + 0.2,
    2**200,
    "",
    'quotes " and \\ and \0 and ü and 😀',
    (),
    [],
    {},
    ((),),
    ([(1,)],),
    {1: "a", "1": "b", -1: "c", "": "d"},
    {"a.b": {"c": torch.ones(1)}, "a": {"b.c": torch.zeros(1)}, "a']['b": torch.ones(2), 0: torch.ones(3), "0": [torch.ones(4)]},
    Counter({2: 1, 4: 3}),
    torch.tensor(-0.0),
    torch.tensor(math.nan, dtype=torch.bfloat16),
    torch.zeros(0, 3),
    torch.zeros(2, 0, dtype=torch.int64),
    torch.tensor([2**63 - 1, -(2**63)]),
    torch.arange(6).reshape(2, 3).T,
    torch.arange(10.0)[::3],
    torch.ones(1, 2).expand(3, 2),
    torch.tensor([1 + 2j]).conj(),
    torch.tensor([1 + 2j]).conj().imag,
    torch.tensor(1j, dtype=torch.complex128),
    np.float32(0.1),
    np.float64(math.nan),
    np.int8(-1),
    np.bool_(True),
    np.str_("text"),
    np.str_(""),
    np.datetime64("2020-01-01", "ns"),
    np.complex128(1 - 0j),
    np.array(3.0),
    np.zeros((0, 2), np.uint16),
    np.array(["a", "bcd"]),
    np.array([1, 2], dtype=">i4"),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
]  # fmt: skip


@pytest.mark.parametrize("state", EXACT, ids=lambda s: repr(s)[:40])
def test_special_values_come_back_exactly_from_a_file(state, tmp_path):
    assert same(through_a_file(state, tmp_path), state)


def test_a_snapshot_shares_no_memory():
    weights, table = torch.zeros(3), np.zeros(3)
    parts, facts = pack([weights, weights, table])
    weights += 1
    table += 1
    first, second, third = unpack(parts, facts)
    first += 5
    third += 5  # NumPy arrays can be written to
    assert same(unpack(parts, facts), [torch.zeros(3), torch.zeros(3), np.zeros(3)]) and second.sum() == 0


def test_the_state_of_a_network_comes_back_with_its_versions(tmp_path):
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).double()
    state = net.state_dict()
    again = through_a_file({"policy": state}, tmp_path)["policy"]
    assert same(again, state) and same(again._metadata, state._metadata)
    other = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).double()
    other.load_state_dict(again)
    assert same(other.state_dict(), state)


class Anything:
    pass


cyclic: list = []
cyclic.append(cyclic)


@pytest.mark.parametrize(
    "thing, says",
    [
        (lambda x: x, "function"),
        (Anything(), "Anything object"),
        (Anything, "class"),
        ({1, 2}, r"\{1, 2\}"),
        (b"bytes", "b'bytes'"),
        (1j, "1j"),
        (torch.float32, r"torch\.float32"),
        (torch.Size([2]), r"torch\.Size"),
        (namedtuple("Pair", "a b")(1, 2), r"Pair\(a=1, b=2\)"),
        ("\ud83d\ude00", "proper Unicode"),
        (np.array([{}], dtype=object), r"\[\{\}\]"),
        (np.zeros(1, dtype="i4,f4"), r"\(0, 0\.0\)"),
        (np.ma.array([1.0], mask=[True]), "NumPy"),
        (nn.Parameter(torch.ones(2)), "Parameter, .*detached"),
        (torch.ones(2, requires_grad=True), "requires_grad=True.*detached"),
        (torch.ones(2).to_sparse(), "sparse"),
        (torch.ones(2, device="meta"), "on meta"),
        (torch.ones(2, dtype=torch.float8_e5m2), "float8_e5m2"),
        ({(1, 2): 3}, r"a key of state\['a'\]\[1\] = \(1, 2\)"),
        ({None: 3}, r"a key of state\['a'\]\[1\] = None"),
        ({True: 3}, r"a key of state\['a'\]\[1\] = True"),
        ({"\ud800": 3}, "a key of"),
        (cyclic, "contain itself"),
    ],
    ids=lambda x: repr(x)[:30] if isinstance(x, str) else "",
)
def test_what_cannot_come_back_is_refused_with_its_place(thing, says):
    with pytest.raises(TypeError, match=rf"pack: .*state\['a'\]\[1\].*{says}|{says}.*must be") as caught:
        pack({"a": [0, thing]})
    assert "state['a'][1]" in str(caught.value) and "is not allowed; it must be" in str(caught.value)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        [],
        None,
        {"state": {}},
        {"state": {"nothing": 1}},
        {"state": {"metadata": 1}},
        {"state": {"tensor": "nowhere"}},
        {"state": {"tensor": [1]}},
        {"state": {"dict": 3}},
        {"state": {"dict": [[[1], 2]]}},
        {"state": {"dict": [[1, 2, 3]]}},
        {"state": {"tuple": 3}},
        {"state": {"complex": "t"}},
        {"state": {"array": ["t", "<f8", [2]]}},
        {"state": {"array": ["t", "<f8", [-1]]}},
        {"state": {"array": ["t", "<f8", [2**70]]}},
        {"state": {"array": ["t", "O", [1]]}},
        {"state": {"scalar": ["0" * 16, "O", []]}},
        {"state": {"scalar": ["0" * 16, "nonsense", []]}},
        {"state": {"scalar": ["x", "<f8", []]}},
    ],
    ids=repr,
)
def test_what_pack_has_not_made_is_refused(facts):
    with pytest.raises(ValueError, match=r"unpack: facts = .* must be what pack"):
        unpack({"t": torch.zeros(8, dtype=torch.uint8)}, facts)
