"""Random hands on the controls of a page: a seeded sequence of moves of sliders, fields, lists, boxes, buttons and the mouse."""

import random
import re

from lab import on_figures, quiet
from playwright.sync_api import Locator, Page

#: what can be moved, by a selector within a panel
CONTROLS = {
    "slider": ".noUi-handle",
    "number": ".motornet-number input",
    "list": "select",
    "box": "input[type=checkbox]",
    "button": "button.jupyter-button",
    "section": ".jupyter-widget-Collapse-header",
    "figure": ".bk-Figure",
}
_KEYS = ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "PageUp", "PageDown", "Home", "End")


class Monkey:
    "Moves what it sees; the same seed makes the same moves."

    def __init__(self, page: Page, seed: int = 0, leave: tuple[str, ...] = ()):
        self.page, self.random, self.leave = page, random.Random(seed), leave
        self.moves: list[str] = []

    def _seen(self, selector: str) -> list[Locator]:
        found = self.page.locator(f".motornet-panel {selector}")
        seen = self.page.evaluate(
            """selector => [...document.querySelectorAll(`.motornet-panel ${selector}`)].map((e, i) => [e, i])
                 .filter(([e]) => e.getClientRects().length && !e.disabled).map(([, i]) => i)""",
            selector,
        )
        return [found.nth(i) for i in seen]

    def move(self) -> None:
        "One move."
        kind = self.random.choices(list(CONTROLS), (8, 6, 3, 2, 3, 2, 4))[0]
        seen = self._seen(CONTROLS[kind])
        if not seen:
            return self.move()
        which = self.random.randrange(len(seen))
        what = getattr(self, f"_{kind}")(seen[which])
        self.moves.append(f"{kind} {which}: {what}")

    def _slider(self, handle: Locator) -> str:
        keys = [self.random.choice(_KEYS) for _ in range(self.random.randint(1, 3))]
        handle.focus()
        for key in keys:
            self.page.keyboard.press(key)
        return " ".join(keys)

    def _number(self, field: Locator) -> str:
        shown = field.input_value()
        now = float(shown) if re.fullmatch(r"-?[\d.]+(e-?\d+)?", shown) else 0.0
        new = self.random.choice(
            [
                f"{now * self.random.uniform(0.7, 1.4):.4g}",
                f"{now + self.random.uniform(-1, 1):.3g}",
                *("0", "-3", "1e6", "1,5", " abc "),
            ]
        )
        field.fill(new)
        field.press("Enter")
        return f"{now:g} to {new}"

    def _list(self, field: Locator) -> str:
        texts = field.locator("option").all_inner_texts()
        new = self.random.randrange(len(texts))
        field.select_option(index=new)
        return texts[new]

    def _box(self, box: Locator) -> str:
        box.dispatch_event("click")
        return "ticked" if box.is_checked() else "not ticked"

    def _button(self, button: Locator) -> str:
        text = button.inner_text()
        if text in self.leave:
            return f"{text} is left alone"
        button.dispatch_event("click")
        return text

    def _section(self, header: Locator) -> str:
        header.dispatch_event("click")
        return header.inner_text()

    def _figure(self, figure: Locator) -> str:
        "Press, perhaps drag: on a point that can be dragged if the figure has one, else anywhere."
        box = figure.bounding_box()
        if box is None:
            return "is gone"
        figure.scroll_into_view_if_needed()
        box = figure.bounding_box()
        inside = [
            box["x"] + self.random.uniform(0.2, 0.8) * box["width"],
            box["y"] + self.random.uniform(0.2, 0.8) * box["height"],
        ]
        places = [
            p
            for p in on_figures(self.page, "figures.points()")
            if box["x"] < p[0] < box["x"] + box["width"] and box["y"] < p[1] < box["y"] + box["height"]
        ]
        begin = self.random.choice(places) if places and self.random.random() < 0.8 else inside
        self.page.mouse.move(*begin)
        self.page.mouse.down()
        if self.random.random() < 0.7:
            self.page.mouse.move(
                begin[0] + self.random.uniform(-60, 60), begin[1] + self.random.uniform(-60, 60), steps=2
            )
        self.page.mouse.up()
        return f"from {begin[0]:.0f}, {begin[1]:.0f}"

    def play(self, moves: int, check, every: int = 25) -> None:
        "Many moves; every now and then, and at the end, everything is checked."
        for i in range(1, moves + 1):
            self.move()
            # these may change which controls there are; after the others, the next move mostly comes before the answer
            if self.random.random() < 0.3 or self.moves[-1].startswith(("list", "button", "box")):
                quiet(self.page)
            if i % every == 0 or i == moves:
                try:
                    check()
                except AssertionError as error:
                    raise AssertionError("\n".join([str(error), "after", *self.moves[-every:]])) from None
