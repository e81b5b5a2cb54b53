"""Run the benchmark and write `RESULTS.md` and `RESULTS.svg`: `python -m benchmarks [--quick]` in the repository."""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from motornet_nb.views.figures.report import Results, machine, say, write

from .contenders import COMPILED, CONTENDERS, EAGER, FUSED, JAX, MOTORNET, Case, NotThere, problem
from .workers import Worker, cores


class Plan(NamedTuple):
    """How much is measured."""

    contenders: tuple[str, ...] = tuple(CONTENDERS)
    batches: tuple[int, ...] = (64, 1024, 1, 256)  # what matters most comes first
    forward: tuple[int, ...] = (64, 1024, 1, 256)
    lengths: tuple[int, ...] = (50, 200, 400)  # steps; 100 are measured with the batches
    replicates: tuple[int, ...] = (1, 8)
    trials: tuple[int, ...] = (1, 64, 1024, 8192)  # of the vector environment
    two_threads: bool = True
    repetitions: int = 9
    builds: int = 3
    patience: float = 240.0  # s that a contender may spend on building before the rest of its cases is left out


QUICK = Plan(
    contenders=tuple(name for name in CONTENDERS if name != COMPILED),
    batches=(64, 1024, 1),
    forward=(64,),
    lengths=(200,),
    replicates=(8,),
    trials=(1, 1024),
    two_threads=False,
    repetitions=3,
    builds=1,
)


