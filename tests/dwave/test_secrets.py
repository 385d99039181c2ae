"""A token never reaches a message or a page, whatever form it takes there, and what cannot heal is not tried again."""

import gc
import html
import json
import stat
import traceback
from urllib.parse import quote, quote_plus

import nbformat
import papermill
import pytest
import requests
from dwave.system.testing import MockDWaveSampler

from artifact import execute
from qnn_core.errors import AnnealerError
from qnn_dwave import device
from qnn_dwave.secrets import redacted

CORE = "DEV-0123456789ab/cdef+none"
TOKENS = [
    CORE,
    f"{CORE}\r",
    f"{CORE}\n",
    f" {CORE}\t",
    f"'{CORE}'",
    f"{CORE}\r\nDEV-second-line",
    f"{CORE}ünï",
    quote(CORE, safe=""),
]
FORMS = {
    "plain": str, "stripped": str.strip, "quoted": repr, "twice": lambda token: repr(repr(token)), "json": json.dumps, "ascii": ascii,
    "bytes": lambda token: repr(token.encode()), "percent": quote, "percent all": lambda token: quote(token, safe=""),
    "plus": quote_plus, "html": html.escape, "coloured": lambda token: f"\x1b[31m{token[:7]}\x1b[39m{token[7:]}",
}  # fmt: skip


ODD = [
    "request_timeout = -1", "request_timeout = 0", "request_timeout = nan", "request_timeout = 1e400", "request_timeout = (1",
    "client_cert = /nowhere", "permissive_ssl = perhaps", "proxy = http://me:secret@[::1",
    "http_retry_total = many", "connection_close = maybe",
]  # fmt: skip
"""Lines of a configuration that Ocean cannot use."""


def assert_clean(text):
    for form in FORMS.values():
        assert form(CORE).strip("b'\"") not in text
    assert "0123456789ab" not in text
    assert "second-line" not in text


@pytest.fixture
def configuration(tmp_path, monkeypatch):
    """Writes the only configuration file that there is."""
    for name in ("DWAVE_API_TOKEN", "DWAVE_PROFILE", "DWAVE_API_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it was tried again"))

    def write(content):
        path = tmp_path / "dwave.conf"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        monkeypatch.setenv("DWAVE_CONFIG_FILE", str(path))
        return path

    return write


def failure(**options):
    with pytest.raises(AnnealerError) as caught:
        device.LiveDevice(None, attempts=5, pause=1.0, **options)
    assert "\n" not in str(caught.value)
    assert_clean("".join(traceback.format_exception(caught.value)))
    return str(caught.value)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("token", TOKENS, ids=ascii)
def test_every_form_is_struck_out(token, form, monkeypatch, configuration):
    configuration("")
    monkeypatch.setenv("DWAVE_API_TOKEN", token)
    assert_clean(redacted(f"before {form(token)} after"))
    monkeypatch.delenv("DWAVE_API_TOKEN")
    configuration(f"[a]\nendpoint = x\n\n[b]\nToken: {token}\n" if "\r\n" not in token else f"token = {CORE}")
    assert_clean(redacted(f"before {form(token if chr(10) not in token else CORE)} after"))


def test_ordinary_words_stay():
    assert redacted("a token of https://example.org/a@b") == "a token of https://example.org/a@b"
    assert redacted("proxy http://me:secret@proxy:80 failed") == "proxy http://<secret>@proxy:80 failed"


@pytest.mark.parametrize("ending", ["\r", "\n", " ", "\r\n"])
def test_blanks_around_a_token_are_no_part_of_it(ending, monkeypatch, configuration):
    configuration("")
    monkeypatch.setenv("DWAVE_API_TOKEN", CORE + ending)
    given = []
    monkeypatch.setattr("dwave.system.DWaveSampler", lambda **options: given.append(options) or MockDWaveSampler())
    device.LiveDevice("one", attempts=5, pause=1.0)
    assert given == [{"token": CORE, "solver": "one"}]


