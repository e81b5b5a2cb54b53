"""What was measured, as tables and a picture."""

import datetime
import os
import platform
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .contenders import COMPILED, EAGER, FUSED, JAX, MOTORNET, Case
from .workers import cores

ORDER = (EAGER, COMPILED, FUSED, MOTORNET, JAX)
COLOURS = {EAGER: "#9ecae1", COMPILED: "#4292c6", FUSED: "#08306b", MOTORNET: "#d95f02", JAX: "#7a7a7a"}


@dataclass
class Results:
    """Everything a run has found."""

    machine: str
    times: dict[Case, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(dict))  # ms, by contender
    agreement: dict[str, tuple[float, float]] = field(default_factory=dict)  # of loss and gradients with ours, eager
    builds: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # s
    memory: dict[str, float] = field(default_factory=dict)  # MB
    imports: dict[str, float] = field(default_factory=dict)  # s
    notes: dict[str, list[str]] = field(default_factory=dict)  # what was left out, and why

    def note(self, about: str, words: str) -> None:
        """Remember, and say, what is worth knowing about a contender."""
        if words not in self.notes.setdefault(about, []):
            self.notes[about].append(words)
            print(f"note on {about}: {words}", flush=True)

    def medians(self, case: Case) -> dict[str, float]:
        """Median milliseconds by contender, in a fixed order."""
        times = self.times[case]
        return {name: statistics.median(times[name]) for name in ORDER if name in times}

    def ratio(self, case: Case, name: str, other: str) -> float | None:
        """Median of the ratios within each repetition; None if one of the two is missing."""
        times = self.times[case]
        if name not in times or other not in times:
            return None
        return statistics.median(a / b for a, b in zip(times[name], times[other], strict=True))


def say(what: str, numbers: Mapping[str, float], unit: str, how: str = ".3g") -> None:
    """A line of progress."""
    if not numbers:
        return
    print(
        f"{what}: " + ", ".join(f"{name} {number:{how}} {unit}".strip() for name, number in numbers.items()), flush=True
    )


def machine() -> str:
    """The machine and the versions, in a few lines."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    packages = ("motornet_nb", "torch", "numpy", "motornet", "jax", "jaxlib")
    versions = ", ".join(f"{name} {found}" for name in packages if (found := _version(name)))
    return (
        f"{datetime.date.today().isoformat()}. {_processor()}, {len(cores())} cores, load {load} before the start (a busy machine above 0.5); "
        f"{platform.system()}, Python {platform.python_version()}, {versions}{_compiler()}."
    )


def _processor() -> str:
    """The name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return " ".join((name or platform.processor() or platform.machine()).split())


def _compiler() -> str:
    """The C++ compiler, if there is one."""
    try:
        run = subprocess.run([os.environ.get("CXX", "c++"), "--version"], capture_output=True, text=True)
    except OSError:
        return ""
    return f", {run.stdout.splitlines()[0]}" if run.stdout else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        if package != "motornet_nb":
            return ""
    from motornet_nb import __version__  # not installed: the one in this folder

    return __version__


# ---- tables ----------------------------------------------------------------------------------------------------


