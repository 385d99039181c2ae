"""Sliders, buttons and canvases in front of a `Playground`, for JupyterLab: ipywidgets, and ipycanvas to click and to draw on.

Bounds of the sliders are those of the parameter model. A slider that is let go, a click or a stroke gives a new picture.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import numpy as np
from ipycanvas import Canvas, hold_canvas
from PIL import Image, ImageDraw

from artifact.parameters import PlaygroundParameters
from artifact.playground import Playground, View
from qnn_core.errors import InvalidInput
from studies.plots import set_style

SHOWN = (2, 22)
"""Rows and columns of test images to choose from."""
_CELL = 34
_SHEET = 200
_PEN = 22
_NAMES = {
    "hidden": "width",
    "reads": "reads",
    "sweeps": "sweeps",
    "temperature": "temperature",
    "margin": "margin",
    "updates": "updates",
}


def controls_for(parameters: type[PlaygroundParameters], values: PlaygroundParameters) -> dict[str, widgets.Widget]:
    """A slider for each number of `_NAMES` and a list of samplers, within the bounds of the model, at `values`."""
    schema = parameters.model_json_schema()["properties"]
    made: dict[str, widgets.Widget] = {
        "sampler": widgets.Dropdown(options=schema["sampler"]["enum"], value=values.sampler, description="sampler")
    }
    for name, shown in _NAMES.items():
        field, value = schema[name], getattr(values, name)
        common = {"description": shown, "tooltip": field["description"], "continuous_update": False}
        low, high = field["minimum"], field["maximum"]
        if field["type"] == "integer":
            made[name] = widgets.IntSlider(value=value, min=low, max=high, **common)
        elif low > 0:
            made[name] = widgets.FloatLogSlider(
                value=value, min=float(np.log10(low)), max=float(np.log10(high)), step=0.05, readout_format=".2g", **common
            )
        else:
            made[name] = widgets.FloatSlider(value=value, min=low, max=high, step=0.5, readout_format=".1f", **common)
    for control in made.values():
        control.style.description_width = "6.5em"
    return made


def _canvas(width: int, height: int) -> Canvas:
    """A canvas that is shown at its own size, so that places on it are dots of its picture."""
    return Canvas(
        width=width, height=height, layout=widgets.Layout(width=f"{width}px", height=f"{height}px", min_width=f"{width}px")
    )


class Controls:
    """All widgets of the playground; `widget` is what a notebook shows."""

    def __init__(self, values: PlaygroundParameters) -> None:
        set_style()
        self.playground = Playground(values)
        self.controls = controls_for(type(values), values)
        schema = type(values).model_json_schema()["properties"]
        self._bounds = {
            name: (schema[name]["minimum"], schema[name]["maximum"]) for name in _NAMES if schema[name]["type"] == "number"
        }
        narrow = widgets.Layout(width="7.3em")
        self.cut = widgets.ToggleButton(
            description="Cut heads", tooltip="update after update, until pressed again", layout=narrow
        )
        self.once = widgets.Button(description="1 update", layout=narrow)
        self.fresh = widgets.Button(description="Start over", layout=narrow)
        self.clear = widgets.Button(description="Clear the drawing")
        self.status = widgets.HTML()
        self.picture = widgets.Image(format="png", width=800, height=580)
        rows, columns = SHOWN
        self.images = _canvas(columns * _CELL, rows * _CELL)
        self.sheet = _canvas(_SHEET, _SHEET)
        self._stroke: tuple[float, float] | None = None
        self._task: asyncio.Task[None] | None = None
        self._erase()
        self._connect()
        self.widget = widgets.HBox(
            [
                widgets.VBox(
                    [
                        *self.controls.values(),
                        widgets.HBox([self.cut, self.once, self.fresh]),
                        widgets.Label("Draw a digit:"),
                        self.sheet,
                        self.clear,
                    ],
                    layout=widgets.Layout(min_width="24em"),
                ),
                widgets.VBox(
                    [
                        widgets.Label("Test images; click one to look at it. Red: answered wrongly now."),
                        self.images,
                        self.status,
                        self.picture,
                    ]
                ),
            ],
        )
        self.show(self.playground.untrained)

    def show(self, view: View) -> None:
        """Put a view on the screen."""
        self.picture.value = self.playground.picture(view)
        self.status.value = self.playground.status(view)
        self._draw_images()

    async def keep_cutting(self) -> None:
        """Cut and show until the button is released or training has ended; other events are handled in between."""
        try:
            while self.cut.value and not self.playground.finished:
                self.show(self.playground.cut(self.playground.settings.updates))
                await asyncio.sleep(0.02)
        finally:
            self.cut.value = False

    def _connect(self) -> None:
        for name, control in self.controls.items():
            control.observe(self._changer(name), names="value")
        self.cut.observe(self._toggled, names="value")
        self.once.on_click(lambda _: self.show(self.playground.cut(1)))
        self.fresh.on_click(self._start_over)
        self.clear.on_click(lambda _: self._cleared())
        self.images.on_mouse_down(self._clicked)
        self.sheet.on_mouse_down(self._pen_down)
        self.sheet.on_mouse_move(self._pen_moved)
        self.sheet.on_mouse_up(lambda *_: self._pen_up())
        self.sheet.on_mouse_out(lambda *_: self._pen_up())
        self.sheet.on_touch_start(lambda points: self._pen_down(*points[0]))
        self.sheet.on_touch_move(lambda points: self._pen_moved(*points[0]))
        self.sheet.on_touch_end(lambda _: self._pen_up())

    def _changer(self, name: str) -> Callable[[Any], None]:
        def changed(change: Any) -> None:
            # A logarithmic slider's ends are rounded powers of ten.
            value = float(np.clip(change["new"], *self._bounds[name])) if name in self._bounds else change["new"]
            try:
                self.playground.change(**{name: value})
            except InvalidInput as failure:
                self.status.value = str(failure)
                return
            self.show(self.playground.view())

        return changed

    def _toggled(self, change: Any) -> None:
        if change["new"]:
            self._task = asyncio.get_running_loop().create_task(self.keep_cutting())

    def _start_over(self, _: Any) -> None:
        self.playground.restart()
        self.show(self.playground.untrained)

    def _clicked(self, x: float, y: float) -> None:
        image = int(y // _CELL) * SHOWN[1] + int(x // _CELL)
        if 0 <= image < min(SHOWN[0] * SHOWN[1], len(self.playground.data.y_test)):
            self.playground.look_at(image)
            self.show(self.playground.view())

    def _pen_down(self, x: float, y: float) -> None:
        self._stroke = (x, y)
        self._line((x, y))

    def _pen_moved(self, x: float, y: float) -> None:
        if self._stroke is not None:
            self._line((x, y))

    def _pen_up(self) -> None:
        if self._stroke is not None:
            self._stroke = None
            if self.playground.look_at_drawing(np.asarray(self._ink, np.float64) / 255):
                self.show(self.playground.view())

    def _line(self, end: tuple[float, float]) -> None:
        """From the last point of the pen to this one, on the screen and in the bitmap that is asked about."""
        start, self._stroke = self._stroke or end, end
        draw = ImageDraw.Draw(self._ink)
        draw.line([start, end], fill=255, width=_PEN)
        draw.ellipse([coordinate + side * _PEN / 2 for side in (-1, 1) for coordinate in end], fill=255)
        with hold_canvas():
            self.sheet.stroke_line(*start, *end)
            self.sheet.fill_circle(*end, _PEN / 2)

    def _cleared(self) -> None:
        self._erase()
        self.playground.look_at(self.playground.image)
        self.show(self.playground.view())

    def _erase(self) -> None:
        self._ink = Image.new("L", (_SHEET, _SHEET))
        with hold_canvas():
            self.sheet.clear()
            self.sheet.stroke_style = "#888888"
            self.sheet.line_width = 2
            self.sheet.stroke_rect(0, 0, _SHEET, _SHEET)
            self.sheet.stroke_style = self.sheet.fill_style = "#000000"
            self.sheet.line_width = _PEN
            self.sheet.line_cap = "round"

    def _draw_images(self) -> None:
        playground = self.playground
        data, count = playground.data, min(SHOWN[0] * SHOWN[1], len(playground.data.y_test))
        wrong = playground.net.predict(data.x_test[:count]) != data.y_test[:count]
        with hold_canvas():
            self.images.put_image_data(self._mosaic(count), 0, 0)
            for image in range(count):
                row, column = divmod(image, SHOWN[1])
                looked_at = image == playground.image and playground.drawing is None
                if wrong[image] or looked_at:
                    self.images.line_width = 4 if looked_at else 2
                    self.images.stroke_style = "#d55e00" if wrong[image] else "#000000"
                    self.images.stroke_rect(column * _CELL + 2, row * _CELL + 2, _CELL - 4, _CELL - 4)

    def _mosaic(self, count: int) -> np.ndarray:
        """The images to choose from, as RGB."""
        data = self.playground.data
        sheet = Image.new("L", (SHOWN[1] * _CELL, SHOWN[0] * _CELL), 255)
        for image in range(count):
            row, column = divmod(image, SHOWN[1])
            ink = Image.fromarray(np.uint8(255 - 255 * data.x_test[image].reshape(data.image_shape)))
            sheet.paste(ink.resize((_CELL - 6, _CELL - 6)), (column * _CELL + 3, row * _CELL + 3))
        return np.asarray(sheet.convert("RGB"))


def playground(parameters: PlaygroundParameters) -> widgets.Widget:
    """The playground as one widget, at checked parameters; the last line of the notebook."""
    return Controls(parameters).widget