class Bench:
    """One run: what it measures goes to `results`, what it cannot measure to its notes."""

    def __init__(self, plan: Plan, cache: str):
        self.plan, self.cache = plan, cache
        self.results = Results(machine())
        self.spent: dict[str, float] = {}  # seconds of building, by contender

    def run(self) -> Results:
        """Everything, in turn."""
        self.build_times()
        self.one_thread()
        if self.plan.two_threads and len(cores()) > 1:
            self.two_threads()
        self.memory()
        self.import_times()
        return self.results

    def start(self, contender: str, threads: int | None, cache: str | None = None) -> Worker | None:
        """A worker with its libraries; None, and a note, if that fails."""
        worker = Worker(contender, threads, cache or self.cache)
        return worker if self.ask(worker, "begin") is not None else None

    def ask(self, worker: Worker, what: str, *arguments: object) -> tuple | None:
        """The answer in a tuple; None, and a note, if there is none."""
        try:
            answer = worker.ask(what, *arguments)
            for words in worker.told:
                self.results.note(worker.contender, words)
            return (answer,)
        except NotThere as error:
            self.results.note(worker.contender, str(error))
            if what == "begin":
                worker.close()
            return None

    def measure(self, workers: Iterable[Worker], case: Case) -> None:
        """Repetitions of a case, the workers taking turns."""
        ready = [worker for worker in workers if self.prepare(worker, case)]
        for _ in range(self.plan.repetitions):
            for worker in list(ready):
                if (answer := self.ask(worker, "time", case)) is None:
                    ready.remove(worker)
                    self.results.times[case].pop(worker.contender, None)
                else:
                    self.results.times[case].setdefault(worker.contender, []).append(answer[0])
        for worker in ready:
            self.ask(worker, "drop", case)
        say(str(case), self.results.medians(case), "ms")

    def prepare(self, worker: Worker, case: Case) -> bool:
        """Whether a worker is ready for a case, within the time it may spend on building."""
        name = worker.contender
        if self.spent.get(name, 0.0) > self.plan.patience:
            minutes = self.plan.patience / 60
            self.results.note(name, f"left out of the later cases, having built for more than {minutes:g} minutes")
            return False
        if (answer := self.ask(worker, "prepare", case)) is None:
            return False
        first, once = answer[0]
        self.spent[name] = self.spent.get(name, 0.0) + max(0.0, first - once)
        return True

    def one_thread(self) -> None:
        """Everything that is measured on one thread, by the same workers."""
        workers = [w for name in self.plan.contenders if (w := self.start(name, 1))]
        self.agreement(workers)
        for n in self.plan.batches:
            self.measure(workers, Case("training", n))
        for n in self.plan.forward:
            self.measure(workers, Case("forward", n))
        for n_steps in self.plan.lengths:
            self.measure(workers, Case("training", 64, n_steps))
        for n in self.plan.replicates:
            some = [w for w in workers if w.contender in (FUSED, MOTORNET, JAX)]
            self.measure(some, Case("replicates", 64, replicates=n))
        for n in self.plan.trials:
            self.measure([w for w in workers if w.contender in (EAGER, MOTORNET)], Case("gymnasium", n))
        for worker in workers:
            worker.close()

    def two_threads(self) -> None:
        """A training batch of 1024."""
        self.spent = {}
        workers = [w for name in self.plan.contenders if (w := self.start(name, 2))]
        self.measure(workers, Case("training", 1024, threads=2))
        for worker in workers:
            worker.close()

    def agreement(self, workers: list[Worker]) -> None:
        """How far loss and gradients are from those of our eager engine, relative to the largest element of each."""
        answers = {w.contender: a[0] for w in workers if (a := self.ask(w, "judge", problem()))}
        if EAGER not in answers:
            return
        loss, gradients = answers.pop(EAGER)
        for name, (its_loss, its_gradients) in answers.items():
            pairs = zip(its_gradients, gradients, strict=True)
            worst = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)
            self.results.agreement[name] = abs(its_loss / loss - 1), worst
            if max(self.results.agreement[name]) > 1e-4:
                self.results.note(
                    name, "its loss or gradients are not those of our eager engine: its times mean little"
                )
        say("gradients differ from ours, eager by", {k: v[1] for k, v in self.results.agreement.items()}, "", ".0e")

    def build_times(self) -> None:
        """Seconds until the first result, with an empty cache and with a full one, on all cores."""
        case = Case("training", 64)
        for name in (COMPILED, FUSED, JAX):
            if name not in self.plan.contenders:
                continue
            kept = self.results.builds.setdefault(name, {"first": [], "again": []})
            for _ in range(self.plan.builds):
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as cache:
                    for when in ("first", "again"):
                        worker = self.start(name, None, cache)
                        answer = self.ask(worker, "prepare", case) if worker else None
                        if worker:
                            worker.close()
                        if answer is None:
                            break
                        kept[when].append(max(0.0, answer[0][0] - answer[0][1]))
                if not kept["again"] or kept["first"][0] > 20:
                    break
            say(f"building, {name}", {when: statistics.median(s) for when, s in kept.items() if s}, "s", ".1f")

    def memory(self) -> None:
        """Peak memory of training at batch 1024, each contender in a fresh process."""
        for name in self.plan.contenders:
            case = Case("training", 1024)
            if name in self.results.times[case] and (worker := self.start(name, 1)):
                if answer := self.ask(worker, "memory", case):
                    self.results.memory[name] = answer[0]
                worker.close()
        say("peak memory at batch 1024", self.results.memory, "MB")

    def import_times(self) -> None:
        """Seconds of importing the packages in a fresh process that has imported torch."""
        for package in ("motornet_nb", "motornet"):
            code = f"import time, torch; b = time.perf_counter(); import {package}; print(time.perf_counter() - b)"
            command = [sys.executable, "-c", code]
            runs = [subprocess.run(command, capture_output=True, text=True) for _ in range(5)]
            if all(run.returncode == 0 for run in runs):
                self.results.imports[package] = statistics.median(float(run.stdout.split()[-1]) for run in runs)
        say("import beyond torch", self.results.imports, "s", ".2f")


def main() -> None:
    """Read the command line, run, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few cases and repetitions; goes to build/benchmarks")
    parser.add_argument("--output", type=Path, help="folder for the results")
    chosen = parser.parse_args()
    here = Path(__file__).parent
    folder = chosen.output or (here.parent / "build" / "benchmarks" if chosen.quick else here)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as cache:
        results = Bench(QUICK if chosen.quick else Plan(), cache).run()
    folder.mkdir(parents=True, exist_ok=True)
    write(results, folder)
    print(f"\nwritten to {folder / 'RESULTS.md'}")


if __name__ == "__main__":
    main()
