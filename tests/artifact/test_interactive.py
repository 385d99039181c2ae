"""The page that needs no Python: in a real browser it finds what the Python network has, by mouse and by keyboard, on any screen."""

import base64
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from browser import console_errors, open_browser, set_screen
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from artifact.interactive import network_script, packed
from artifact.readme import GALLERY, TRAINED
from artifact.results import load_result
from qnn_core.ising import relax
from qnn_core.samplers.base import annealing_betas
from studies.stored import network_at

PROJECT = Path(__file__).parents[2]
BOOK = PROJECT / "docs/book"
FOUND = "const found = dragon.found(); return {...found, states: found.states.map(one => [...one]), network: found.network.step}"


@pytest.fixture(scope="module")
def training():
    return load_result(f"{GALLERY}/{TRAINED}.npz")


@pytest.fixture(scope="module")
def script(training, digits):
    return network_script(training, digits)


@pytest.fixture(scope="module")
def content(script):
    return json.loads(script.removeprefix("const DRAGON = ").removesuffix(";\n"))


@pytest.fixture(scope="module")
def browser(script, tmp_path_factory):
    """The part of the page that is not Sphinx's, open."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(BOOK / "static", folder / "_static")
    (folder / "_static/network.js").write_text(script, encoding="utf-8")
    body = re.search(r"```\{raw\} html\n(.*?)```", (BOOK / "templates/play.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    head = '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>play</title>'
    (folder / "play.html").write_text(f"{head}<link rel=icon href=data:,>{body[1]}", encoding="utf-8")
    with open_browser(folder / "chromium") as opened:
        opened.get((folder / "play.html").as_uri())
        yield opened
        fetched = opened.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
        assert [name for name in fetched if not name.startswith(("file:", "data:"))] == []
        assert console_errors(opened) == []


def slide(browser, name, keys):
    browser.find_element(By.ID, name).send_keys(keys)


def choose(browser, number):
    browser.execute_script("document.querySelectorAll('#images input')[arguments[0]].click()", number)


def text(browser, name):
    return browser.find_element(By.ID, name).text


@pytest.mark.parametrize(("image", "moment"), [(0, 0), (7, 1), (12, 4), (20, 9)])
def test_energies_and_answers_are_those_of_the_python_network(browser, training, content, digits, image, moment):
    choose(browser, image)
    slide(browser, "moment", [Keys.HOME, *[Keys.ARROW_RIGHT] * moment])
    browser.find_element(By.ID, "anneal").click()
    found = browser.execute_script(FOUND)

    step, row = content["moments"][moment]["step"], content["images"][image]["row"]
    assert found["network"] == step
    net, x, label = network_at(training, step), digits.x_test[row : row + 1], digits.y_test[row : row + 1]
    problem, states = net.problem(x), np.array(found["states"], np.int8)[None]
    energies, overlaps = (np.array(found["course"][-1][name]) for name in ("energies", "overlaps"))
    right = net.clamped(x, label)
    np.testing.assert_allclose(found["zero"], problem.energy(right[:, None])[0, 0], rtol=1e-6)
    np.testing.assert_allclose(energies + found["zero"], problem.energy(states)[0], rtol=1e-6)
    np.testing.assert_allclose(energies, energies_in_double(net, x, states[0]) - energies_in_double(net, x, right), atol=1e-5)
    np.testing.assert_allclose(found["classes"], net.class_energies(x)[0], rtol=1e-6)
    np.testing.assert_allclose(overlaps, states[0] @ right[0].astype(float) / right.size, atol=1e-12)
    assert (relax(problem, states) == states).all()

    wrong = net.is_wrong(problem.split(states)[-1], label)[0]
    assert [kind != "right" for kind in found["kinds"]] == wrong.tolist()
    assert [kind == "head" for kind in found["kinds"]] == (wrong & (energies <= content["margin"])).tolist()
    told = text(browser, "told")
    assert f"the network answers {net.predict(x)[0]}, {'right' if net.predict(x) == label else 'wrong'};" in told
    own = found["own"]
    assert f"own answer is {'undecided' if own is None else own}" in told
    outputs = problem.split(states)[-1][0, energies.argmin()]
    assert own == (net.decode(outputs) if (net.class_overlaps(outputs) == net.class_overlaps(outputs).max()).sum() == 1 else None)


def energies_in_double(net, x, states):
    """(R,) of R states, without float32's rounding."""
    states = states.astype(float)
    hidden, outputs = np.split(states, [net.layers[0]], axis=1)
    weights, couplings = (matrix.astype(float) for matrix in net.weights)
    fields = net.measured(x.astype(float)) @ weights + net.biases[0]
    return -(hidden * (fields + outputs @ couplings.T)).sum(axis=1) - outputs @ net.biases[1]


def test_anneals_are_as_cold_as_those_of_python(browser, training, content, digits):
    for moment, one in enumerate(content["moments"]):
        problem = network_at(training, one["step"]).problem(digits.x_test[:1])
        betas = browser.execute_script(f"return new Network(DRAGON, DRAGON.moments[{moment}]).schedule(20)")
        np.testing.assert_allclose(betas, annealing_betas(problem, 20, None), rtol=1e-5)


