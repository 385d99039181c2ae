"""Seconds from a slider of the playground to a new picture, on digits: python -m benchmarks.playground.

Every setting is moved once for each sampler, and an update of the training is made; those after `reads` with 400 reads of each image, the most
there are. The slowest are printed last.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter

from artifact.controls import Controls
from artifact.parameters import notebook_parameters

CHANGES = {"hidden": 200, "reads": 400, "sweeps": 50, "temperature": 1.0, "margin": 2.0}


def main() -> int:
    controls = Controls(notebook_parameters("playground", {}))
    taken: dict[str, float] = {}

    def timed(what: str, action: Callable[[], None]) -> None:
        before, start = controls.picture.value, perf_counter()
        action()
        taken[what] = perf_counter() - start
        assert controls.picture.value != before

    for sampler in controls.controls["sampler"].options:
        if controls.controls["sampler"].value != sampler:
            timed(f"{sampler}: chosen", lambda sampler=sampler: setattr(controls.controls["sampler"], "value", sampler))
        for name, value in CHANGES.items():
            slider = controls.controls[name]
            old = slider.value
            if sampler == "exact" and name == "sweeps":
                continue
            timed(f"{sampler}: {name} {value}", lambda slider=slider, value=value: setattr(slider, "value", value))
            if name != "reads":
                slider.value = old
        timed(f"{sampler}: an update", controls.once.click)
        controls.controls["reads"].value = 50
        controls.fresh.click()
    for what, seconds in taken.items():
        print(f"{what:28}{seconds:8.2f} s")
    sliders = [seconds for what, seconds in taken.items() if not what.endswith("an update")]
    print(f"slowest setting {max(sliders):.2f} s, slowest update {max(taken.values()):.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
