"""The book: every page there, every link and anchor good, formulas set, nothing fetched, and a real browser content at every width."""

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from browser import console_errors, open_browser, set_screen
from bs4 import BeautifulSoup
from conftest import environment
from latex2mathml.converter import convert
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

import artifact.book
from artifact import files
from artifact.book import write_book
from artifact.results import load_result
from qnn_core.errors import DamagedFile, MissingData
from qnn_core.files import write_record
from studies.claims import Claim
from studies.stored import steps_of

PROJECT = Path(__file__).parents[1]
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$]+\$", flags=re.DOTALL)

CLONED = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "remote.origin.url",
    "GIT_CONFIG_VALUE_0": "git@github.com:somebody/dragon.git",
}
"""What git says in a clone of a public repository."""


def make(folder, profile):
    return subprocess.run(
        [sys.executable, "-m", "artifact.run", "--site", "--profile", profile],
        cwd=folder, env={**environment(folder), **CLONED}, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def book(finished):
    """The book of the smoke profile, made in a copy of the project, in place of an older one."""
    shutil.copytree(PROJECT / "docs", finished / "docs", dirs_exist_ok=True)
    (finished / "site").mkdir()
    (finished / "site/stale.html").write_text("old")
    done = make(finished, "smoke")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["Site:", "site/index.html"]
    assert not list(finished.glob(".site-*"))
    return finished / "site"


@pytest.fixture(scope="module")
def rendered(finished):
    """The rendered notebooks that the book is made of, by name."""
    folder = finished / "notebooks/rendered/smoke"
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.ipynb")}


@cache
def html_of(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def pages(book):
    return sorted(path for path in book.rglob("*.html") if "_static" not in path.parts)


def first_run(rendered, notebook):
    """The one that the profile names first, where it names any."""
    runs = sorted(name for name in rendered if name.split("/")[0] == notebook)
    return rendered[next((name for name in runs if re.search("/(gibbs|depth3)", name)), runs[0])]


def prose(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]


def test_next_leads_through_all_notebooks_once_in_the_order_of_the_navigation(book, rendered):
    listed = [link["href"] for link in html_of(book / "index.html").select(".bd-sidebar-primary a.internal")]
    at, walked = "index.html", []
    while (link := html_of(book / at).select_one("a.right-next")) is not None:
        at = (book / at).parent.joinpath(link["href"]).resolve().relative_to(book.resolve()).as_posix()
        walked.append(at)
    assert len(walked) == len(set(walked))
    assert [one for one in walked if one in listed] == [one for one in listed if one.endswith(".html")]
    notebooks = [Path(one).stem for one in walked if one.startswith("notebooks/")]
    assert sorted(notebooks) == sorted({name.split("/")[0] for name in rendered})


def test_further_runs_of_a_notebook_are_reached_from_its_page(book, rendered):
    runs = {name for name in rendered if "/" in name and rendered[name] != first_run(rendered, name.split("/")[0])}
    folder = book / "notebooks/rendered/smoke"
    made = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.html")}
    assert made == runs
    for name in runs:
        page = book / f"notebooks/{name.split('/')[0]}.html"
        assert html_of(page).select(f'a[href="rendered/smoke/{name}.html"]')


def test_no_link_or_anchor_is_broken_and_nothing_comes_from_a_network(book):
    for path in pages(book):
        for element in html_of(path).select("[href], [src]"):
            target = element.get("href") or element.get("src")
            address = urlsplit(target)
            if address.scheme == "data":
                continue
            if address.scheme or address.netloc:
                assert element.name == "a", f"{path.name} fetches {target}"
                continue
            file = (path.parent / unquote(address.path)).resolve() if address.path else path.resolve()
            assert file.is_file(), f"{path.name} links to {target}"
            if address.fragment and file.suffix == ".html":
                assert html_of(file).find(id=unquote(address.fragment)), f"{path.name} links to {target}"
    for style in book.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", style.read_text(encoding="utf-8")), style


def test_documents_link_to_pages_and_to_nothing_else(book):
    assert html_of(book / "docs/reconstruction.html").select('a[href="../notebooks/02c_ablation.html"]')
    assert html_of(book / "docs/reconstruction.html").select('a[href="qpu.html"]')
    assert not [span.get_text() for path in pages(book) for span in html_of(path).select(".xref.myst:not(a .xref)")]


def test_no_page_names_a_path_of_the_machine(book, finished):
    for path in [*pages(book), book / "searchindex.js"]:
        text = path.read_text(encoding="utf-8")
        assert not any(secret in text for secret in (str(finished), str(Path.home()) + "/", str(PROJECT), "site-packages"))


def test_the_first_page_shows_the_claims_with_a_page_each(book, finished):
    claims = json.loads((finished / "data/results/smoke/claims.json").read_text(encoding="utf-8"))["claims"]
    index = html_of(book / "index.html")
    rows = index.select("article table tbody tr")
    assert len(index.select("article table thead th")) <= 4
    assert len(rows) == len(claims)
    for row, claim in zip(rows, claims, strict=True):
        assert claim["verdict"] in row.get_text()
        page = html_of(book / row.a["href"])
        for told in ("statement", "found", "measure", "rule", "conditions", "change", "verdict", "sampler_kind"):
            assert re.sub(r"\W", "", claim[told])[1:] in re.sub(r"\W", "", page.article.get_text())
        assert page.select(f'article a[href="../notebooks/{claim["notebook"]}.html"]')
        assert not claim["figure"] or page.select(f'article img[src$="/{claim["figure"]}.png"]')


def test_a_page_tells_where_another_profile_was_judged_otherwise(monkeypatch):
    def claim(name, verdict):
        return Claim(name, *["told"] * 7, verdict, None, None, None, "", "")

    mine, others = ([claim("C1a", "reproduced"), claim("C2a", word)] for word in ("undecided", "depends"))
    monkeypatch.setattr(artifact.book, "load_claims", lambda _: (others, ""))
    assert artifact.book._judged_otherwise(mine, "paper") == {"C2a": others[1]}
    template = artifact.book.TEMPLATES.get_template("claim.md")
    page = template.render(name="C2", title="A", statement="A.", parts=mine[1:], others={"C2a": others[1]}, other="paper")
    assert "In the `paper` profile, the same notebooks with other data and sizes: **depends**" in page
    monkeypatch.setattr(artifact.book, "load_claims", lambda path: (_ for _ in ()).throw(MissingData(path)))
    assert artifact.book._judged_otherwise(mine, "paper") == {}


def test_every_formula_of_a_page_is_set(book, rendered):
    roots = 0
    for notebook in {name.split("/")[0] for name in rendered}:
        page = html_of(book / f"notebooks/{notebook}.html")
        source = "\n\n".join(prose(first_run(rendered, notebook)))
        formulas = FORMULA.findall(re.sub(r"`[^`]*`", "", source))
        shown = page.select("article math")
        assert len(shown) >= len(formulas), notebook
        assert len(page.select("article msqrt")) >= sum(formula.count(r"\sqrt") for formula in formulas)
        roots += len(page.select("article msqrt"))
        text = [one for one in page.article.find_all(string=True) if not one.find_parent(["pre", "code", "script", "table"])]
        assert "$" not in "".join(text)
        assert not any("\\" in formula.get_text() for formula in shown)
    assert roots > 0
    assert html_of(book / "notebooks/06_grover.html").select(".formula math[display=block]")


@pytest.mark.parametrize("path", sorted((PROJECT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_formula_of_the_notebooks_can_be_set(path):
    for formula in FORMULA.findall("\n\n".join(prose(path))):
        assert "\\" not in re.sub(r"<[^>]*>", "", convert(formula.strip("$"))), formula


def test_pages_say_where_they_come_from(book, rendered):
    record = nbformat.read(first_run(rendered, "02_training"), as_version=4).metadata["provenance"]
    page = html_of(book / "notebooks/02_training.html")
    told = page.find(id="how-this-page-was-made").get_text(" ", strip=True)
    for known in ("notebooks/02_training.ipynb", "Seed", "classical annealer (block Gibbs)", f"torch {record['packages']['torch']}",
                  record["data_sha256"][:16], "Wall time", "Code"):  # fmt: skip
        assert known in told
    assert all(image["alt"] for path in pages(book) for image in html_of(path).select("article img"))


def test_pages_of_a_clone_lead_to_their_source_and_to_binder(book):
    header = ".bd-header-article a"
    links = [link["href"] for link in html_of(book / "notebooks/06_grover.html").select(header)]
    assert any(re.match(r"https://github\.com/somebody/dragon/blob/main/notebooks/06_grover\.ipynb", link) for link in links)
    assert any(re.match(r"https://mybinder\.org/v2/gh/somebody/dragon/.*06_grover\.ipynb", link) for link in links)
    generated = [link["href"] for link in html_of(book / "claims/C1.html").select(header)]
    assert not any("claims/C1" in link for link in generated if link.startswith("https"))


def test_the_reference_shows_signatures_and_arguments(book):
    ising = html_of(book / "api/qnn_core.ising.html")
    arguments = ising.find(id="qnn_core.ising.IsingProblem").find_next_sibling("dd").ul
    assert "float32, dimensionless" in arguments.get_text()
    assert [item.strong.get_text() for item in arguments.select("li")] == ["layers", "fields", "couplings"]
    network = html_of(book / "api/qnn_core.network.html").article.get_text()
    assert "|a_j + (W t_c)_j|" in network


def test_the_page_to_play_with_has_a_network_of_the_run(book, finished):
    script = (book / "_static/network.js").read_text(encoding="utf-8")
    content = json.loads(script.removeprefix("const DRAGON = ").removesuffix(";\n"))
    run = load_result(str(next((finished / "data/results/smoke/training").glob("gibbs-*-s0.npz"))))
    assert [one["step"] for one in content["moments"]] == steps_of(run)
    assert content["sizes"] == run["network_sizes"].tolist()
    assert f"{content['sizes'][1]} hidden spins" in html_of(book / "play.html").article.get_text()


def watched(browser, width):
    set_screen(browser, width, 800, phone=width < 600)
    return browser.execute_script(
        "return {wide: document.documentElement.scrollWidth, "
        "pictures: [...document.images].filter(one => one.loading !== 'lazy' && !(one.complete && one.naturalWidth)).length, "
        "fetched: performance.getEntriesByType('resource').map(one => one.name).filter(name => !/^(file|data):/.test(name))}"
    )


def test_a_browser_finds_nothing_wrong_at_the_width_of_a_phone_or_a_desk(book, tmp_path):
    with open_browser(tmp_path / "chromium") as browser:
        for path in pages(book):
            browser.get(path.as_uri())
            for width in (375, 1280) if path.parent in (book, book / "notebooks") else (375,):
                seen = watched(browser, width)
                assert seen["wide"] <= width, f"{path.name} is {seen['wide']} wide on a screen of {width}"
                assert seen["pictures"] == 0, path.name
                assert seen["fetched"] == []
                assert console_errors(browser) == [], path.name


def test_navigation_search_themes_and_formulas_work_from_the_file_system(book, tmp_path):
    with open_browser(tmp_path / "chromium") as browser:
        set_screen(browser, 1280, 800, phone=False)
        browser.get((book / "index.html").as_uri())
        for _ in range(40):
            ActionChains(browser).send_keys(Keys.TAB).perform()
            if browser.execute_script("return document.activeElement.matches('.bd-sidebar-primary a.internal')"):
                break
        reached = browser.switch_to.active_element
        goal = reached.get_attribute("href")
        reached.send_keys(Keys.ENTER)
        WebDriverWait(browser, 10).until(lambda _: browser.current_url.split("#")[0] == goal.split("#")[0])

        browser.get((book / "notebooks/06_grover.html").as_uri())
        drawn = (
            "const done = arguments[0]; document.fonts.load('16px \"STIX Two Math Part\"', '∑').then(found => done(found.length))"
        )
        # A busy machine may still be leaving the page before.
        WebDriverWait(browser, 10).until(lambda _: browser.execute_async_script(drawn))
        papers = set()
        for mode in ("light", "dark"):
            browser.find_element(By.CSS_SELECTOR, ".theme-switch-button").click()
            browser.find_element(By.CSS_SELECTOR, f".theme-change-button[data-mode={mode}]").click()
            papers.add(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
        assert len(papers) == 2

        browser.get((book / "search.html").as_uri() + "?q=Grover")
        WebDriverWait(browser, 20).until(lambda _: browser.find_elements(By.CSS_SELECTOR, "#search-results li a"))
        found = [link.get_attribute("href") for link in browser.find_elements(By.CSS_SELECTOR, "#search-results li a")]
        assert any("06_grover" in link for link in found)
        assert console_errors(browser) == []


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A project without runs."""
    for module in (files, artifact.book):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore")  # what Sphinx and MyST say of each other
def test_a_fault_stops_the_book_and_leaves_the_older_one(empty):
    """Here pages link to notebooks that were not rendered."""
    shutil.copytree(PROJECT / "docs", empty / "docs")
    for folder in ("figures/quick", "notebooks/rendered/quick", "site"):
        (empty / folder).mkdir(parents=True)
    mine = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Mine")])
    nbformat.write(mine, empty / "notebooks/rendered/quick/mine.ipynb")
    write_record(empty / "data/results/quick/claims.json", {"claims": [], "agreement": ""})
    (empty / "site/index.html").write_text("older")
    with pytest.raises(DamagedFile, match="notebooks/04b_equilibrium") as stopped:
        write_book("quick")
    assert "notebooks/mine" not in str(stopped.value)
    assert (empty / "site/index.html").read_text() == "older"
    assert not list(empty.glob(".site-*"))


def test_a_book_of_nothing_is_refused(empty):
    with pytest.raises(MissingData, match=r"run \./run_all\.sh --profile paper"):
        write_book("paper")
    assert list(empty.iterdir()) == []