def test_reads_at_a_fixed_temperature_follow_boltzmann(browser, training, content, digits):
    """Against sums over all states of the outputs, the hidden spins summed out."""
    beta, row = 0.4, content["images"][0]["row"]
    net, x = network_at(training, content["moments"][4]["step"]), digits.x_test[row : row + 1]
    outputs = 2.0 * (np.arange(2 ** net.layers[1])[:, None] >> np.arange(net.layers[1]) & 1) - 1
    felt = net.problem(x).fields[0, : net.layers[0]] + outputs @ net.weights[1].T.astype(float)
    logs = beta * outputs @ net.biases[1] + np.logaddexp(beta * felt, -beta * felt).sum(axis=1)
    chance = np.exp(logs - logs.max())
    chance /= chance.sum()
    means = np.concatenate([chance @ np.tanh(beta * felt), chance @ outputs])
    drawn = browser.execute_script(
        "const net = new Network(DRAGON, DRAGON.moments[4]), sums = new Float64Array(net.spins);"
        "const reads = new Reads(net, net.fields(unpack(DRAGON.images[0].pixels)), 2000, 3);"
        f"for (let sweep = 0; sweep < 60; sweep++) reads.sweep({beta});"
        "for (const state of reads.states) state.forEach((spin, at) => sums[at] += spin);"
        "return [...sums].map(sum => sum / 2000)"
    )
    errors = (np.array(drawn) - means) / np.sqrt((1 - means**2) / 2000 + 1e-9)
    assert np.abs(errors).max() < 5
    assert np.abs(means).max() > 0.5
    assert abs(np.std(errors) - 1) < 0.35


def test_training_takes_the_heads_and_heat_takes_the_answer(browser):
    choose(browser, 0)
    slide(browser, "moment", Keys.HOME)
    before = browser.execute_script(FOUND)["kinds"].count("head")
    slide(browser, "moment", Keys.END)
    assert browser.execute_script(FOUND)["kinds"].count("head") < before / 10
    overlaps = []
    for keys, reached in ((Keys.HOME, "T = 0.1 "), (Keys.END, "T = 200 ")):
        slide(browser, "temperature", keys)
        WebDriverWait(browser, 60).until(lambda _, reached=reached: reached in text(browser, "melted"))
        overlaps.append(float(re.search(r"m = (-?[\d.]+)", text(browser, "melted"))[1]))
    assert overlaps[0] > 0.8
    assert overlaps[1] < 0.1


def test_images_are_chosen_and_digits_drawn_by_keyboard_alone(browser):
    choose(browser, 0)
    browser.execute_script("document.querySelector('#images input:checked').focus()")
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    chosen = browser.switch_to.active_element.get_attribute("aria-label")
    assert text(browser, "name") == chosen != browser.execute_script("return document.querySelector('#images input').ariaLabel")
    slide(browser, "moment", Keys.END)
    browser.find_element(By.ID, "clear").click()
    browser.find_element(By.ID, "board").send_keys([Keys.SPACE, *[Keys.ARROW_DOWN] * 11, Keys.SPACE])
    assert "your drawing" in text(browser, "name")
    assert Select(browser.find_element(By.ID, "label")).first_selected_option.text == "1"
    assert not browser.find_elements(By.CSS_SELECTOR, "#images input:checked")


def test_a_digit_drawn_with_a_pointer_is_answered(browser):
    browser.find_element(By.ID, "clear").click()
    board, ring = browser.find_element(By.ID, "board"), np.linspace(0, 2 * np.pi, 25)
    places = np.stack([30 * np.sin(ring), -55 * np.cos(ring)], axis=1).round().astype(int).tolist()
    pointer = ActionChains(browser, duration=10).move_to_element_with_offset(board, *places[0]).click_and_hold()
    for place in places[1:]:
        pointer.move_to_element_with_offset(board, *place)
    pointer.release().perform()
    pixels = np.array(browser.execute_script("return [...dragon.state.pixels]")).reshape(8, 8)
    assert (pixels * 16 == np.rint(pixels * 16)).all()
    assert pixels[:, 0].sum() == pixels[3:5, 3:5].sum() == 0 < pixels[0].sum()
    assert Select(browser.find_element(By.ID, "label")).first_selected_option.text == "0"
    Select(browser.find_element(By.ID, "label")).select_by_visible_text("7")
    assert "the network answers 0, wrong" in text(browser, "told")


@pytest.mark.parametrize("width", [320, 1280])
def test_everything_fits_the_screen_and_has_a_name(browser, width):
    set_screen(browser, width, 800, phone=width < 600)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    for picture in browser.find_elements(By.CSS_SELECTOR, "#dragon [role=img]"):
        assert len(picture.get_attribute("aria-label")) > 10
        assert picture.size["width"] > 90
    for control in browser.find_elements(By.CSS_SELECTOR, "#dragon input, #dragon button, #dragon select, #dragon [tabindex]"):
        assert control.accessible_name


def test_numbers_are_packed_to_the_last_bit_of_the_largest():
    numbers = np.random.default_rng(0).standard_normal(500).astype(np.float32)
    for values in (numbers, np.zeros(3), np.arange(17) / 16, np.array([1 - 2.0**-24, -1.0])):
        told = packed(values)
        raw = np.frombuffer(base64.b64decode(told["bytes"]), np.uint8).reshape(-1, 3).astype(int)
        whole = (raw << [0, 8, 16]).sum(axis=1)
        found = told["step"] * np.where(whole < 2**23, whole, whole - 2**24)
        assert np.abs(found - values).max() <= told["step"]
        assert told["step"] <= max(np.abs(values).max(), 1) * 2.0**-22


def test_the_script_is_small_and_shows_every_class(script, content, digits):
    assert len(script) <= 400_000
    assert {one["label"] for one in content["images"]} == set(range(10))
    assert all(digits.y_test[one["row"]] == one["label"] for one in content["images"])
    assert [one["step"] for one in content["moments"]] == sorted(one["step"] for one in content["moments"])
    assert content["moments"][0]["error"] > 5 * content["moments"][-1]["error"]
