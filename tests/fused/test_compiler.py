"""Processors, compilers, and the folder of built programs."""

import errno
import os
import shutil

import pytest
from forked import run_python
from fused_referee import (
    DOUBLE,
    RICH_TAPS,
    SINGLE,
    assert_close,
    check,
    normal,
    rich,
    rich_parameters,
    rich_rest,
    rich_scan,
)
from fused_table import IS_X86, runs_here, table_results

from motornet_nb import fused
from motornet_nb.fused import compiler


@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["f64", "f32"])
@pytest.mark.parametrize("name", compiler.TARGETS)
def test_every_kind_of_processor_gives_the_same_numbers(name, dtype, monkeypatch):
    "The program compiles for all of them, and runs where the processor has the vectors."
    monkeypatch.delenv("MOTORNET_NB_VECTORS", raising=False)
    if not IS_X86 and name != "plain":
        with pytest.raises(fused.CompilerError):
            rich_scan(dtype, compiler.TARGETS[name])
        return
    scan = rich_scan(dtype, compiler.TARGETS[name])
    assert scan.target.name == name
    if runs_here(name):
        arguments = (rich_parameters(dtype), *rich_rest(67, 9, dtype))
        check(rich, *arguments, taps=RICH_TAPS, scan=scan, relative=1e-10 if dtype == DOUBLE else 1e-3)


def test_an_unknown_kind_of_processor_is_refused(monkeypatch):
    "With those there are."
    monkeypatch.setenv("MOTORNET_NB_VECTORS", "neon9")
    with pytest.raises(ValueError, match=r"neon9.*avx512, avx2, plain"):
        compiler.find_target()


@pytest.mark.skipif(shutil.which("clang++") is None, reason="clang++ is not installed; g++ is tested everywhere")
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["f64", "f32"])
def test_the_other_compiler(dtype, monkeypatch):
    "clang++ builds the same programs, and they give the same numbers."
    monkeypatch.setenv("CXX", "clang++")
    relative = 1e-10 if dtype == DOUBLE else 1e-3
    arguments = (rich_parameters(dtype), *rich_rest(67, 9, dtype))
    check(rich, *arguments, taps=RICH_TAPS, scan=rich_scan.__wrapped__(dtype), relative=relative)
    if dtype == DOUBLE:
        results, _, _ = table_results.__wrapped__(dtype)
        for operation, (got, _, want, _) in results.items():
            assert_close(got, want, operation)


SOURCE = 'extern "C" int answer() {{ return {}; }}'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    "An empty cache folder."
    monkeypatch.setenv("MOTORNET_NB_CACHE", str(tmp_path / "mine" / "programs"))
    return tmp_path / "mine" / "programs"


def test_a_program_is_built_once(folder):
    "In the folder that MOTORNET_NB_CACHE names, which is made; other source, other program; nothing else is left there."
    target = compiler.TARGETS["plain"]
    library, compiled = compiler.build([SOURCE.format(42)], target)
    assert compiled and library.answer() == 42
    library, compiled = compiler.build([SOURCE.format(42)], target)
    assert not compiled and library.answer() == 42
    library, compiled = compiler.build([SOURCE.format(43)], target)
    assert compiled and library.answer() == 43
    assert compiler.cache_folder() == folder
    assert [p.suffix for p in sorted(folder.iterdir())] == [".so", ".so"]


@pytest.mark.skipif(not IS_X86, reason="flags of other processors")
def test_other_flags_make_another_program(folder):
    "The kind of processor is part of the fingerprint."
    assert compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])[1]
    assert compiler.build([SOURCE.format(1)], compiler.TARGETS["avx2"])[1]


def test_a_scan_says_whether_it_was_compiled(folder):
    "And how long it took; the second one comes from the cache."

    def step(parameters, constants, carry, inputs, feedback):
        return carry * 0.5 + inputs, carry

    first, second = (fused.Scan(step, (), (), normal(3, 2), normal(4, 3, 2)) for _ in range(2))
    assert first.compiled and not second.compiled
    assert all(seconds > 0 for seconds in first.seconds.values())


DAMAGED = """
import pathlib, sys
from motornet_nb.fused import compiler

load, compiler.ctypes.CDLL = compiler.ctypes.CDLL, lambda path: None  # the first time it is only built
target, source, folder = compiler.TARGETS["plain"], sys.argv[1], compiler.cache_folder()
assert compiler.build([source], target)[1]
(file,) = folder.glob("*.so")
whole = file.read_bytes()
compiler.ctypes.CDLL = load
file.write_bytes(whole[: int(sys.argv[2]) * len(whole) // 100])
library, compiled = compiler.build([source], target)
assert compiled and library.answer() == 1000
"""


@pytest.mark.parametrize("percent", [0, 1, 50, 95])
def test_a_program_that_was_cut_short_is_built_again(folder, percent):
    "After a crash or on a full disk; in a process of its own, which must not die of it."
    run = run_python(DAMAGED, SOURCE.format(1000), str(percent))
    assert run.returncode == 0, f"ended with {run.returncode}: {run.stderr[-500:]}"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no such permissions")
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_may_write_to_is_refused(folder, mode):
    "What they put there would run as ours."
    folder.mkdir(parents=True)
    folder.chmod(mode)
    with pytest.raises(fused.CompilerError, match=r"not yours alone.*chmod 700.*MOTORNET_NB_CACHE"):
        compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch):
    "Because there is a file in its place."
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MOTORNET_NB_CACHE", str(tmp_path / "file" / "programs"))
    with pytest.raises(fused.CompilerError, match="MOTORNET_NB_CACHE"):
        compiler.cache_folder()


