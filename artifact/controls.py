"""Sliders, buttons and canvases in front of a `Playground`, for JupyterLab: ipywidgets, and ipycanvas to click and to draw on.

Bounds of the sliders are those of the parameters. A slider that is let go, a click or a stroke gives a new picture.
"""

from __future__ import annotations

import asyncio
from typing import Any

import ipywidgets as widgets
import numpy as np
from ipycanvas import Canvas, hold_canvas
from PIL import Image, ImageDraw

from artifact.parameters import Parameters
from artifact.playground import Playground, View
from qnn_core.errors import InvalidInput
from studies.plots import set_style

SHOWN = (2, 22)
"""Rows and columns of test images to choose from."""
_CELL = 34
_SHEET = 200
_PEN = 22
_SLIDERS = {"hidden": "width"} | {name: name for name in ("reads", "sweeps", "temperature", "margin", "updates")}
"""Parameters with a slider, by what is written beside it."""


def controls_for(values: Any) -> dict[str, widgets.Widget]:
    """A list of samplers and a slider for each of `_SLIDERS`, at `values` and within the bounds of their model."""
    schema = type(values).model_json_schema()["properties"]
    samplers = widgets.Dropdown(options=schema["sampler"]["enum"], value=values.sampler, description="sampler")
    made: dict[str, widgets.Widget] = {"sampler": samplers}
    for name, shown in _SLIDERS.items():
        field = schema[name]
        low, high = field["minimum"], field["maximum"]
        kind, options = widgets.FloatSlider, {"min": low, "max": high, "step": 0.5, "readout_format": ".1f"}
        if field["type"] == "integer":
            kind, options = widgets.IntSlider, {"min": low, "max": high}
        elif low > 0:
            ends = {"min": float(np.log10(low)), "max": float(np.log10(high))}
            kind, options = widgets.FloatLogSlider, {**ends, "step": 0.05, "readout_format": ".2g"}
        told = {"description": shown, "tooltip": field["description"], "continuous_update": False}
        made[name] = kind(value=getattr(values, name), **told, **options)
    for control in made.values():
        control.style.description_width = "6.5em"
    return made


def _canvas(width: int, height: int) -> Canvas:
    """A canvas that is shown at its own size, so that places on it are dots of its picture."""
    layout = widgets.Layout(width=f"{width}px", height=f"{height}px", min_width=f"{width}px")
    return Canvas(width=width, height=height, layout=layout)