def _number(value: float | None) -> str:
    """Three digits, without an exponent."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def _table(head: list[str], rows: list[list[str]], left: int = 2) -> str:
    """A Markdown table, the first columns to the left."""
    if not rows:
        return "Not measured.\n"
    rule = [":--" if i < left else "--:" for i in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows)) + "\n"


def _times(results: Results, cases: list[Case], label: str, of: str) -> str:
    """Milliseconds and ratios of some cases, which differ in one of their fields."""
    rows = []
    for case in cases:
        for name, median in results.medians(case).items():
            spread = results.times[case][name]
            ratios = [_number(results.ratio(case, name, other)) for other in (MOTORNET, JAX)]
            seen = f"{_number(min(spread))} to {_number(max(spread))}"
            rows.append([_number_of(getattr(case, of)), _strong(name), _number(median), seen, *ratios])
    return _table([label, "", "ms", "from, to", "of MotorNet", "of JAX"], rows)


def _number_of(count: int) -> str:
    return f"{count:,}"


def _strong(name: str) -> str:
    return f"**{name}**" if name == FUSED else name


def _gymnasium(results: Results, cases: list[Case]) -> str:
    """Steps of trials per second."""
    rows = []
    for case in cases:
        for name, median in results.medians(case).items():
            steps = 1e3 * case.n_steps / median
            ratio = results.ratio(case, name, MOTORNET)
            more = None if ratio is None else 1 / ratio
            who = "ours" if name == EAGER else name
            cells = [f"{steps:,.0f}", f"{steps * case.batch_size:,.0f}", _number(more)]
            rows.append([_number_of(case.batch_size), who, *cells])
    return _table(["trials", "", "calls of step a second", "steps of trials a second", "times MotorNet's"], rows)


def _cases(results: Results, what: str, by: str, **fixed: int) -> list[Case]:
    """The measured cases of a kind, in ascending order."""
    wanted = {"n_steps": 100, "threads": 1} | fixed
    wanted.pop(by, None)
    found = [c for c in results.times if c.what == what and all(getattr(c, k) == v for k, v in wanted.items())]
    return sorted(found, key=lambda case: getattr(case, by))


def _headline(results: Results) -> str:
    """The fastest of ours at batch 64 and 1024, in words."""
    said = []
    for case in _cases(results, "training", "batch_size"):
        times = {name: t for name, t in results.medians(case).items() if name in (EAGER, COMPILED, FUSED)}
        if case.batch_size in (64, 1024) and times:
            best = min(times, key=times.__getitem__)
            others = [(n, results.ratio(case, best, n)) for n in (MOTORNET, JAX)]
            words = " and ".join(_faster(r, n) for n, r in others if r is not None)
            said.append(f"A training batch of {case.batch_size} takes {_number(times[best])} ms ({best}): {words}.")
    return " ".join(said)


def _faster(ratio: float, other: str) -> str:
    return f"{1 / ratio:.2g} times faster than {other}" if ratio < 1 else f"{ratio:.2g} times slower than {other}"


def write(results: Results, folder: Path) -> None:
    """`RESULTS.md` and its picture."""
    draw(results, folder / "RESULTS.svg")
    (folder / "RESULTS.md").write_text(_page(results), encoding="utf-8")


def _page(results: Results) -> str:
    """The whole page."""
    agreement = [[name, f"{loss:.0e}", f"{grad:.0e}"] for name, (loss, grad) in results.agreement.items()]
    builds = [
        [_strong(name), *(_number(statistics.median(seconds[w])) if seconds[w] else "–" for w in ("first", "again"))]
        for name, seconds in results.builds.items()
        if seconds["first"]
    ]
    base = results.memory.get(MOTORNET)
    memory = [
        [_strong(name), _number(mb), _number(mb / base if base else None)]
        for name in ORDER
        if (mb := results.memory.get(name)) is not None
    ]
    imports = [[name, f"{seconds:.2f}"] for name, seconds in results.imports.items()]
    notes = [f"- {about}: {words}" for about, all_words in results.notes.items() for words in all_words]
    batches = _cases(results, "training", "batch_size")
    lengths = _cases(results, "training", "n_steps", batch_size=64)
    threads = _cases(results, "training", "threads", batch_size=1024)
    threads = threads if len(threads) > 1 else []
    repetitions = max((len(t) for times in results.times.values() for t in times.values()), default=0)
    forward = _cases(results, "forward", "batch_size")
    replicates = _cases(results, "replicates", "replicates")
    trials = _cases(results, "gymnasium", "batch_size")
    return "\n".join(
        [
            "# Benchmark",
            "",
            "Written by `make bench`; do not edit.",
            "",
            results.machine,
            "",
            _headline(results),
            "",
            "![cost of a training batch](RESULTS.svg)",
            "",
            "The work: draw trials of a random-target reach, play 100 steps of 10 ms of arm26 with Thelen's rigid-tendon muscles and a network of 50 gated",
            f"recurrent units (vision 0.05 s late, proprioception 0.02 s), loss, backward, clip, Adam. Milliseconds a batch: medians of {repetitions} repetitions, in which the",
            "contenders take turns; each has a process of its own, held to one core (or two), with everything built and warm. Ratios are medians of the ratios within",
            "a repetition: below 1 is quicker. The JAX scan is written by hand for this one task, in `jax_scan.py`.",
            "",
            *(["Left out, and worth knowing:", "", *notes, ""] if notes else []),
            "## A training batch, one thread",
            "",
            _times(results, batches, "batch", "batch_size"),
            "## Forward only, one thread",
            "",
            "Trials, rollout and loss, no gradients; a batch of 1 is the single trial of an interactive session.",
            "",
            _times(results, forward, "batch", "batch_size"),
            "## A training batch of 1024, by threads",
            "",
            _times(results, threads, "threads", "threads"),
            "## Length of a trial, batch 64, one thread",
            "",
            _times(results, lengths, "steps", "n_steps"),
            "## Replicates, batch 64 each, one thread",
            "",
            "Several networks trained at once: one batch of `train` against as many batches in a row of MotorNet and (inside `jit`) JAX.",
            "",
            _times(results, replicates, "replicates", "replicates"),
            "## Peak memory of training, batch 1024",
            "",
            "Beyond what the process had before, with its libraries warm.",
            "",
            _table(["", "MB", "of MotorNet"], memory, 1),
            "## Building",
            "",
            "Seconds until the first training batch of 64 is done, less the time of a batch, on all cores, with an empty build cache and in a new process with a full one.",
            "",
            _table(["", "first build, s", "from the cache, s"], builds, 1),
            "## Vector environment of gymnasium, one thread",
            "",
            "NumPy in, NumPy out, no gradients; a trial of 100 steps and its reset.",
            "",
            _gymnasium(results, trials),
            "## Import",
            "",
            "In a fresh process that has imported torch.",
            "",
            _table(["", "s"], imports, 1),
            "## The same work?",
            "",
            "Largest difference from our eager engine in float32, for the same weights and trials (64, 100 steps), relative to the loss and to the largest element of",
            "each gradient.",
            "",
            _table(["", "loss", "gradients"], agreement, 1),
        ]
    )


# ---- picture ---------------------------------------------------------------------------------------------------


def draw(results: Results, path: Path) -> None:
    """Cost of a training batch against its size and against the length of a trial."""
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "motornet_nb"
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.2), sharey=True, layout="constrained")
    kinds = (
        ("batch_size", {}, "trials in a batch (100 steps)"),
        ("n_steps", {"batch_size": 64}, "steps in a trial (batch 64)"),
    )
    for panel, (by, fixed, label) in zip(panels, kinds, strict=True):
        cases = _cases(results, "training", by, **fixed)
        for name in ORDER:
            points = [(getattr(c, by), t[name]) for c in cases if name in (t := results.medians(c))]
            if points:
                style = {"color": COLOURS[name], "linewidth": 2.4 if name == FUSED else 1.6}
                panel.plot(*zip(*points, strict=True), marker="o", markersize=4, label=name, **style)
        panel.set(xscale="log", yscale="log", xlabel=label)
        ticks = [getattr(c, by) for c in cases]
        panel.set_xticks(ticks, [f"{n:,}" for n in ticks])
        panel.minorticks_off()
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        panel.grid(axis="y", color="#e5e5e5")
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("ms a training batch, one thread")
    lines, names = panels[0].get_legend_handles_labels()
    if lines:
        figure.legend(lines, names, loc="outside upper center", ncols=len(names), frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)
