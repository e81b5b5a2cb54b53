"""Whole steps over time: any number of trials, steps and replicates, delays, arguments of all kinds."""

import pytest
import torch
from fused_referee import (
    RICH_TAPS,
    SINGLE,
    assert_close,
    check,
    eager,
    gradients,
    learning,
    normal,
    rich,
    rich_parameters,
    rich_rest,
    rich_scan,
)
from torch.utils._pytree import tree_leaves, tree_map

from motornet_nb import fused

SIZES = [(1, 7), (2, 1), (63, 2), (64, 7), (65, 7), (200, 2), (3, 300), (33, 12)]


@pytest.mark.parametrize("batch, steps", SIZES)
def test_any_number_of_trials_and_steps_runs_in_one_program(batch, steps):
    "Carry, constants, inputs, delayed feedback (with delays longer than the trial) and parameters, forward and backward."
    check(rich, rich_parameters(), *rich_rest(batch, steps), taps=RICH_TAPS, scan=rich_scan())


def test_single_precision_agrees_loosely():
    "With the same program as in the tests of double precision, written for float32."
    check(
        rich, rich_parameters(SINGLE), *rich_rest(70, 20, SINGLE), taps=RICH_TAPS, scan=rich_scan(SINGLE), relative=1e-3
    )


def test_fewer_steps_than_inputs():
    "`n_steps` cuts the trial; what the inputs say after it gets a gradient of 0."
    parameters, rest = rich_parameters(), rich_rest(4, 9)
    check(rich, parameters, *rest, taps=RICH_TAPS, n_steps=6, scan=rich_scan())


def test_two_runs_are_bit_for_bit_the_same():
    "Results and gradients, with one thread, with two, and again."
    parameters, rest = rich_parameters(), rich_rest(200, 11)

    def once(threads):
        history = rich_scan().run(fused.flatten(parameters, *rest), threads=threads)
        result = [history.carry, *(history.output(i) for i in rich_scan().positions.values())]
        return tree_leaves(result) + gradients(result, learning(parameters, *rest))

    first = once(1)
    for threads in (1, 2, 2, 3):
        for k, (ours, theirs) in enumerate(zip(once(threads), first, strict=True)):
            assert torch.equal(ours, theirs), f"tensor {k} with {threads} threads"


@pytest.mark.parametrize("shared", [(), ("weight",), ("weight", "bias", "readout", "pull", "friction", "direction")])
def test_replicates_are_so_many_rollouts(shared):
    "Each network with its own consecutive trials; parameters they share get the sum of their gradients."
    each = [rich_parameters(seed=100 * i) for i in range(3)]
    together = {
        n: each[0][n] if n in shared else torch.stack([e[n].detach() for e in each]).requires_grad_() for n in each[0]
    }
    batch = 35  # so that the blocks of a replicate are not full
    rest = rich_rest(3 * batch, 7)
    history = rich_scan().run(fused.flatten(together, *rest), replicates=3)
    got = [history.carry, {name: history.output(i).movedim(1, 0) for name, i in rich_scan().positions.items()}]
    parts = []
    for i in range(3):
        own = {n: together[n] if n in shared else together[n][i] for n in together}
        share = slice(i * batch, (i + 1) * batch)
        constants, carry, feedback = tree_map(lambda t, share=share: t[share], (rest[0], rest[1], rest[3]))
        inputs = {n: t[:, share] if t.ndim > 1 else t for n, t in rest[2].items()}
        parts.append(eager(rich, own, constants, carry, inputs, feedback, RICH_TAPS))
    want = [
        tree_map(lambda *t: torch.cat(t), *(carry for carry, _ in parts)),
        tree_map(lambda *t: torch.cat(t, 1), *(outputs for _, outputs in parts)),
    ]
    wanted = learning(together, *rest)
    for k, (ours, theirs) in enumerate(zip(tree_leaves(got), tree_leaves(want), strict=True)):
        assert_close(ours, theirs, f"result {k}")
    for k, (ours, theirs) in enumerate(zip(gradients(got, wanted), gradients(want, wanted), strict=True)):
        assert_close(ours, theirs, f"gradient {k}", 1e-9)


def test_trials_that_cannot_be_shared_equally_are_refused():
    "Seven trials for two networks."
    with pytest.raises(ValueError, match="7 trials"):
        rich_scan().run(fused.flatten(rich_parameters(), *rich_rest(7, 2)), replicates=2)


def test_tensors_in_odd_layouts_are_read_rightly():
    "Transposed, expanded and cut arguments; a batch of one that stands for all trials."
    parameters, (constants, carry, inputs, feedback) = rich_parameters(), rich_rest(6, 5)
    parameters["weight"] = normal(12, 5, seed=7, scale=0.4).detach().T.requires_grad_()
    inputs["goal"] = normal(6, 2, 10, seed=8).detach().permute(2, 0, 1)[::2].requires_grad_()
    constants["strength"] = normal(1, 1, seed=9).detach().expand(6, 1).requires_grad_()
    check(rich, parameters, constants, carry, inputs, feedback, RICH_TAPS, scan=rich_scan())


