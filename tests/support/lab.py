"""A real JupyterLab in a real browser, for tests of what people see and touch."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
ERROR = '[data-mime-type="application/vnd.jupyter.error"]'
SAID = '.motornet-panel [role="status"]'  # what a panel says about what it refused
KERNEL = "window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel"

#: where a point of a figure is on the screen, what its columns hold, and where that differs from what Python has
FIGURES = """
() => {
  const views = [], find = v => { views.push(v); for (const c of v.child_views || []) find(c) };
  for (const root of Bokeh.index) find(root);
  const plain = v => typeof v === 'number' ? (Number.isFinite(v) ? v : null)
    : v instanceof Map ? Object.fromEntries([...v].map(([k, w]) => [k, plain(w)]))
    : v && typeof v === 'object' && Symbol.iterator in v ? Array.from(v, plain)
    : v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, w]) => [k, plain(w)])) : v;
  const models = new Map();
  for (const d of Bokeh.documents) for (const m of d._all_models.values()) models.set(m.id, m);
  const at = (title, x, y) => {
    const view = views.find(v => v.model.type === 'Figure' && v.model.title.text.startsWith(title));
    const canvas = view.canvas_view.el.getBoundingClientRect();
    return [canvas.left + view.frame.x_scale.compute(x), canvas.top + view.frame.y_scale.compute(y)];
  };
  const columns = name => {
    for (const m of models.values()) if (m.name === name) return plain(m.data);
    return null;
  };
  const flat = v => Array.isArray(v) ? v.flat(Infinity) : v;
  const alike = (a, b) => Array.isArray(a) && Array.isArray(b) && a.some(Array.isArray) !== b.some(Array.isArray) ? alike(flat(a), flat(b)) : typeof a === 'number' && typeof b === 'number' ? Math.abs(a - b) <= 1e-6 * (1 + Math.abs(b))
    : a && b && typeof a === 'object' && typeof b === 'object'
      ? Object.keys(a).length === Object.keys(b).length && Object.keys(b).every(k => alike(a[k], b[k]))
    : a === b;
  const differences = sources => {
    const found = [];
    for (const [id, columns] of Object.entries(sources)) {
      if (!models.has(id)) { found.push(`no source ${id}`); continue }
      const here = plain(models.get(id).data);
      for (const [name, values] of Object.entries(columns)) if (!alike(here[name], values))
        found.push(`${id} ${name}: ${JSON.stringify(here[name])?.slice(0, 200)} but ${JSON.stringify(values).slice(0, 200)}`);
    }
    return found;
  };
  const fields = () => [...document.querySelectorAll('.motornet-panel input:not([type=file]), .motornet-panel select:not([multiple])')].map(
    x => x.closest('.motornet-number') ? Number(x.value) : x.type === 'checkbox' ? x.checked : x.tagName === 'SELECT' ? x.selectedIndex : x.value);
  const everything = () => JSON.stringify([...models.values()].filter(m => m.type === 'ColumnDataSource').map(m => plain(m.data)));
  const wrongFields = meant => {
    const here = fields();
    if (here.length !== meant.length) return [`${here.length} fields but ${meant.length}`];
    return here.map((v, i) => alike(v, meant[i]) ? null : `field ${i}: the page has ${v} but Python ${meant[i]}`).filter(x => x);
  };
  const points = () => [...models.values()].filter(m => m.type === 'CustomJS').map(m => m.args instanceof Map ? Object.fromEntries(m.args) : m.args).filter(a => a.page && a.p && a.sources?.flatMap).flatMap(({p, sources}) => {
    const figure = views.find(v => v.model === p), canvas = figure?.canvas_view.el.getBoundingClientRect();
    return !figure ? [] : sources.flatMap(s => { const {x, y} = plain(s.data);
      return x.map((_, i) => [canvas.left + figure.frame.x_scale.compute(x[i]), canvas.top + figure.frame.y_scale.compute(y[i])]) });
  });
  return {at, columns, everything, differences, wrongFields, points};
}
"""


def free_port() -> int:
    "A port nobody listens to."
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def serving(address: str, *command: str) -> Iterator[None]:
    "A server, from when it answers at an address."
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen([sys.executable, "-m", *command], stdout=log, stderr=subprocess.STDOUT)
        try:
            for _ in range(400):
                try:
                    urllib.request.urlopen(address, timeout=2)
                    break
                except urllib.error.HTTPError:
                    break  # it answers
                except OSError:
                    pass
                if server.poll() is not None:
                    log.seek(0)
                    raise RuntimeError(f"{command[0]} has ended: {log.read()}")
                time.sleep(0.25)
            yield
        finally:
            server.terminate()
            server.wait(20)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    "A browser without a screen."
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "this test needs Chromium (Debian: apt-get install chromium)"
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=path, headless=True, args=FLAGS.split())
        yield opened
        opened.close()


def listen(page: Page) -> list[str]:
    "What goes wrong on a page, from now on."
    wrong: list[str] = []
    page.on("console", lambda m: wrong.append(f"{m.text} ({m.location['url']})") if m.type == "error" else None)
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on(
        "requestfailed", lambda r: wrong.append(f"{r.url}: {r.failure}") if "ERR_ABORTED" not in r.failure else None
    )
    return wrong


class Lab:
    "JupyterLab, its folder and a browser."

    def __init__(self, root: Path, url: str, browser: Browser):
        self.root, self.url, self.browser = root, url, browser

    @contextlib.contextmanager
    def notebook(
        self, name: str, *cells: str, width: int = 1600, height: int = 1600, forgiven: str = "\0"
    ) -> Iterator[Page]:
        "A notebook whose cells have run; afterwards, nothing may have gone wrong but what is forgiven."
        kernel = {"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}}
        code = [nbformat.v4.new_code_cell(c) for c in cells]
        nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=kernel), self.root / f"{name}.ipynb")
        page = self.browser.new_page(viewport={"width": width, "height": height})
        wrong = listen(page)
        page.goto(f"{self.url}/lab/tree/{name}.ipynb?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        page.wait_for_function(
            f"{KERNEL}?.connectionStatus === 'connected' && {KERNEL}.status === 'idle'", timeout=90_000
        )
        page.evaluate(COUNT)
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_selector(f".motornet-panel .bk-Figure, {ERROR}", state="attached", timeout=120_000)
        assert page.locator(ERROR).count() == 0, page.locator(ERROR).all_inner_texts()
        quiet(page)
        page.wait_for_timeout(1000)
        yield page
        wrong = [words for words in wrong if forgiven not in words]
        assert not wrong, wrong
        assert page.locator(ERROR).count() == 0, page.locator(ERROR).all_inner_texts()
        page.evaluate(f"() => {KERNEL}.shutdown()")
        page.close()


@contextlib.contextmanager
def jupyterlab(root: Path) -> Iterator[Lab]:
    "A running JupyterLab."
    url = f"http://127.0.0.1:{free_port()}"
    options = [
        "--allow-root",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={url.rsplit(':', 1)[1]}",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=",
        f"--LabApp.user_settings_dir={root / '.settings'}",
        f"--LabApp.workspaces_dir={root / '.workspaces'}",
        f"--ServerApp.root_dir={root}",
    ]
    with serving(f"{url}/api", "jupyterlab", *options), chromium() as browser:
        yield Lab(root, url, browser)


def ask(page: Page, code: str) -> str:
    "What code prints in the kernel of a notebook."
    said, wrong = page.evaluate(
        f"""async code => {{
          const future = {KERNEL}.requestExecute({{code, store_history: false}});
          let said = '', wrong = '';
          future.onIOPub = m => {{
            if (m.header.msg_type === 'stream' && m.content.name === 'stdout') said += m.content.text;
            if (m.header.msg_type === 'error') wrong = m.content.traceback.join('\\n');
          }};
          const late = new Promise((_, no) => setTimeout(() => no(new Error('the kernel does not answer')), 60000));
          await Promise.race([future.done, late]);
          return [said, wrong];
        }}""",
        code,
    )
    assert not wrong, wrong
    return said


#: counts what the page has told the kernel's widgets and the kernel has not yet dealt with
COUNT = f"""
() => {{
  const waiting = window.waiting = new Set();
  {KERNEL}.anyMessage.connect((_, {{msg, direction}}) => {{
    if (direction === 'send' && msg.header.msg_type === 'comm_msg') waiting.add(msg.header.msg_id);
    if (direction === 'recv' && msg.header.msg_type === 'status' && msg.content.execution_state === 'idle')
      waiting.delete(msg.parent_header.msg_id);
  }});
}}
"""


def quiet(page: Page, seconds: float = 60) -> None:
    "Until the kernel has dealt with all that the page has told it; a slider tells its next move only then."
    page.wait_for_function(
        """() => {
          if (window.waiting.size) window.quietSince = 0;
          else window.quietSince ||= performance.now();
          return window.quietSince && performance.now() - window.quietSince > 150;
        }""",
        timeout=1000 * seconds,
    )


def on_figures(page: Page, expression: str):
    "The value of an expression in which `figures` is what FIGURES returns."
    return page.evaluate(f"() => {{ const figures = ({FIGURES})(); return {expression} }}")


def columns(page: Page, name: str) -> dict | None:
    "The columns of the source with a name."
    return on_figures(page, f"figures.columns({json.dumps(name)})")


def wait_until(page: Page, expression: str, seconds: float = 20) -> None:
    "Until an expression, in which `figures` is what FIGURES returns, is true."
    page.wait_for_function(f"() => {{ const figures = ({FIGURES})(); return {expression} }}", timeout=1000 * seconds)


def drag(page: Page, begin, end) -> None:
    "Press the mouse at one place of the screen and let go at another."
    page.mouse.move(*begin)
    page.mouse.down()
    page.mouse.move(*[(a + b) / 2 for a, b in zip(begin, end, strict=True)], steps=4)
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def settled(page: Page, panel: str) -> None:
    "After all moves have arrived: the page shows what Python has, and Python what a new panel in the same state shows."
    quiet(page)
    state = json.loads(ask(page, f"print(watching.state({panel}))"))
    for _ in range(30):  # the page hears of the last changes a moment later than of their end
        found = on_figures(page, f"figures.differences({json.dumps(state['sources'])})")
        found += on_figures(page, f"figures.wrongFields({json.dumps(state['fields'])})")
        if not found:
            break
        page.wait_for_timeout(100)
    found += [*state["wrong"], *json.loads(ask(page, f"import json; print(json.dumps(watching.differences({panel})))"))]
    assert not found, "\n".join(found)
