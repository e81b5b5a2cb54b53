"""Each contender in a process of its own, held to some cores, that does one timed repetition when it is asked to."""

import ctypes
import multiprocessing
import os
import sys
import time
import traceback
import warnings
from pathlib import Path

from .contenders import CONTENDERS, Case, NotThere, Problem, Repeat

REPETITION = 0.1  # s: work that is shorter is done several times in a repetition


class Worker:
    """The parent's side: ask, and wait for the answer."""

    def __init__(self, contender: str, threads: int | None, cache: str):
        """Start a process; `threads` None leaves it all cores, `cache` is the folder for everything it builds."""
        self.contender = contender
        self.told: list[str] = []  # warnings of motornet_nb, the last answer's
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, contender, threads, cache), daemon=False)
        self._process.start()
        theirs.close()

    def ask(self, what: str, *arguments: object, timeout: float = 900):
        """The answer; `NotThere` if it cannot be given."""
        try:
            self._pipe.send((what, arguments))
            if not self._pipe.poll(timeout):
                self._process.kill()
                raise NotThere(f"no answer in {timeout:.0f} s")
            answer, problem, self.told = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(10)
            raise NotThere(f"its process ended (exit code {self._process.exitcode})") from None
        if problem is not None:
            raise NotThere(problem)
        return answer

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()


def cores() -> list[int]:
    """The cores this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def _serve(pipe, contender: str, threads: int | None, cache: str) -> None:
    """The life of a worker."""
    _settle(threads, cache)
    server = _Server(contender, threads or len(cores()))
    while True:
        try:
            what, arguments = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        answer = problem = None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                answer = getattr(server, what)(*arguments)
            except NotThere as error:
                problem = str(error)
            except ImportError as error:
                problem = f"{error} (pip install -e '.[benchmark]')"
            except Exception as error:
                traceback.print_exc()
                problem = f"{type(error).__name__}: {error}".splitlines()[0]
        ours = [w for w in caught if {"motornet_nb", "benchmarks"}.intersection(Path(w.filename).parts)]
        pipe.send((answer, problem, sorted({str(w.message) for w in ours})))


def _settle(threads: int | None, cache: str) -> None:
    """Hold this process to its cores, and its caches to a folder, before any library is imported."""
    folders = {name: str(Path(cache) / name) for name in ("motornet_nb", "inductor", "jax")}
    os.environ |= {
        "MOTORNET_NB_CACHE": folders["motornet_nb"],
        "TORCHINDUCTOR_CACHE_DIR": folders["inductor"],
        "JAX_COMPILATION_CACHE_DIR": folders["jax"],
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PLATFORMS": "cpu",
    }
    if threads is None:
        return
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ["GOMP_SPINCOUNT"] = (
        "20000"  # about 1 ms, then sleep: else a batch takes half a minute if a core is shared
    )
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores()[-threads:])


class _Server:
    """What a worker can be asked."""

    def __init__(self, contender: str, threads: int):
        self._make, self._contender = lambda: CONTENDERS[contender](threads), None
        self._prepared: dict[Case, tuple[Repeat, int]] = {}

    def begin(self) -> None:
        """Import the libraries."""
        self._contender = self._make()

    def prepare(self, case: Case) -> tuple[float, float]:
        """Build and warm up; seconds until the first result, and seconds of a later one."""
        began = time.perf_counter()
        repeat = getattr(self._contender, case.what)(case)
        repeat(1)
        first = time.perf_counter() - began
        once = repeat(1) / 1e3
        self._prepared[case] = repeat, max(1, round(REPETITION / once))
        return first, once

    def time(self, case: Case) -> float:
        """Milliseconds, one repetition."""
        repeat, times = self._prepared[case]
        return repeat(times)

    def drop(self, case: Case) -> None:
        """Forget what was prepared."""
        self._prepared.pop(case, None)

    def judge(self, given: Problem):
        """Loss and gradients of a given problem."""
        return self._contender.judge(given)

    def memory(self, case: Case) -> float:
        """Megabytes that training needs at its peak beyond what the process had before, libraries warmed by a batch of 1."""
        if not sys.platform.startswith("linux"):
            raise NotThere("memory is measured on Linux only")
        getattr(self._contender, case.what)(case._replace(batch_size=1))(2)
        repeat = getattr(self._contender, case.what)(case)
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = _resident("VmRSS")
        repeat(3)
        return _resident("VmHWM") - before


def _resident(field: str) -> float:
    """Megabytes of memory of this process, now (VmRSS) or at its peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))