@pytest.mark.parametrize("token", [f"{CORE}\r\nX: y", f"{CORE} {CORE}", f"{CORE}é", f"{CORE}\x00"[:-1] + "\x7f"])
def test_a_token_that_is_none_is_refused(token, monkeypatch, configuration):
    configuration("")
    monkeypatch.setenv("DWAVE_API_TOKEN", token)
    assert "which no token does" in failure()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Of sockets that urllib3 leaves to be collected.
@pytest.mark.parametrize(
    "content",
    [
        f"token = {CORE}\n",
        f"[a\ntoken = {CORE}\n",
        f"[a]\ntoken = {CORE}\ntoken = {CORE}\n",
        f"[a]\ntoken = {CORE}%\n",
        f"[a]\ntoken = {CORE}\nrequest_timeout = soon\n",
        f"[a]\ntoken = {CORE}\npolling_timeout = soon\n",
        f"[a]\ntoken = {CORE}\nendpoint = nowhere\n",
        *(
            f"[a]\ntoken = {CORE}\nendpoint = https://localhost:9/\nmetadata_api_endpoint = https://localhost:9/\n{line}\n"
            for line in ODD
        ),
        f"[a]\ntoken = {CORE}\n# ".encode() + b"\xff\xfe",
        None,
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_sentence(content, configuration):
    path = configuration(content or "")
    if content is None:
        path.unlink()
    assert "D-Wave's configuration cannot be used" in failure()
    gc.collect()


def test_an_unknown_profile_is_one_sentence(configuration, monkeypatch):
    configuration(f"[a]\ntoken = {CORE}\n")
    monkeypatch.setenv("DWAVE_PROFILE", "b")
    assert "'b' not found" in failure()


@pytest.mark.parametrize("kind", ["InvalidHeader", "InvalidURL", "InvalidSchema", "MissingSchema", "SSLError", "InvalidProxyURL"])
def test_what_cannot_heal_is_not_tried_again(kind, configuration, monkeypatch):
    configuration(f"[a]\ntoken = {CORE}\n")

    def fail(**_):
        raise getattr(requests.exceptions, kind)(f"bad value {CORE.encode()!r}")

    monkeypatch.setattr("dwave.system.DWaveSampler", fail)
    assert "configuration cannot be used" in failure()


def test_an_unknown_error_with_the_token_in_its_chain_is_told_without_it(configuration, monkeypatch):
    configuration(f"[a]\ntoken = {CORE}\n")

    def fail(**_):
        try:
            raise KeyError(CORE)
        except KeyError as error:
            raise TypeError("ours") from error

    monkeypatch.setattr("dwave.system.DWaveSampler", fail)
    assert "Ocean stopped. (TypeError: ours)" in failure()


def test_a_failed_page_holds_no_token_and_is_its_owners(tmp_path, monkeypatch, configuration, capsys):
    configuration("")
    monkeypatch.setenv("DWAVE_API_TOKEN", f"{CORE}\r")
    cell = nbformat.v4.new_code_cell("x")
    error = f"Invalid header {CORE.encode()!r}"
    trace = [f"\x1b[31mToken {CORE[:7]}\x1b[39m{CORE[7:]}", f"{CORE!r}\r", error]
    cell.outputs = [
        nbformat.v4.new_output("error", ename="InvalidHeader", evalue=error, traceback=trace),
        nbformat.v4.new_output("stream", name="stdout", text=f"Bearer {CORE}\n"),
        nbformat.v4.new_output("display_data", {"text/html": html.escape(repr(CORE)), "application/json": {"token": CORE}}),
    ]

    def fail(_, working_copy, **__):
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), working_copy)
        raise papermill.PapermillExecutionError(0, 1, "x", "InvalidHeader", error, trace)

    monkeypatch.setattr(execute.papermill, "execute_notebook", fail)
    given = json.dumps({"result": str(tmp_path / "data.npz")})
    assert execute.main(["01_data", "--output", str(tmp_path / "page.ipynb"), "--parameters", given]) == 1
    page = tmp_path / "page.failed.ipynb"
    assert_clean(page.read_text(encoding="utf-8") + capsys.readouterr().err)
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
