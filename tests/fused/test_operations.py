"""Every operation that a step may consist of: those that look, that compute each number by itself, that join, add up or multiply."""

import pytest
from fused_referee import DOUBLE, SINGLE, assert_close
from fused_table import IS_X86, TABLE, runs_here, table_results

from motornet_nb.fused import compiler, recorder


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["f64", "f32"])
def test_every_operation_agrees_with_torch(name, dtype):
    "Forward and gradient, also where two arguments are equal and where a function has a kink."
    results, refused, _ = table_results(dtype)
    assert name not in refused, f"{type(refused[name]).__name__}: {refused[name]}"
    got, got_slopes, want, want_slopes = results[name]
    relative = 1e-10 if dtype == DOUBLE else 2e-4
    assert_close(got, want, name, relative)
    for which, ours, theirs in zip(("first", "second", "parameter"), got_slopes, want_slopes, strict=True):
        assert_close(ours, theirs, f"gradient of {name} to the {which} argument", relative)


def test_every_row_of_the_tables_is_tested():
    "An operation that is added to the fused engine has to be added here."
    used = table_results(DOUBLE)[2]
    known = set(recorder.OPERATIONS) | set(recorder.VIEWS)
    assert known - used - {"dot"} == set()  # dot is there to be refused


@pytest.mark.parametrize("name", compiler.TARGETS)
def test_every_operation_on_every_kind_of_processor(name, monkeypatch):
    "All operations of the table, in single precision, which has the most trials in a vector."
    monkeypatch.setenv("MOTORNET_NB_VECTORS", name)
    assert compiler.find_target() is compiler.TARGETS[name]
    monkeypatch.delenv("MOTORNET_NB_VECTORS")
    if not IS_X86 or not runs_here(name) or name == compiler.find_target().name:
        return  # the widest vectors are those of the tests above
    monkeypatch.setenv("MOTORNET_NB_VECTORS", name)
    results, _, _ = table_results.__wrapped__(SINGLE)
    for operation, (got, got_slopes, want, want_slopes) in results.items():
        if operation in ("detach", "hardtanh", "hardtanh (relu6)"):
            continue  # the same everywhere: tested above
        for ours, theirs in zip((got, *got_slopes), (want, *want_slopes), strict=True):
            assert_close(ours, theirs, operation, 2e-4)
