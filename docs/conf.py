"""How Sphinx renders the pages. `python -m docs` calls it."""

import shutil
from pathlib import Path

import bokeh

import motornet_nb
from motornet_nb.page.static_page import bundles
from motornet_nb.page.theme import DRESS_ALL

project = "motornet_nb"
version = release = motornet_nb.__version__
copyright = "the authors of motornet_nb, Apache-2.0"
extensions = ["myst_nb"]
root_doc = "index"
html_theme = "furo"
html_title = f"motornet_nb {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # it would need a server
html_theme_options = {"navigation_with_keys": False}
pygments_style, pygments_dark_style = "default", "monokai"

nb_execution_mode = "off"
nb_render_markdown_format = "myst"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath", "attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
myst_update_mathjax = False
mathjax_path = "formulas.js"  # draws them with the MathJax that comes with Bokeh
mathjax_options = {"defer": "defer"}
suppress_warnings = ["mystnb.unknown_mime_type", "myst.header"]


def _scripts(app, pagename, templatename, context, doctree):
    "A page gets the parts of BokehJS that it uses, each one file for the whole site."
    body = context.get("body") or ""
    formulas = 'class="math' in body
    names = bundles(body, formulas)
    if names:
        at = [
            f"{context['pathto'](f'_static/{name}', resource=True)}"
            for name in (*(f"{n}.min.js" for n in names), "dress.js")
        ]
        context["metatags"] = context.get("metatags", "") + "".join(f'<script src="{a}"></script>' for a in at)


def _files(app, exception):
    "BokehJS, and what dresses figures for the theme."
    if exception is None and app.builder.format == "html":
        static = Path(app.outdir) / "_static"
        scripts = Path(bokeh.__file__).parent / "server" / "static" / "js"
        for name in ("bokeh", "bokeh-widgets", "bokeh-tables", "bokeh-mathjax", "bokeh-gl"):
            if not (static / f"{name}.min.js").exists():
                shutil.copy(scripts / f"{name}.min.js", static)
        (static / "dress.js").write_text(DRESS_ALL + (Path(__file__).parent / "repaint.js").read_text())


def setup(app):
    app.connect("html-page-context", _scripts)
    app.connect("build-finished", _files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
