"""A step as JavaScript in a browser gives what PyTorch gives, operation by operation, and refuses what the fused engine refuses."""

import pytest
import torch
from fused_referee import DOUBLE, RICH_TAPS, SINGLE, assert_close, normal, rich, rich_parameters, rich_rest
from fused_table import TABLE, table_inputs
from in_page import check_in_page, empty_page, run_in_page

from motornet_nb import fused
from motornet_nb.fused.javascript import PageProgram


@pytest.fixture(scope="module")
def page():
    "One browser for all tests."
    with empty_page() as page:
        yield page


def one_trial(steps=12):
    "Arguments of `rich` for one trial."
    return (rich_parameters(), *rich_rest(1, steps))


def test_a_step_with_a_bit_of_everything(page):
    "A cell, a body, inputs of both kinds, constants, work on parameters alone, delays longer than some steps."
    program = check_in_page(page, rich, one_trial(), RICH_TAPS)
    assert program.layout["taps"][1][2] == 5 and set(program.layout["outputs"]) == {"speed", "drive", "place", "hidden"}


def test_a_delay_can_be_turned(page):
    "The page reads the outputs of other steps than those that the program was written for."
    check_in_page(page, rich, one_trial(), RICH_TAPS, delays=[4, 1, 15])


@pytest.fixture(scope="module")
def table(page):
    "All operations as the outputs of one step, trial by trial: in the page, and by PyTorch."
    x, y = (t.detach() for t in table_inputs(DOUBLE))
    w, refused = normal(4, 4, seed=3).detach(), {}

    def step(parameters, constants, carry, inputs, feedback):
        outputs = {}
        for name, function in TABLE.items():
            try:
                outputs[name] = function(*inputs, parameters)
            except fused.Unsupported as error:
                refused[name] = error
        return carry + inputs[0][:, :1], outputs

    start, first = torch.zeros(1, 1, dtype=DOUBLE), (x[:, :1], y[:, :1])
    program = PageProgram(step, w, (), start, first)
    got, want = {}, {}
    for trial in range(x.shape[1]):
        inputs = (x[:, trial : trial + 1], y[:, trial : trial + 1])
        names = list(program.output_places)
        for name, numbers in run_in_page(page, program, (w, (), start, inputs), len(x), names)[1].items():
            got.setdefault(name, []).append(torch.from_numpy(numbers).double())
    for name, function in TABLE.items():
        want[name] = torch.stack([function(a, b, w) for a, b in zip(x, y, strict=True)])
    return {name: torch.stack(numbers, 1).reshape(want[name].shape) for name, numbers in got.items()}, want, refused


@pytest.mark.parametrize("name", TABLE)
def test_every_operation_agrees_with_torch(name, table):
    "Also where two arguments are equal, and where a function has a kink."
    got, want, refused = table
    assert name not in refused, refused[name]
    assert_close(got[name], want[name], name, 1e-12)


def turned(x, k):
    "Rows in another order."
    return torch.cat((x[..., -k:], x[..., :-k]), -1)


SHARP = {
    "round": torch.round,
    "erf": torch.erf,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "expm1": torch.expm1,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "sign": torch.sign,
    "power": lambda x: torch.pow(x, turned(x, 3)),
    "maximum": lambda x: torch.maximum(x, turned(x, 1)),
    "minimum": lambda x: torch.minimum(x, turned(x, 1)),
    "clamp": lambda x: x.clamp(-0.5, 0.5),
    "atan2": lambda x: torch.atan2(x, turned(x, 2)),
    "where": lambda x: torch.where((x > 0) ^ (x < 2), x, -x),
}


def test_numbers_that_are_none_and_numbers_at_the_edge(page):
    "Infinities, NaN, halves, -0 and very small and large numbers come out as PyTorch has them."
    inf, nan = float("inf"), float("nan")
    values = [
        0.5,
        1.5,
        2.5,
        -0.5,
        -2.5,
        0.0,
        -0.0,
        1.0,
        -1.0,
        1e-300,
        -1e-9,
        1e18,
        -745.0,
        710.0,
        5.9,
        -6.5,
        inf,
        -inf,
        nan,
        3.0,
    ]

    def step(parameters, constants, carry, inputs, feedback):
        return carry, {name: function(inputs) for name, function in SHARP.items()}

    x = torch.tensor(values, dtype=DOUBLE).view(1, 1, -1)
    arguments = ((), (), torch.zeros(1, 1, dtype=DOUBLE), x)
    program = PageProgram(step, *arguments)
    got = run_in_page(page, program, arguments, 1, list(SHARP))[1]
    for name, function in SHARP.items():
        assert_close(torch.from_numpy(got[name]).double(), function(x[0]), name, 1e-13)


def test_other_parameters_of_the_same_shapes(page):
    "One program serves several networks: their numbers are put into its memory."
    arguments = one_trial()
    program = PageProgram(rich, *arguments, taps=RICH_TAPS)
    other = (rich_parameters(seed=300), *arguments[1:])
    got = run_in_page(page, program, other, 12, ["drive"])[1]["drive"]
    again = run_in_page(page, PageProgram(rich, *other, taps=RICH_TAPS), other, 12, ["drive"])[1]["drive"]
    assert (got == again).all()
    with pytest.raises(ValueError, match="parameters of other shapes"):
        program.parameters(other[0] | {"bias": torch.zeros(6, dtype=DOUBLE)})


def test_only_what_is_read_is_computed():
    "A program with fewer outputs is shorter; what the carry needs stays."
    arguments = one_trial()
    whole, part = (PageProgram(rich, *arguments, taps=RICH_TAPS, read=r) for r in (None, ["place"]))
    assert set(part.layout["outputs"]) == {"speed", "drive", "place"}  # and what the taps read
    assert part.size <= whole.size


def in_single(parameters, constants, carry, inputs, feedback):
    "Written for single precision."
    return carry + inputs, {"x": carry}


def sorts(parameters, constants, carry, inputs, feedback):
    "Does what no program can."
    return carry.sort(-1).values, {"x": carry}


def picks_truths(parameters, constants, carry, inputs, feedback):
    "Joins truth values."
    return carry, {"x": torch.cat((carry > 0, inputs > 0), -1)}


@pytest.mark.parametrize(
    "step, dtype, words",
    [(in_single, SINGLE, "single precision.*double"), (sorts, DOUBLE, "sort"), (picks_truths, DOUBLE, "truth values")],
)
def test_what_cannot_be_is_refused_in_words(step, dtype, words):
    "As for the C++ program, naming the operation."
    x = torch.zeros(1, 3, dtype=dtype)
    with pytest.raises(fused.Unsupported, match=words):
        PageProgram(step, (), (), x, x[None])


def test_a_delay_of_no_step_is_refused():
    "The youngest output that a step can read is one step old."
    x = torch.zeros(1, 3, dtype=DOUBLE)
    with pytest.raises(ValueError, match="one step old"):
        PageProgram(lambda p, c, k, i, f: (k, {"x": k + f[0]}), (), (), x, x[None], (x,), [("x", 0)])