def test_without_a_compiler(tmp_path, monkeypatch):
    "The error says what to install."
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(fused.CompilerError, match=r"no g\+\+.*apt install g\+\+"):
        compiler.find_compiler()
    with pytest.raises(fused.CompilerError, match=r"apt install g\+\+.*CXX"):
        fused.Scan(lambda p, c, k, i, f: (k + i, k), (), (), normal(3, 2), normal(4, 3, 2))


@pytest.mark.parametrize("command", ["no-such-compiler", "/no/such/place/g++ -O1"])
def test_a_compiler_that_is_not_there(command, monkeypatch):
    "The error names what CXX said."
    monkeypatch.setenv("CXX", command)
    with pytest.raises(fused.CompilerError, match=r"no-such-compiler|no/such/place") as caught:
        compiler.find_compiler()
    assert "apt install g++" in str(caught.value)


@pytest.mark.skipif(shutil.which("false") is None, reason="there is no command that does nothing")
def test_a_command_that_is_no_compiler(folder, monkeypatch):
    "It runs, but fails."
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(fused.CompilerError, match=r"false does not run.*apt install g\+\+"):
        compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])


def test_cxx_may_have_arguments(folder, monkeypatch):
    "As is usual for it."
    monkeypatch.setenv("CXX", "g++ -O1")
    assert compiler.find_compiler() == ["g++", "-O1"]
    assert compiler.build([SOURCE.format(7)], compiler.TARGETS["plain"])[0].answer() == 7


def test_a_program_that_the_compiler_refuses(folder):
    "The error has the compiler's own words, and leaves nothing behind."
    with pytest.raises(fused.CompilerError, match="refused"):
        compiler.build(["this is no program"], compiler.TARGETS["plain"])
    assert list(folder.iterdir()) == []


def no_space(*arguments, **options):
    "As a full disk answers."
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def refused_by_the_disk(number):
    "A temporary folder that cannot be made."

    def folder(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return folder


@pytest.mark.parametrize("number", [errno.EROFS, errno.EDQUOT, errno.ENOSPC, errno.EACCES])
def test_a_folder_that_cannot_be_written(folder, monkeypatch, number):
    "Read-only, over the quota, full, forbidden: the error names the folder and the way out; what is in it already still serves."
    target = compiler.TARGETS["plain"]
    compiler.build([SOURCE.format(5)], target)
    monkeypatch.setattr(compiler.tempfile, "TemporaryDirectory", refused_by_the_disk(number))
    library, compiled = compiler.build([SOURCE.format(5)], target)
    assert not compiled and library.answer() == 5
    with pytest.raises(fused.CompilerError, match=r"cannot be written .*MOTORNET_NB_CACHE") as caught:
        compiler.build([SOURCE.format(6)], target)
    assert os.strerror(number) in str(caught.value) and str(folder) in str(caught.value)


def test_a_disk_that_is_full_in_the_end(folder, monkeypatch):
    "The last step of all: nothing is left behind."
    monkeypatch.setattr(compiler.os, "replace", no_space)
    with pytest.raises(fused.CompilerError, match=r"cannot be written .*No space.*MOTORNET_NB_CACHE"):
        compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no limits")
@pytest.mark.parametrize("size", [10, 4096])
def test_files_that_must_not_grow(folder, size):
    "Neither ours nor the compiler's; in a process of its own, as the limit is the process's."
    code = (
        "import resource, sys; from motornet_nb.fused import compiler\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))\n"
        "try: compiler.build([sys.argv[1]], compiler.TARGETS['plain'])\n"
        "except compiler.CompilerError as error: print(error)"
    )
    run = run_python(code, SOURCE.format(1))
    assert "MOTORNET_NB_CACHE" in run.stdout, run.stderr[-500:]


def test_a_program_that_must_not_be_loaded(folder, monkeypatch):
    "As on a disk from which nothing may be run."

    def refuse(path):
        raise OSError(f"{path}: failed to map segment from shared object")

    monkeypatch.setattr(compiler.ctypes, "CDLL", refuse)
    for _ in range(2):  # just built, and from the folder
        with pytest.raises(fused.CompilerError, match=r"failed to map segment.*noexec.*MOTORNET_NB_CACHE"):
            compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])


def test_a_compiler_that_is_killed_or_does_not_start(folder, tmp_path, monkeypatch):
    "For want of memory, say."
    command = tmp_path / "c++"
    command.write_text("#!/bin/sh\nif [ $1 = --version ]; then echo clang; else kill -9 $$; fi\n")
    command.chmod(0o700)
    monkeypatch.setenv("CXX", str(command))
    with pytest.raises(fused.CompilerError, match="was killed, perhaps as there is too little memory"):
        compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])

    def no_memory(*arguments, **options):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(compiler.subprocess, "Popen", no_memory)
    with pytest.raises(fused.CompilerError, match=r"does not run .Cannot allocate memory"):
        compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])
