"""`python -m docs`: the whole site; `python -m docs nbs/views/05_arm.ipynb ...`: only these notebooks, to look at them quickly."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from docs import BUILD, ROOT, SITE
from docs.execution import executed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m docs", description="Write the site into _docs.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="only these (default: all)")
    parser.add_argument("--workers", type=int, default=2, help="notebooks executed at once (default: 2)")
    options = parser.parse_args()
    start = time.perf_counter()
    notebooks = [p.resolve() for p in options.notebooks] or sorted((ROOT / "nbs").rglob("*.ipynb"))
    part = bool(options.notebooks)
    texts = [] if part else sorted((ROOT / "docs" / "texts").glob("*.ipynb"))
    run = executed([*notebooks, *texts], options.workers)
    print(f"executed: {time.perf_counter() - start:.0f} s")

    from docs.pages import Site

    folder = BUILD / ("part" if part else "whole")
    site = folder / "site" if part else SITE
    Site(run, folder / "source").write()
    print(f"converted: {time.perf_counter() - start:.0f} s")
    strict = [] if part else ["-W", "--keep-going"]
    command = [sys.executable, "-m", "sphinx", "-q", "-j", "2", *strict, "-c", str(ROOT / "docs")]
    done = subprocess.run([*command, "-d", str(folder / "doctrees"), str(folder / "source"), str(site)], cwd=ROOT)
    if done.returncode:
        sys.exit(done.returncode)
    (site / ".nojekyll").touch()

    from docs.check import faults, heavy

    for line in heavy(folder / "source"):
        print(f"heavy: {line}")
    found = [] if part else faults(site)
    print(f"{site / 'index.html'}: {time.perf_counter() - start:.0f} s")
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
