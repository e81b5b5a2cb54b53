"""The lowest versions that pyproject.toml allows, as a constraints file for pip: `make floors`.

What only the tests need comes in the versions of constraints.txt.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def name_of(requirement: str) -> str:
    "Of a library, as pip compares it: 'stable-baselines3' for 'stable_baselines3==2.9'."
    return re.split(r"[<>=!~;\[ ]", requirement)[0].lower().replace("_", "-")


def floors() -> list[str]:
    "One line a library: `numpy==1.26`."
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = project["dependencies"]
    unclear = [r for r in needed if not re.fullmatch(r"[\w.-]+>=[\d.]+", r)]
    if unclear:
        raise ValueError(
            f"pyproject.toml requires {unclear}; allowed: a name and its lowest version, as in numpy>=1.26"
        )
    tools = {name_of(r) for r in project["optional-dependencies"]["test"]} | {"fastcore"}  # which nbdev is made of
    tools -= {"stable-baselines3"}  # whose versions each go with some of torch
    tested = (ROOT / "constraints.txt").read_text().split()
    pinned = [line for line in tested if name_of(line) in tools - {name_of(r) for r in needed}]
    return [*(r.replace(">=", "==") for r in needed), *pinned]


if __name__ == "__main__":
    print("\n".join(floors()))
