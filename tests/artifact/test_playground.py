"""The playground without a browser, and once in a real JupyterLab, with sliders moved and a digit drawn."""

import asyncio
import io
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from browser import console_errors, open_browser
from PIL import Image
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from artifact import execute
from artifact.controls import Controls
from artifact.parameters import notebook_parameters
from artifact.playground import Playground, as_image
from qnn_core import InvalidInput

PROJECT = Path(__file__).parents[2]
SMALL = {"hidden": 24, "reads": 10, "epochs": 2}


def playground(**values):
    return Playground(notebook_parameters("playground", {**SMALL, **values}))


def enlarged(pixels, shape):
    """A drawing of an image: its dark parts, large, somewhere on a sheet."""
    big = np.asarray(Image.fromarray(np.uint8(255 * pixels.reshape(shape))).resize((120, 120), Image.Resampling.BICUBIC)) / 255
    sheet = np.zeros((200, 200))
    sheet[60:180, 30:150] = big > 0.4
    return sheet


def test_cutting_trains_the_network_as_train_does():
    from qnn_core import QNN, get_sampler, load_dataset, train

    played = playground(temperature=0.2, updates=3)
    assert list(played.trace) == [0]
    while not played.finished:
        view = played.cut(50)
    assert max(played.trace) == played.run.total
    assert played.trace[played.run.total].test_error < 0.3 < played.trace[0].test_error
    assert view.heads.shape == (10,)
    data = load_dataset("digits")
    net = QNN((64, 24, 10), seed=0, centre=data.x_train.mean(axis=0))
    train(net, data, get_sampler("gibbs", sweeps=20, beta=(0.1, 5.0)), epochs=2, reads=10, batch_size=10)
    for mine, theirs in zip(played.net.parameters, net.parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_settings_act_at_once_and_a_new_width_starts_a_new_network():
    played = playground()
    played.cut(2)
    before = played.view()
    played.change(margin=0.0)
    assert played.view().heads.sum() <= before.heads.sum()
    np.testing.assert_array_equal(played.view().reads.energy, before.reads.energy)
    played.change(temperature=10.0)
    assert played.view().reads.energy.mean() > before.reads.energy.mean()
    assert played.run.done == 2
    for sampler in ("collapsed", "exact", "sa"):
        played.change(sampler=sampler)
        assert played.view().reads.energy.shape == (10,)
    played.change(hidden=6)
    assert played.run.done == 0
    assert played.net.layers == (6, 10)
    for unusable in ({"margin": -1.0}, {"hidden": 1000}, {"sampler": "qpu"}, {"dataset": "mnist"}):
        with pytest.raises(InvalidInput):
            played.change(**unusable)
    with pytest.raises(InvalidInput, match="image"):
        played.look_at(360)


def test_a_picture_is_a_png_and_shows_what_is_seen():
    played = playground()
    view = played.cut(1)
    assert Image.open(io.BytesIO(played.picture(view))).size == (800, 580)
    assert f"{view.heads.sum()} heads in 10 reads" in played.status(view)
    assert f"{view.minima} minima" in played.status(view)


def test_a_drawing_becomes_an_image_like_those_of_the_data_set(digits):
    drawn = np.array([as_image(enlarged(image, (8, 8)), digits) for image in digits.x_test[:100]])
    assert drawn.dtype == np.float32
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    means = np.stack([digits.x_train[digits.y_train == label].mean(axis=0) for label in range(10)])
    nearest = ((drawn[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == digits.y_test[:100]).mean() > 0.8
    assert as_image(np.zeros((50, 50)), digits) is None
    dot = np.zeros((50, 50))
    dot[3, 4] = 1
    assert as_image(dot, digits).reshape(8, 8)[2:6, 2:6].min() > 0.9


def test_widgets_have_the_bounds_of_the_model_and_act():
    values = notebook_parameters("playground", SMALL)
    controls, schema = Controls(values), type(values).model_json_schema()["properties"]
    for name in ("hidden", "reads", "sweeps", "updates"):
        assert (controls.controls[name].min, controls.controls[name].max) == (schema[name]["minimum"], schema[name]["maximum"])
    assert 10 ** controls.controls["temperature"].min == pytest.approx(schema["temperature"]["minimum"])
    assert list(controls.controls["sampler"].options) == schema["sampler"]["enum"]
    for name, value in (("reads", 20), ("margin", 0.5), ("temperature", 10.0), ("temperature", 0.0499999), ("sampler", "exact")):
        before = controls.picture.value
        controls.controls[name].value = value
        assert controls.picture.value != before, name
        assert "not usable" not in controls.status.value
    controls.once.click()
    assert controls.playground.run.done == 1
    controls.fresh.click()
    assert controls.playground.run.done == 0
    controls._clicked(40, 40)
    assert controls.playground.image == 23
    controls._pen_down(100, 40)
    for y in range(50, 160, 10):
        controls._pen_moved(100, y)
    controls._pen_up()
    assert "Your drawing" in controls.status.value
    controls.clear.click()
    assert "Test image 23" in controls.status.value


def test_cutting_goes_on_until_the_button_is_released():
    controls = Controls(notebook_parameters("playground", {**SMALL, "updates": 1}))

    async def press_and_release():
        controls.cut.value = True
        while controls.playground.run.done < 2:
            await asyncio.sleep(0.05)
        controls.cut.value = False
        await controls._task

    asyncio.run(asyncio.wait_for(press_and_release(), 60))
    assert controls.playground.run.done >= 2
    assert not controls.playground.finished


def test_the_notebook_runs_without_a_browser(tmp_path):
    assert execute.main(["playground", "--output", str(tmp_path / "out.ipynb"), "--parameters", json.dumps(SMALL)]) == 0
    assert "VBox" in (tmp_path / "out.ipynb").read_text()


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab on this machine, on a free port and with a token of its own, that shows a copy of the notebook."""
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(PROJECT / "notebooks" / "playground.ipynb", work)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    home = {
        name: str(tmp_path / name)
        for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    options = [
        "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--port-retries=0",
        f"--ServerApp.root_dir={work}", f"--IdentityProvider.token={token}",
        "--allow-root", "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None", "--ServerApp.shutdown_no_activity_timeout=300",
    ]  # fmt: skip
    with (tmp_path / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=work, env={**os.environ, **home}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            _wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, tmp_path / "lab.log")
            yield f"http://127.0.0.1:{port}/lab/tree/playground.ipynb?token={token}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait(20)


def _wait_for(address, server, log):
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            assert server.poll() is None, log.read_text()[-2000:]
            time.sleep(0.2)
    raise AssertionError(log.read_text()[-2000:])


def test_it_can_be_played_with_in_jupyterlab(lab, tmp_path):
    with open_browser(tmp_path / "chromium", 1500, 1400) as browser:
        # JupyterLab sets cells anew while they are looked at: whatever is done with an element is done again until it was there.
        wait = WebDriverWait(browser, 90, ignored_exceptions=(WebDriverException, IndexError))

        def do(selector, action, number=0):
            """Do `action` with one of the elements that `selector` finds."""
            wait.until(lambda page: [action(page.find_elements(By.CSS_SELECTOR, selector)[number])])

        def ask(expression):
            return browser.execute_script(f"return {expression}")

        def shown():
            return ask("document.querySelector('.widget-image')?.src")

        def status():
            return ask("document.querySelector('.widget-html-content')?.innerText") or ""

        def act_and_see(selector, action, number=0):
            before = shown()
            do(selector, action, number)
            wait.until(lambda _: shown() not in (before, None))

        browser.get(lab)
        wait.until(lambda _: ask("!!window.jupyterapp && !!document.querySelector('.jp-Notebook')"))
        do(".jp-Cell", lambda cell: cell.click())  # A question of JupyterLab's may have the focus.
        wait.until(lambda _: ask("window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status") == "idle")
        browser.execute_script("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        wait.until(lambda _: status().startswith("0 of 2,880 updates"))
        browser.execute_script("document.querySelector('.widget-image').scrollIntoView({block: 'center'})")
        assert ask("document.querySelectorAll('.noUi-handle').length") == 6
        for number in range(5):  # The last one, updates between pictures, changes none by itself.
            act_and_see(".noUi-handle", lambda handle: handle.send_keys(Keys.ARROW_RIGHT), number)
        act_and_see(".widget-dropdown select", lambda samplers: Select(samplers).select_by_visible_text("collapsed"))

        act_and_see(".widget-toggle-button", lambda cut: cut.click())
        wait.until(lambda _: not status().startswith("0 of"))
        do(".widget-toggle-button", lambda cut: cut.click())
        wait.until(lambda _: not ask("document.querySelector('.widget-toggle-button').classList.contains('mod-active')"))

        sheets = ask("[...document.querySelectorAll('.jp-OutputArea canvas')].map(c => c.clientWidth == c.clientHeight)")
        images, sheet = sheets.index(False), sheets.index(True)
        canvas = ".jp-OutputArea canvas"
        act_and_see(canvas, lambda at: ActionChains(browser).move_to_element_with_offset(at, 60, 10).click().perform(), images)
        wait.until(lambda _: "Test image" in status())

        def draw_a_line(at):
            stroke = ActionChains(browser, duration=60).move_to_element_with_offset(at, 0, -60).click_and_hold()
            for _ in range(6):
                stroke = stroke.move_by_offset(0, 20)
            stroke.release().perform()

        act_and_see(canvas, draw_a_line, sheet)
        wait.until(lambda _: "Your drawing" in status())
        if folder := os.environ.get("QNN_SCREENSHOTS"):
            browser.save_screenshot(f"{folder}/playground.png")
        assert [message for message in console_errors(browser) if "SEVERE" in message] == []