def test_shapes_that_differ_are_noticed():
    "`suits` is about everything but the numbers of trials, steps and replicates."
    parameters, rest = rich_parameters(), rich_rest(9, 4)
    scan = rich_scan()

    def suits(*arguments):
        return scan.suits(fused.flatten(*arguments))

    constants, carry, inputs, feedback = rest
    assert suits(parameters, *rest)
    assert suits({n: torch.stack([p, p]) for n, p in parameters.items()}, *rest)
    assert not suits(parameters, constants, carry, inputs | {"goal": normal(4, 9, 3)}, feedback)
    assert not suits(parameters, constants, carry, inputs | {"more": normal(4, 9, 3)}, feedback)
    assert not suits(parameters | {"bias": normal(6)}, *rest)
    assert not suits(*tree_map(torch.Tensor.float, (parameters, *rest)))


OTHERS = {
    "a shorter parameter": lambda p, c, k, i, f: (p | {"bias": normal(4)}, c, k, i, f),
    "a longer input": lambda p, c, k, i, f: (p, c, k, i | {"push": normal(4, 9, 3)}, f),
    "another carry": lambda p, c, k, i, f: (p, c, (k[0][:, :4], k[1]), i, f),
    "fewer trials in the constants": lambda p, c, k, i, f: (p, c | {"offset": c["offset"][:7]}, k, i, f),
    "fewer trials in an input": lambda p, c, k, i, f: (p, c, k, i | {"goal": i["goal"][:, :7]}, f),
    "fewer steps in an input": lambda p, c, k, i, f: (p, c, k, i | {"time": i["time"][:2]}, f),
    "no feedback": lambda p, c, k, i, f: (p, c, k, i, ()),
}


@pytest.mark.parametrize("name", OTHERS)
def test_arguments_a_scan_was_not_built_for_are_refused(name):
    "Rather than memory read that does not belong to them."
    arguments = OTHERS[name](rich_parameters(), *rich_rest(9, 4))
    with pytest.raises((ValueError, TypeError, RuntimeError, KeyError, IndexError)):
        rich_scan()(*arguments, n_steps=4)


def test_the_order_of_names_does_not_matter():
    "Or it is refused; the numbers are never given to another name."
    parameters, rest = rich_parameters(), rich_rest(9, 4)
    turned = dict(reversed(parameters.items()))
    want = rich_scan()(parameters, *rest)
    try:
        got = rich_scan()(turned, *rest)
    except (ValueError, TypeError, RuntimeError):
        return
    for ours, theirs in zip(tree_leaves(got), tree_leaves(want), strict=True):
        assert_close(ours, theirs)


def test_a_step_that_uses_the_same_tensor_for_everything():
    "One node as carry, output and tap, an output that is a constant or an input, a carry that never changes or is swapped."

    def step(parameters, constants, carry, inputs, feedback):
        first, second, still = carry
        new = torch.sin(first + second * parameters) + inputs + feedback[0]
        return (second, new, still), {
            "new": new,
            "again": new,
            "input": inputs,
            "constant": constants,
            "still": still,
            "first": first,
            "one": torch.ones_like(new),
        }

    arguments = (
        normal(),
        normal(5, 2, seed=1),
        tuple(normal(5, 2, seed=k) for k in (2, 3, 4)),
        normal(7, 5, 2, seed=5),
    )
    for taps in ([("new", 1)], [("again", 3)], [("input", 2)], [("first", 1)], [("constant", 4)]):
        check(step, *arguments, (normal(5, 2, seed=6),), taps)


def test_outputs_in_any_structure():
    "A tuple with positions as taps, a single tensor, nothing but a carry, no inputs at all."

    def in_a_tuple(parameters, constants, carry, inputs, feedback):
        return torch.sin(carry) + feedback[0] * inputs, (carry, torch.cos(carry))

    check(in_a_tuple, (), (), normal(3, 2), normal(5, 3, 2, seed=1), (normal(3, 2, seed=2),), [(1, 2)])

    def alone(parameters, constants, carry, inputs, feedback):
        return torch.sin(carry), ()

    check(alone, (), (), normal(3, 2), (), n_steps=4)
    with pytest.raises(ValueError, match="delay"):
        fused.Scan(in_a_tuple, (), (), normal(3, 2), normal(5, 3, 2), (normal(3, 2),), [(1, 0)])


def test_outputs_that_are_true_or_false():
    "They come back as such."

    def step(parameters, constants, carry, inputs, feedback):
        return carry + inputs, {"above": carry > inputs, "both": (carry > 0) & (inputs > 0), "nonzero": inputs != 0}

    arguments = ((), (), normal(6, 3), normal(4, 6, 3, seed=1))
    _, got = fused.scan(step, *arguments)
    _, want = eager(step, *arguments)
    for name in want:
        assert got[name].dtype == torch.bool and torch.equal(got[name], want[name]), name
