"""Gradients, going back, and memory that is used again."""

import pytest
import torch
from fused_referee import (
    DOUBLE,
    RICH_TAPS,
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


def test_an_output_the_loss_does_not_use_does_not_disturb_the_gradients():
    "Its derivative may be infinite: said which outputs are read, the scan does not ask for it. The last carry is there all the same."

    def step(parameters, constants, carry, inputs, feedback):
        return {"last": inputs + 1, "sum": carry["sum"] + inputs}, {"used": inputs * 2, "unused": inputs.sqrt()}

    x = torch.zeros(2, 3, 4, dtype=DOUBLE, requires_grad=True)
    carry = {name: torch.ones(3, 4, dtype=DOUBLE) for name in ("last", "sum")}
    arguments = ((), (), carry, x)
    last, outputs = fused.Scan(step, *arguments, read=["used"])(*arguments)
    outputs["used"].sum().backward()
    assert outputs["unused"] is None
    assert_close(last["last"], torch.ones(3, 4, dtype=DOUBLE))
    assert_close(last["sum"], torch.ones(3, 4, dtype=DOUBLE))
    assert_close(x.grad, torch.full_like(x, 2.0))


def test_what_is_changed_before_the_backward_pass_is_refused():
    "A tensor that was read, an output that is a view of what is kept; a second backward pass needs the memory too."
    step = lambda p, c, x, u, f: (x * p["w"] + c * u, {"x": x * x * p["w"]})  # noqa: E731
    weight, constant = torch.tensor(0.9, requires_grad=True), torch.ones(64, 3)
    arguments = ({"w": weight, "free": torch.ones(3)}, constant, torch.ones(64, 3), torch.ones(5, 64, 3), ())
    scan = fused.Scan(step, *arguments)
    history = scan.run(fused.flatten(*arguments))
    history.output(0).sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        history.output(0).sum().backward()

    history = scan.run(fused.flatten(*arguments))
    (stored,) = history.shares(0, blocked=True)
    loss = stored.sum()
    with torch.no_grad():
        stored[0] = 0.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()

    inner = torch.full((3,), 2.0)
    other = ({"w": weight, "free": inner}, *arguments[1:])
    step = lambda p, c, x, u, f: (x * p["w"] * p["free"] + c * u, {"x": x * p["w"]})  # noqa: E731
    outputs = fused.scan(step, *other)[1]
    inner.add_(1.0)
    with pytest.raises(RuntimeError, match="changed in place"):
        outputs["x"].sum().backward()


def test_going_back_twice():
    "With retain_graph the same gradients again, without it torch's own error."
    parameters, rest = rich_parameters(), rich_rest(5, 4)
    _, outputs = rich_scan()(parameters, *rest)
    total, wanted = outputs["place"].square().sum(), learning(parameters, *rest)
    first = torch.autograd.grad(total, wanted, retain_graph=True, allow_unused=True)
    second = torch.autograd.grad(total, wanted, allow_unused=True)
    assert all(a is b is None or torch.equal(a, b) for a, b in zip(first, second, strict=True))
    with pytest.raises(RuntimeError, match=r"second time|freed"):
        torch.autograd.grad(total, wanted, allow_unused=True)


def test_a_gradient_of_a_gradient_is_refused():
    "Rather than wrong."
    parameters, rest = rich_parameters(), rich_rest(2, 3)
    _, outputs = rich_scan()(parameters, *rest)
    (first,) = torch.autograd.grad(outputs["place"].square().sum(), parameters["bias"], create_graph=True)
    with pytest.raises(RuntimeError):
        torch.autograd.grad(first.square().sum(), parameters["weight"])


def test_only_some_gradients_are_asked_for():
    "Of one parameter, of the last carry alone, of one output alone."
    parameters, rest = rich_parameters(), rich_rest(5, 4)
    frozen = {n: p.detach() for n, p in parameters.items()} | {"bias": parameters["bias"]}
    detached = tree_map(torch.Tensor.detach, rest)
    for wanted, arguments in (
        (parameters["bias"], (frozen, *detached)),
        (rest[1][0], (tree_map(torch.Tensor.detach, parameters), detached[0], rest[1], *detached[2:])),
    ):
        for pick in (lambda r: r[0][0], lambda r: r[0][1][1], lambda r: r[1]["drive"], lambda r: r[1]["place"][-1]):
            got, want = pick(rich_scan()(*arguments)), pick(eager(rich, *arguments, RICH_TAPS))
            slopes = [torch.autograd.grad(t.square().sum(), wanted)[0] for t in (got, want)]
            assert_close(*slopes, relative=1e-9)


def test_without_gradients():
    "The same numbers, nothing attached, and no memory kept for a way back."
    parameters, rest = rich_parameters(), rich_rest(70, 8)
    carry, outputs = rich_scan()(parameters, *rest)
    with torch.no_grad():
        free_carry, free_outputs = rich_scan()(parameters, *rest)
    for ours, theirs in zip(tree_leaves((free_carry, free_outputs)), tree_leaves((carry, outputs)), strict=True):
        assert not ours.requires_grad and theirs.requires_grad
        assert torch.equal(ours, theirs)


def test_a_scan_built_without_gradients_says_so():
    "It has no way back; asked for one it does not return numbers without a graph."

    def step(parameters, constants, carry, inputs, feedback):
        return carry * parameters + inputs, carry

    p, carry, inputs = torch.tensor(0.5, dtype=DOUBLE), normal(3, 2, learn=False), normal(4, 3, 2, seed=1, learn=False)
    scan = check(step, p, (), carry, inputs)
    assert not scan.suits(fused.flatten(p.clone().requires_grad_(), (), carry, inputs))
    with pytest.raises(ValueError, match="backward"):
        scan(p.clone().requires_grad_(), (), carry, inputs)


def test_a_tensor_that_needed_no_gradient_when_the_scan_was_built():
    "It gets one all the same, or the scan says that it does not suit."

    def step(parameters, constants, carry, inputs, feedback):
        return torch.tanh(carry * parameters[0] + inputs + parameters[1]), carry

    p, q = torch.tensor(0.5, dtype=DOUBLE, requires_grad=True), torch.tensor(0.2, dtype=DOUBLE)
    carry, inputs = normal(3, 2, learn=False), normal(4, 3, 2, seed=1, learn=False)
    scan = fused.Scan(step, (p, q), (), carry, inputs)
    other = (p, q.clone().requires_grad_())
    if scan.suits(fused.flatten(other, (), carry, inputs)):
        check(step, other, (), carry, inputs, scan=scan)
    else:
        with pytest.raises((RuntimeError, ValueError)):
            _, outputs = scan(other, (), carry, inputs)
            torch.autograd.grad(outputs.sum(), other)


def test_what_was_kept_from_an_earlier_run_stays_as_it_was():
    "Memory is used again only when nobody holds it: outputs, views of them, gradients, and graphs that were not yet followed back."
    parameters, first, second = rich_parameters(), rich_rest(40, 6), rich_rest(40, 6, seed=500)
    scan = rich_scan()
    alone = scan(parameters, *first)
    wanted = learning(parameters, *first)
    expected = [t.detach().clone() for t in tree_leaves(alone)]
    slopes = gradients(alone, wanted)
    del alone
    kept = scan(parameters, *first)
    part, as_array = kept[1]["place"].detach()[2, :, :1], kept[1]["speed"].detach().numpy()
    history = scan.run(fused.flatten(parameters, *first))  # not yet brought back from its blocks
    for _ in range(3):
        other = scan(parameters, *second)
        gradients(other, learning(parameters, *second))
        with torch.no_grad():
            scan(parameters, *second)
    for ours, theirs in zip(tree_leaves(kept), expected, strict=True):
        assert torch.equal(ours, theirs)
    place = kept[1]["place"].detach().clone()
    assert torch.equal(part, place[2, :, :1])
    assert torch.equal(history.output(scan.positions["place"]).movedim(1, 0), place)
    for ours, theirs in zip(gradients(kept, wanted), slopes, strict=True):
        assert torch.equal(ours, theirs)
    before = as_array.copy()
    del kept, history, other
    scan(parameters, *second)
    assert (as_array == before).all()


def test_several_scans_live_side_by_side():
    "Two programs taking turns, their graphs followed back in the other order."

    def step(parameters, constants, carry, inputs, feedback):
        return torch.sin(carry @ parameters) + inputs, carry * 2

    def other_step(parameters, constants, carry, inputs, feedback):
        return torch.cos(carry @ parameters) - inputs, carry * 3

    w, carry, inputs = normal(2, 2), normal(5, 2, seed=1), normal(6, 5, 2, seed=2)
    scans = [(f, fused.Scan(f, w, (), carry, inputs)) for f in (step, other_step)]
    results = [(f, scan(w, (), carry, inputs)) for f, scan in scans * 2]
    for function, result in reversed(results):
        want = eager(function, w, (), carry, inputs)
        for ours, theirs in zip(
            gradients(result, [w, carry, inputs]), gradients(want, [w, carry, inputs]), strict=True
        ):
            assert_close(ours, theirs)
