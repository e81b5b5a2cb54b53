"""What cells have shown, as a page without a kernel can show it."""

import re
from typing import Any

BEST = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/markdown", "text/plain")
WIDGET = "application/vnd.jupyter.widget-view+json"
RUN = "<p class='motornet-asleep'>A widget: run the notebook to move it.</p>"
LIMIT = 200_000  # characters an output should stay below


def cleaned(outputs: list[Any]) -> list[Any]:
    "Outputs with one representation each, figures as HTML."
    shown: list[Any] = []
    for output in outputs:
        if output.output_type in ("stream", "error"):
            if shown and output.output_type == "stream" and shown[-1].get("name") == output.name:
                shown[-1]["text"] += output.text
            else:
                shown.append(output)
            continue
        data = output.data
        script = data.get("application/javascript")
        if "application/vnd.bokehjs_exec.v0+json" in data and script:
            data = {"text/html": f"<script>{_text(script)}</script>"}
        elif WIDGET in data:
            data = {"text/html": _text(data.get("text/html", RUN))}
        best = next((kind for kind in BEST if kind in data), None)
        if best is None:
            continue
        data = {best: _text(data[best])}
        if best == "text/html":
            data[best] = without_blank_lines(data[best])
        last = shown[-1].get("data", {}) if shown else {}
        if best == "text/html" and data[best].startswith("<script>") and "text/html" in last:
            last["text/html"] += data[best]
            continue
        output.data = data
        shown.append(output)
    return shown


def _text(value: Any) -> str:
    return "".join(value)


def without_blank_lines(text: str) -> str:
    return re.sub(r"\n\s*\n+", "\n", text)
