"""The page for teaching: `make app` in a real browser, with nothing but this machine."""

import os
import shlex
import subprocess
from pathlib import Path

import lab

ROOT = Path(__file__).resolve().parent.parent


def voila():
    "What `make app` runs, in this environment: its variables and its arguments."
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(
        ["make", "-n", "app"], cwd=ROOT, capture_output=True, text=True, check=True, env=outside
    ).stdout
    (line,) = (line for line in said.replace("\\\n", " ").splitlines() if "-m voila" in line)
    words = shlex.split(line)
    begin = words.index("-m")
    variables = dict(word.split("=", 1) for word in words[: begin - 1])
    command = [str(ROOT / w) if w.endswith(".ipynb") else w for w in words[begin + 1 :]]
    return variables, command


def test_the_page_for_teaching(monkeypatch):
    "Builder and perturbed network come, their sliders work, nothing is fetched from elsewhere, nothing is wrong on the console."
    variables, command = voila()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    port = lab.free_port()
    url = f"http://127.0.0.1:{port}"
    with lab.serving(f"{url}/static/none", *command, "--no-browser", f"--port={port}"), lab.chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1800})
        wrong = lab.listen(page)
        page.goto(url, timeout=120_000)
        page.wait_for_function(
            "() => document.querySelectorAll('.motornet-panel .bk-Figure').length >= 9", timeout=120_000
        )
        page.wait_for_timeout(2000)
        for panel in range(2):
            one = page.locator(".motornet-panel").nth(panel)
            field, handle = one.locator("input[type=number]:visible").first, one.locator(".noUi-handle:visible").first
            before = field.input_value()
            drawn = lab.on_figures(page, "figures.everything()")
            handle.focus()
            for _ in range(3):
                handle.press("ArrowRight")
            page.wait_for_function("([e, v]) => e.value !== v", arg=[field.element_handle(), before], timeout=20_000)
            page.wait_for_timeout(1500)
            assert lab.on_figures(page, "figures.everything()") != drawn
        assert not wrong, wrong
