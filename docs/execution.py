"""Notebooks executed in a copy: each in a kernel of its own, two at once, and not again while nothing changed.

Starting Python and loading torch takes longer than most notebooks do. So one process loads them once, and each kernel is a fork of it, as clean as a new one.
"""

import asyncio
import logging
import multiprocessing
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from docs import BUILD, ROOT
from docs.dependencies import key

PUBLISHING = "MOTORNET_NB_PUBLISHING"  # `page.shown`: what is shown becomes part of a page without a kernel
TIMEOUT = 900  # of one cell, s
_FORKS = multiprocessing.get_context("forkserver")


def _serve(connection: str, folder: str) -> None:
    "Be a kernel."
    os.chdir(folder)
    sys.argv = ["kernel", "-f", connection]
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance(parent_handle=os.getppid(), log_level=logging.ERROR)
    app.initialize(["-f", connection])
    app.start()


class _Fork:
    "A forked process, as the manager of a kernel sees one."

    def __init__(self, process: Any):
        self.process = process
        self.pid = process.pid
        self.stdin = self.stdout = self.stderr = None

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        self.process.join(timeout)
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        if self.process.is_alive():
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Forked(LocalProvisioner):
    "Starts a kernel as a fork of the process that has loaded everything."

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        connection = cmd[cmd.index("-f") + 1]
        process = _FORKS.Process(target=_serve, args=(connection, options.get("cwd") or os.getcwd()), daemon=True)
        process.start()
        self.process = _Fork(process)  # pyright: ignore[reportAttributeAccessIssue]
        self.pid = process.pid
        self.pgid = None
        return self.connection_info


class _Manager(AsyncKernelManager):
    "Asks for no kernel specification; every kernel is a fork."

    async def _async_pre_start_kernel(self, **options: Any) -> Any:
        self.provisioner = _Forked(kernel_id="docs", kernel_spec=self.kernel_spec, parent=self)
        options = await self.provisioner.pre_launch(**options)
        return options.pop("cmd"), options


def _execute(notebook: Any, folder: Path) -> Any:
    "The notebook with its outputs."
    asyncio.set_event_loop(asyncio.new_event_loop())
    client = NotebookClient(
        notebook,
        kernel_manager_class=_Manager,
        kernel_name="python3",
        shutdown_kernel="immediate",
        timeout=TIMEOUT,
        store_widget_state=False,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        skip_cells_with_tag="skip-execution",
    )
    return client.execute()


def executed(
    notebooks: Iterable[Path],
    workers: int = 2,
    say: Callable[[str], None] = print,
) -> dict[Path, Any]:
    "Every notebook with its outputs, from the store where they are known; the first error, with the notebook's name, if a cell fails."
    os.environ |= {PUBLISHING: "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    _FORKS.set_forkserver_preload(["docs.preloaded"])
    store = BUILD / "executed"
    store.mkdir(parents=True, exist_ok=True)
    versions = ",".join([platform.python_version(), *_versions()])
    found, waiting = {}, []
    for path in notebooks:
        notebook = nbformat.read(path, 4)
        kept = store / f"{path.stem}-{key(notebook, versions)}.ipynb"
        if kept.exists():
            kept.touch()
            found[path] = _with_text(nbformat.read(kept, 4), notebook)
        else:
            waiting.append((path, notebook, kept))
    say(f"{len(found)} notebooks as they were, {len(waiting)} to execute")
    with ThreadPoolExecutor(workers) as pool:
        jobs = {pool.submit(_one, *w): w[0] for w in sorted(waiting, key=lambda w: -_seconds_before(w[0]))}
        failed = {}
        for done, job in enumerate(as_completed(jobs), 1):
            path = jobs[job]
            try:
                found[path], seconds = job.result()
                _remember(path, seconds)
                say(f"[{done}/{len(jobs)}] {path.relative_to(ROOT)} {seconds:.1f} s")
            except CellExecutionError as error:
                failed[path] = error
                say(f"[{done}/{len(jobs)}] {path.relative_to(ROOT)} FAILED")
    if failed:
        raise SystemExit("\n\n".join(f"{p.relative_to(ROOT)}:\n{e}" for p, e in failed.items()))
    _forget_old(store)
    return found


def _one(path: Path, notebook: Any, kept: Path) -> tuple[Any, float]:
    folder = BUILD / "copy" / path.relative_to(ROOT).parent
    folder.mkdir(parents=True, exist_ok=True)
    for cell in notebook.cells:
        if cell.cell_type == "code" and "eval: false" in cell.source:
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "skip-execution"]
    start = time.perf_counter()
    done = _execute(notebook, folder)
    for cell in done.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if not _brings_bokeh(o.get("data", {}))]
    temporary = kept.with_suffix(".part")
    nbformat.write(done, temporary)
    temporary.replace(kept)
    return done, time.perf_counter() - start


def _brings_bokeh(data: Any) -> bool:
    "Whether an output is BokehJS, 4 MB, which every page has from one file."
    return "application/vnd.bokehjs_load.v0+json" in data or "bk-notebook-logo" in "".join(data.get("text/html", ""))


def _with_text(kept: Any, now: Any) -> Any:
    "Outputs that are known, in a notebook whose text may have changed since."
    outputs = iter([c.outputs for c in kept.cells if c.cell_type == "code"])
    for cell in now.cells:
        if cell.cell_type == "code":
            cell.outputs = next(outputs)
    return now


def _versions() -> list[str]:
    from importlib.metadata import version

    return [f"{name} {version(name)}" for name in ("torch", "bokeh", "pandas", "xarray", "numpy", "ipywidgets")]


def _times() -> dict[str, float]:
    lines = (BUILD / "seconds").read_text().splitlines() if (BUILD / "seconds").exists() else []
    return {name: float(seconds) for name, seconds in (line.rsplit(" ", 1) for line in lines)}


def _seconds_before(path: Path) -> float:
    "How long a notebook took the last time: the longest begin first. What trains is long, where nothing is known."
    known = _times().get(str(path.relative_to(ROOT)))
    return known if known is not None else 60.0 * (path.parent.name in ("studies", "tutorials"))


def _remember(path: Path, seconds: float) -> None:
    times = _times() | {str(path.relative_to(ROOT)): round(seconds, 2)}
    (BUILD / "seconds").write_text("".join(f"{name} {s}\n" for name, s in sorted(times.items())))


def _forget_old(store: Path, days: float = 30) -> None:
    for path in store.iterdir():
        if time.time() - path.stat().st_mtime > 86400 * days:
            path.unlink()
