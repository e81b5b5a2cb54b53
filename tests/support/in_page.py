"""Programs of `fused.javascript`, run in a real browser and by PyTorch."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from fused_referee import assert_close, eager
from lab import chromium
from playwright.sync_api import Page

from motornet_nb.fused.arguments import flatten
from motornet_nb.fused.javascript import RUNTIME, PageProgram

_RUN = """({source, layout, memory, inputs, feedback, delays, n, names}) => {
  const scan = new Scan((0, eval)('(' + source + ')'), layout, Float64Array.from(memory), 20);
  if (delays) scan.delays = delays;
  scan.begin(feedback);
  const found = Object.fromEntries(names.map(name => [name, []]));
  for (let k = 0; k < n; k++) {
    inputs.forEach((rows, i) => { for (const role of ['input', 'shared_input']) scan.put(role, i, rows[k]) });
    scan.step();
    for (const name of names) found[name].push(Array.from(scan.read(name)));
  }
  return {found, carry: layout.places.carry.map(([first, size]) => Array.from(scan.memory.subarray(first, first + size)))};
}"""


@contextlib.contextmanager
def empty_page(code: str = RUNTIME, name: str = "Scan") -> Iterator[Page]:
    "A page that knows how to run programs; `code` has the class `Scan`, and perhaps another one by its name."
    with chromium() as browser:
        page = browser.new_page()
        page.add_script_tag(content=f"{code}Object.assign(globalThis, {{Scan, {name}}});")
        yield page
        page.close()


def run_in_page(
    page: Page, program: PageProgram, arguments: Sequence, n: int, names: Sequence, delays=None
) -> tuple[list[np.ndarray], dict]:
    "The last carry and the outputs of a scan of one trial, flat."
    parameters, constants, carry, inputs, *feedback = arguments
    tensors = flatten(parameters, constants, carry, inputs, feedback[0] if feedback else ()).tensors
    said = {
        "source": program.source,
        "layout": program.layout,
        "memory": program.memory(parameters, constants, carry).tolist(),
        "inputs": [x.detach().reshape(len(x), -1).double().tolist() for x in tensors[3]],
        "feedback": [x[0].detach().flatten().tolist() for x in tensors[4]],
        "delays": delays,
        "n": n,
        "names": list(names),
    }
    got = page.evaluate(_RUN, said)
    return [np.array(x) for x in got["carry"]], {name: np.array(x) for name, x in got["found"].items()}


def check_in_page(page: Page, step, arguments: Sequence, taps=(), relative=1e-12, delays=None) -> PageProgram:
    "A step over time in a page, against the plain loop of PyTorch; the program."
    program = PageProgram(step, *arguments, taps=taps)
    n = min(len(x) for x in flatten(*arguments).tensors[3])
    late = [(name, d) for (name, _), d in zip(taps, delays or [d for _, d in taps], strict=True)]
    carry, want = eager(step, *arguments, taps=late)
    last, got = run_in_page(page, program, arguments, n, list(want), delays)
    for name, numbers in want.items():
        ours = torch.from_numpy(got[name]).reshape(numbers.shape)
        assert_close(ours, numbers, name, relative)
    for ours, theirs in zip(last, flatten((), (), carry).tensors[2], strict=True):
        assert_close(torch.from_numpy(ours).reshape(theirs.shape), theirs, "the carry", relative)
    return program
