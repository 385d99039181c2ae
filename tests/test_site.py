"""The site: every page there, every link good, formulas set, nothing fetched, and a real browser content at every width."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from browser import console_errors, open_browser, set_screen
from bs4 import BeautifulSoup
from conftest import environment

from artifact import files
from artifact.contents import CHAPTERS, DOCUMENTS, chapter_of, reading_order
from artifact.pages import labels, markdown_to_html, read_pages
from artifact.readme import duration
from artifact.site import main, write_site
from qnn_core import MissingData
from qnn_core.files import write_record

PROJECT = Path(__file__).parents[1]
SOURCES = sorted((PROJECT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def site(finished):
    """The site of the smoke profile, written in a copy of the project."""
    (finished / "docs").mkdir()
    for document in (PROJECT / "docs").glob("*.md"):
        shutil.copy2(document, finished / "docs")
    done = subprocess.run(
        [sys.executable, "-m", "artifact.site", "--profile", "smoke"],
        cwd=finished, env=environment(finished), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["Site:", "site/index.html"]
    return finished / "site"


def html_of(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_every_rendered_notebook_has_a_page_and_is_on_the_index(site, finished):
    rendered = finished / "notebooks/rendered/smoke"
    wanted = {path.relative_to(rendered).with_suffix("").as_posix() for path in rendered.rglob("*.ipynb")}
    made = {path.relative_to(site / "pages").with_suffix("").as_posix() for path in (site / "pages").rglob("*.html")}
    assert made == wanted
    linked = {link["href"] for link in html_of(site / "index.html").select(".pages a")}
    assert linked == {f"pages/{name}.html" for name in wanted}


def test_every_document_is_on_the_index_and_leads_only_to_what_is_there(site, finished):
    written = {path.stem for path in (finished / "docs").glob("*.md")}
    assert written == set(DOCUMENTS) == {path.stem for path in (site / "docs").iterdir()}
    links = html_of(site / "index.html").select(".documents a")
    for link in links:
        page, source = html_of(site / link["href"]), (finished / link["href"]).with_suffix(".md").read_text(encoding="utf-8")
        assert page.h1.get_text() == link.get_text() == source.splitlines()[0].removeprefix("# ")
        assert len(page.select("table")) == len(re.findall(r"^\|[-|]+\|$", source, flags=re.MULTILINE))
    assert len(links) == len(DOCUMENTS)
    # The page it speaks of is of another profile than this site.
    assert not [link for link in html_of(site / "docs/reconstruction.html").select("a") if "02c" in link["href"]]


def test_the_index_shows_claims_with_runtimes_and_figures(site):
    index = html_of(site / "index.html")
    rows = [[cell.get_text(" ", strip=True) for cell in row.select("td")] for row in index.select(".claims tbody tr")]
    assert [row[0] for row in rows] == ["C1", "C2", "C3", "C4", "C5", "C6"]
    assert all(re.fullmatch(r"[\d.]+ (s|min|h)", row[7]) for row in rows)
    assert [image["src"] for image in index.select("figure img")] == [f"figures/fig{number}.png" for number in range(1, 6)]
    assert all(image["alt"] for image in index.select("img"))


def test_no_link_is_broken_and_nothing_comes_from_a_network(site):
    for path in site.rglob("*.html"):
        page = html_of(path)
        assert not page.select("script, iframe, object, embed")
        for element, attribute in [
            *((one, "href") for one in page.select("[href]")),
            *((one, "src") for one in page.select("[src]")),
        ]:
            address = urlsplit(element[attribute])
            if address.scheme == "data":
                continue
            if address.scheme:
                assert element.name == "a", f"{path.name} fetches {element[attribute]}"
                assert address.scheme == "https"
                continue
            assert (path.parent / unquote(address.path)).resolve().is_file(), f"{path.name} links to {element[attribute]}"
    assert "http" not in (site / "style.css").read_text().split("@font-face")[0]


def test_no_page_names_a_path_of_the_machine(site, finished):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not any(secret in text for secret in (str(finished), str(Path.home()) + "/", str(PROJECT), "site-packages"))


def test_pages_set_their_formulas_and_say_where_they_come_from(site):
    page = html_of(next((site / "pages/02_training").glob("*.html")))
    assert len(page.select("math")) > 10
    assert page.select(".formula math[display=block]")
    assert "29 parameters of this page" in page.get_text()
    assert "$" not in "".join(text for text in page.main.find_all(string=True) if text.parent.name not in ("code", "pre", "span"))
    terms = {term.get_text(): value.get_text() for term, value in zip(page.select("dt"), page.select("dd"), strict=True)}
    assert terms["Seed"].isdigit()
    assert terms["Made by"] == "classical annealer (block Gibbs)"
    assert "torch" in terms["Packages"]
    assert set(terms) == {"Notebook", "Seed", "Made by", "Code", "Python", "Packages", "Wall time", "Data"}
    assert all(image["alt"] for path in (site / "pages").rglob("*.html") for image in html_of(path).select("img"))


def test_a_browser_finds_nothing_wrong_at_the_width_of_a_phone_or_a_desk(site, tmp_path):
    with open_browser(tmp_path / "chromium") as browser:
        for path in sorted(site.rglob("*.html")):
            for width in (360, 1280) if path.parent == site else (360,):
                set_screen(browser, width, 800, phone=width < 600)
                browser.get(path.as_uri())
                seen = browser.execute_script(
                    "return {wide: document.documentElement.scrollWidth, "
                    "pictures: [...document.images].filter(one => one.loading !== 'lazy' && !(one.complete && one.naturalWidth)).length, "
                    "fetched: performance.getEntriesByType('resource').map(one => one.name).filter(name => !/^(file|data):/.test(name)), "
                    "ink: getComputedStyle(document.body).color, paper: getComputedStyle(document.body).backgroundColor}"
                )
                assert seen["wide"] <= width, f"{path.name} is {seen['wide']} wide on a screen of {width}"
                assert seen["pictures"] == 0
                assert seen["fetched"] == []
                assert (seen["ink"], seen["paper"]) == ("rgb(29, 33, 39)", "rgb(255, 255, 255)")
        browser.get(next((site / "pages/02_training").glob("*.html")).as_uri())
        assert browser.execute_async_script(
            "const done = arguments[0]; document.fonts.load('16px \"Page Math\"', '∑').then(found => done(found.length))"
        )
        assert console_errors(browser) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_formula_of_the_notebooks_can_be_set(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            html = markdown_to_html(cell.source)
            assert html.count("<math") == len(re.findall(r"\$\$.+?\$\$|\$[^$]+\$", cell.source, flags=re.DOTALL))


def test_the_contents_name_notebooks_that_exist_each_once():
    listed = [name for chapter in CHAPTERS for name in chapter.notebooks]
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) <= {path.stem for path in SOURCES}
    assert sorted(["fig1", "04c_sizes", "01_data", "04e_new", "04d_landscape", "summary"], key=reading_order) == [
        "summary", "fig1", "01_data", "04c_sizes", "04d_landscape", "04e_new",
    ]  # fmt: skip
    assert chapter_of("04e_new") == chapter_of("04d_landscape")
    assert chapter_of("another") == "More"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """An empty project with two runs of a notebook that the contents do not know."""
    monkeypatch.setattr(files, "ROOT", tmp_path)
    folder = tmp_path / "notebooks/rendered/quick/05z_mine"
    folder.mkdir(parents=True)
    for seed in (0, 1):
        cells = [
            nbformat.v4.new_markdown_cell("# Mine & <yours>\n\nIs $x<1$? A second sentence."),
            nbformat.v4.new_code_cell(f'seed = 7\nresult = "{seed}.npz"', metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(
                f"seed: int = {seed}\nwindows = [{{'width': {seed + 2}}}]", metadata={"tags": ["injected-parameters"]}
            ),
        ]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"run-{seed}.ipynb")
    nbformat.write(nbformat.v4.new_notebook(), folder / "run-2.failed.ipynb")
    return tmp_path


def test_unknown_notebooks_get_pages_too_and_an_older_site_is_replaced(own):
    pages = read_pages("quick")
    assert [page.parameters["seed"] for page in pages] == [0, 1]
    assert labels(pages) == ["seed 0", "seed 1"]
    assert pages[0].about == "Is $x<1$?"
    write_record(own / "data/results/quick/claims.json", {"claims": []})
    (own / "site").mkdir()
    (own / "site" / "stale.html").write_text("old")
    assert write_site("quick") == own / "site/index.html"
    assert not (own / "site/stale.html").exists()
    assert not list(own.glob(".site-*"))
    page = html_of(own / "site/pages/05z_mine/run-1.html")
    assert "not in this copy" in page.get_text()
    assert page.title.get_text() == "Mine & <yours>"


def test_a_site_of_nothing_is_refused(own, capsys):
    with pytest.raises(MissingData, match="claims"):
        write_site("quick")
    assert main(["--profile", "paper"]) == 1
    assert "run ./run_all.sh --profile paper" in capsys.readouterr().err
    assert not (own / "site").exists()


def test_durations_are_said_as_people_say_them():
    assert [duration(seconds) for seconds in (0.04, 9.96, 59.9, 61, 4000, 360000)] == [
        "0.0 s",
        "10.0 s",
        "60 s",
        "1.0 min",
        "1.1 h",
        "100 h",
    ]
