"""The page for teaching: `make app` in a real browser, with nothing but this machine."""

import contextlib
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import lab
import psutil
import pytest
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
FIGURE = ".motornet-panel .bk-Figure"


def command() -> list[str]:
    "What `make app` runs, in this environment: the module and its arguments."
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(
        ["make", "-n", "app"], cwd=ROOT, capture_output=True, text=True, check=True, env=outside
    ).stdout
    (line,) = (line for line in said.splitlines() if "-m motornet_nb" in line)
    words = shlex.split(line)
    return words[words.index("-m") + 1 :]


@contextlib.contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, folder: Path, *options: str) -> Iterator[str]:
    "The address of a page that is served, from a folder in which there is nothing."
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.chdir(folder)
    port = lab.free_port()
    url = f"http://localhost:{port}"
    with lab.serving(f"{url}/voila/static/none", *command(), "--no-browser", f"--port={port}", *options):
        yield url
    assert not kernels() and not list(folder.iterdir())


def kernels() -> list[psutil.Process]:
    "The visitors' kernels: copies of the process that has imported everything, of servers that this process has started."
    with contextlib.suppress(psutil.NoSuchProcess):
        servers = [p for p in psutil.Process().children(recursive=True) if "motornet_nb" in p.cmdline()]
        copied = [p for server in servers for p in server.children() if "forkserver" in " ".join(p.cmdline())]
        return [p for c in copied for p in c.children() if p.status() != psutil.STATUS_ZOMBIE]
    return kernels()


def wait_for_kernels(number: int, seconds: float) -> None:
    "Until a number of kernels run."
    end = time.monotonic() + seconds
    while len(kernels()) != number:
        assert time.monotonic() < end, f"{len(kernels())} kernels, not {number}"
        time.sleep(0.1)


def wait_for_panels(page: Page, figures: int = 1) -> None:
    "Until the panels are there."
    page.wait_for_function(f"n => document.querySelectorAll('{FIGURE}').length >= n", arg=figures, timeout=120_000)


def test_the_page_for_teaching(monkeypatch, tmp_path):
    "The scene plays, builder and perturbed network come, their sliders work, nothing is fetched from elsewhere, nothing is wrong on the console."
    with serving(monkeypatch, tmp_path) as url, lab.chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1800})
        wrong = lab.listen(page)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url, timeout=120_000)
        wait_for_panels(page, 9)
        page.wait_for_timeout(2000)
        assert page.locator("#motornet-status").is_hidden() and page.locator("#motornet-asleep").is_hidden()
        scene, *panels = (page.locator(".motornet-panel").nth(k) for k in range(3))
        scene.get_by_role("button", name="Pause").click()
        page.wait_for_timeout(1000)
        assert lab.on_figures(page, "figures.everything()") == lab.on_figures(page, "figures.everything()")
        for one in panels:
            field, handle = (
                one.locator(".motornet-number input:visible").first,
                one.locator(".noUi-handle:visible").first,
            )
            before = field.input_value()
            drawn = lab.on_figures(page, "figures.everything()")
            handle.focus()
            for _ in range(3):
                handle.press("ArrowRight")
            page.wait_for_function("([e, v]) => e.value !== v", arg=[field.element_handle(), before], timeout=20_000)
            page.wait_for_timeout(1500)
            assert lab.on_figures(page, "figures.everything()") != drawn
        assert not [address for address in asked if not address.startswith((url, "data:", "blob:"))]
        assert not wrong, wrong


def test_a_reload_leaves_no_kernel_behind(monkeypatch, tmp_path):
    "There is room for one: he may load the page ten times; the next is told in words, and comes in when the first is gone."
    with serving(monkeypatch, tmp_path, "--visitors=1") as url, lab.chromium() as browser:
        first = browser.new_page()
        wrong = lab.listen(first)
        first.goto(url)
        wait_for_panels(first)
        for number in range(10):
            first.goto(url, wait_until="commit") if number % 2 else first.reload(wait_until="commit")
            first.wait_for_timeout(100)  # Chromium refuses a reload while it puts one page in place of another
            if number % 3 == 0:
                wait_for_panels(first)
        wait_for_panels(first)
        wait_for_kernels(1, 10)
        second = browser.new_page()
        second.goto(url)
        assert "1 visitor is here" in second.inner_text("body")
        assert len(kernels()) == 1
        first.close(run_before_unload=True)
        wait_for_kernels(0, 10)
        second.reload()
        wait_for_panels(second)
        wrong = [
            words for words in wrong if words != "Cannot send"
        ]  # of a scene that asks for more while its page goes
        assert len(kernels()) == 1 and not wrong, wrong


def test_a_page_falls_asleep_and_says_so(monkeypatch, tmp_path):
    "Whoever is not there any more has no kernel any more, and finds a page that says it and begins again."
    with serving(monkeypatch, tmp_path, "--idle=0.5") as url, lab.chromium() as browser:
        page = browser.new_page()
        page.goto(url)
        wait_for_panels(page)
        wait_for_kernels(0, 90)  # half a minute after the page last told of a touch
        asleep = page.locator("#motornet-asleep")
        asleep.wait_for(timeout=30_000)
        assert "fallen asleep" in asleep.inner_text()
        asleep.get_by_role("button").click()
        page.wait_for_selector("#motornet-status")
        wait_for_kernels(1, 30)