class Controls:
    """All widgets of the playground; `widget` is what a notebook shows."""

    def __init__(self, values: Parameters) -> None:
        set_style()
        self.playground = Playground(values)
        self.controls = controls_for(values)
        narrow = widgets.Layout(width="7.3em")
        told = "update after update, until pressed again"
        self.cut = widgets.ToggleButton(description="Cut heads", tooltip=told, layout=narrow)
        self.once, self.fresh = (widgets.Button(description=text, layout=narrow) for text in ("1 update", "Start over"))
        self.clear = widgets.Button(description="Clear the drawing")
        self.status = widgets.HTML()
        self.picture = widgets.Image(format="png", width=800, height=580)
        self.images, self.sheet = _canvas(SHOWN[1] * _CELL, SHOWN[0] * _CELL), _canvas(_SHEET, _SHEET)
        self._stroke: tuple[float, float] | None = None
        self._task: asyncio.Task[None] | None = None
        self._erase()
        self._connect()
        buttons, drawing = widgets.HBox([self.cut, self.once, self.fresh]), widgets.Label("Draw a digit:")
        choose = widgets.Label("Test images; click one to look at it. Red: answered wrongly now.")
        left = [*self.controls.values(), buttons, drawing, self.sheet, self.clear]
        right = widgets.VBox([choose, self.images, self.status, self.picture])
        self.widget = widgets.HBox([widgets.VBox(left, layout=widgets.Layout(min_width="24em")), right])
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
            control.observe(lambda change, name=name: self._changed(name, change["new"]), names="value")
        self.cut.observe(self._toggled, names="value")
        self.once.on_click(lambda _: self.show(self.playground.cut(1)))
        self.fresh.on_click(self._start_over)
        self.clear.on_click(self._cleared)
        self.images.on_mouse_down(self._clicked)
        self.sheet.on_mouse_down(self._pen_down)
        self.sheet.on_mouse_move(self._pen_moved)
        self.sheet.on_touch_start(lambda points: self._pen_down(*points[0]))
        self.sheet.on_touch_move(lambda points: self._pen_moved(*points[0]))
        for ends in (self.sheet.on_mouse_up, self.sheet.on_mouse_out, self.sheet.on_touch_end):
            ends(self._pen_up)

    def _changed(self, name: str, value: Any) -> None:
        if isinstance(self.controls[name], widgets.FloatLogSlider):
            # Its ends are rounded powers of ten.
            field = type(self.playground.settings).model_json_schema()["properties"][name]
            value = min(max(value, field["minimum"]), field["maximum"])
        try:
            self.playground.change(**{name: value})
        except InvalidInput as failure:
            self.status.value = str(failure)
        else:
            self.show(self.playground.view())

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
        self._pen_moved(x, y)

    def _pen_moved(self, x: float, y: float) -> None:
        """From the last point of the pen to this one, on the screen and in the bitmap that is asked about."""
        if self._stroke is None:
            return
        start, end = self._stroke, (x, y)
        self._stroke = end
        draw = ImageDraw.Draw(self._ink)
        draw.line([start, end], fill=255, width=_PEN)
        draw.ellipse([coordinate + side * _PEN / 2 for side in (-1, 1) for coordinate in end], fill=255)
        with hold_canvas():
            self.sheet.stroke_line(*start, *end)
            self.sheet.fill_circle(*end, _PEN / 2)

    def _pen_up(self, *_: Any) -> None:
        drawn, self._stroke = self._stroke is not None, None
        if drawn and self.playground.look_at_drawing(np.asarray(self._ink, np.float64) / 255):
            self.show(self.playground.view())

    def _cleared(self, _: Any) -> None:
        self._erase()
        self.playground.look_at(self.playground.image)
        self.show(self.playground.view())

    def _erase(self) -> None:
        self._ink = Image.new("L", (_SHEET, _SHEET))
        with hold_canvas():
            self.sheet.clear()
            self.sheet.stroke_style, self.sheet.line_width = "#888888", 2
            self.sheet.stroke_rect(0, 0, _SHEET, _SHEET)
            self.sheet.stroke_style = self.sheet.fill_style = "#000000"
            self.sheet.line_width, self.sheet.line_cap = _PEN, "round"

    def _draw_images(self) -> None:
        """The test images to choose from: a red border where the answer is wrong, a thick one around the image that is looked at."""
        played, count = self.playground, min(SHOWN[0] * SHOWN[1], len(self.playground.data.y_test))
        wrong = played.net.predict(played.data.x_test[:count]) != played.data.y_test[:count]
        mosaic = Image.new("L", (SHOWN[1] * _CELL, SHOWN[0] * _CELL), 255)
        corners = [(image % SHOWN[1] * _CELL, image // SHOWN[1] * _CELL) for image in range(count)]
        for pixels, (left, top) in zip(played.data.x_test, corners, strict=False):
            ink = Image.fromarray(np.uint8(255 - 255 * pixels.reshape(played.data.image_shape)))
            mosaic.paste(ink.resize((_CELL - 6, _CELL - 6)), (left + 3, top + 3))
        with hold_canvas():
            self.images.put_image_data(np.asarray(mosaic.convert("RGB")), 0, 0)
            for image, (left, top) in enumerate(corners):
                looked_at = image == played.image and played.drawing is None
                if wrong[image] or looked_at:
                    self.images.line_width = 4 if looked_at else 2
                    self.images.stroke_style = "#d55e00" if wrong[image] else "#000000"
                    self.images.stroke_rect(left + 2, top + 2, _CELL - 4, _CELL - 4)


def playground(parameters: Parameters) -> widgets.Widget:
    """The playground as one widget, at checked parameters; the last line of the notebook."""
    return Controls(parameters).widget
