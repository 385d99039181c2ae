"""What is read is never trusted: no code from files, no unbounded unpacking, no download without a checksum."""

import ast
import io
import json
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from artifact.profiles import load_profile
from artifact.results import PACKAGES
from qnn_core import DamagedFile, InvalidInput, load_dataset, mnist
from qnn_core import files as core_files
from qnn_core.checkpoint import Checkpoint
from qnn_core.files import read_arrays, write_sealed

PROJECT = Path(__file__).parents[1]
FORBIDDEN = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.load", "pickle.loads", "joblib.load", "marshal.loads",
    "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "urllib.request.urlopen", "urllib.request.urlretrieve", "requests.get",
    "gzip.decompress", "np.fromfile", "np.loadtxt", "np.genfromtxt", "shutil.unpack_archive",
}  # fmt: skip


def sources():
    """Every Python text that users run: the package, the notebooks' cells, the benchmarks, the workflow's helpers."""
    for path in [path for folder in (*PACKAGES, "benchmarks") for path in (PROJECT / folder).rglob("*.py")]:
        yield path.relative_to(PROJECT), path.read_text(encoding="utf-8")
    for path in (PROJECT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        yield path.name, "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def violations(source):
    """What a source does that it must not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\b(http|ftp)://", node.value):
            yield f"{node.lineno}: {node.value[:60]}"
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        options = {option.arg: ast.unparse(option.value) for option in node.keywords}
        unsafe = (
            name in FORBIDDEN
            or (name == "np.load" and options.get("allow_pickle") != "False")
            or (name == "np.savez_compressed" and "allow_pickle" in options and options["allow_pickle"] != "False")
            or (name == "torch.load" and options.get("weights_only") != "True")
            or (name == "yaml.load" and options.get("Loader") != "_OnceOnly")
            or options.get("shell") == "True"
            or options.get("verify") == "False"
        )
        if unsafe:
            yield f"{node.lineno}: {ast.unparse(node)[:80]}"


@pytest.mark.parametrize(
    "source",
    [
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "yaml.load(text, Loader=yaml.Loader)",
        "subprocess.run(command, shell=True)",
        "pickle.load(file)",
        "url = 'http://example.org'",
        "requests.get(url, verify=False)",
    ],
)
def test_what_is_unsafe_is_seen(source):
    assert list(violations(source))


def test_nothing_unsafe_is_called():
    found = [f"{name}:{violation}" for name, source in sources() for violation in violations(source)]
    assert found == []


def test_only_the_data_loader_downloads_and_checks_what_came():
    importing = {
        name: source
        for name, source in sources()
        if re.search(r"\b(import|from) (pooch|urllib(?!\.parse)|httpx|socket)\b", source)
    }
    local = importing.pop(Path("artifact/warm.py"))  # Its sockets are files, which no network reaches.
    made = re.findall(r"socket\.socket\(([^)]*)", local)
    assert made
    assert all(given.startswith(("socket.AF_UNIX", "fileno=")) for given in made)
    assert not re.search(r"AF_INET|create_connection|create_server|socketpair|from socket", local)
    assert list(importing) == [Path("qnn_core/mnist.py")]
    assert all(url.startswith("https://") for url in mnist.MNIST_MIRRORS)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in mnist.MNIST_SHA256.values())


class Bomb:
    """An object whose unpickling would be noticed."""

    def __reduce__(self):
        return (Path.touch, (Path("/tmp/unpickled"),))


def test_no_pickle_is_ever_opened(tmp_path):
    Path("/tmp/unpickled").unlink(missing_ok=True)
    np.savez(tmp_path / "own.npz", x_train=np.array([Bomb()], dtype=object), y_train=np.zeros(1, int))
    with pytest.raises(InvalidInput, match="arrays of Python objects are not loaded"):
        read_arrays(tmp_path / "own.npz", "")
    (tmp_path / "own.npz").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DamagedFile):
        load_dataset(str(tmp_path / "own.npz"))
    write_sealed(tmp_path / "run.checkpoint", pickle.dumps(Bomb(), protocol=2))
    with pytest.raises(DamagedFile, match="is no checkpoint"):
        Checkpoint(str(tmp_path / "run.checkpoint"), {}).load()
    (tmp_path / "bad.yaml").write_text(
        "!!python/object/apply:pathlib.Path.touch [!!python/object/new:pathlib.Path [/tmp/unpickled]]"
    )
    with pytest.raises(InvalidInput, match="could not determine a constructor"):
        load_profile("bad", tmp_path)
    assert not Path("/tmp/unpickled").exists()


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b"a: " + b"{b: " * 5_000, b"\xff\xfe\x00"], ids=["lists", "mappings", "bytes"]
)
def test_a_profile_that_is_too_deep_or_no_text_is_refused_in_words(tmp_path, content):
    (tmp_path / "deep.yaml").write_bytes(content)
    with pytest.raises(InvalidInput, match="profile = 'deep' is not usable: expected a readable yaml file"):
        load_profile("deep", tmp_path)


def archive(path, header, content=b""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        part = io.BytesIO()
        np.lib.format.write_array_header_1_0(part, header)
        file.writestr("x_train.npy", part.getvalue() + content)


def test_sizes_are_known_before_anything_is_unpacked(tmp_path, monkeypatch):
    plain = {"descr": "<f8", "fortran_order": False}
    archive(tmp_path / "liar.npz", {**plain, "shape": (10**12,)})
    with pytest.raises(InvalidInput, match=r"liar\.npz, 8000000000000 bytes unpacked"):
        read_arrays(tmp_path / "liar.npz", "")
    archive(tmp_path / "bomb.npz", {**plain, "shape": (4_000_000,)}, bytes(32_000_000))
    assert (tmp_path / "bomb.npz").stat().st_size < 100_000
    monkeypatch.setattr(core_files, "MAX_ARRAY_BYTES", 1_000_000)
    with pytest.raises(InvalidInput, match="at most 1000000 bytes"):
        read_arrays(tmp_path / "bomb.npz", "")
    monkeypatch.undo()
    assert read_arrays(tmp_path / "bomb.npz", "")["x_train"].shape == (4_000_000,)
    archive(tmp_path / "short.npz", {**plain, "shape": (1000,)}, bytes(16))
    with pytest.raises(DamagedFile, match=r"short\.npz is not a readable \.npz file .*; write it again"):
        read_arrays(tmp_path / "short.npz", "write it again")


def test_no_more_is_unpacked_of_a_download_than_it_may_hold(tmp_path, monkeypatch):
    import gzip

    monkeypatch.setattr(mnist, "_MAX_IDX_BYTES", 1000)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(10_000_000)))
    with pytest.raises(DamagedFile, match="holds 1000 bytes"):
        load_dataset("mnist", data_dir=tmp_path)


def test_what_is_written_names_no_secret_of_the_environment(tmp_path, monkeypatch):
    """Tokens and the name of the user stand in the environment of every run; none may reach a record."""
    from artifact.results import save_result

    monkeypatch.setenv("DWAVE_API_TOKEN", "DEV-secret-token")
    monkeypatch.setenv("USER", "somebody-particular")
    save_result(str(tmp_path / "x.npz"), {"x": np.zeros(1)}, notebook="n", parameters={"seed": 0}, kind="none", seconds=0.0)
    for path in tmp_path.iterdir():
        for secret in (b"DEV-secret-token", b"somebody-particular", str(tmp_path).encode()):
            assert secret not in path.read_bytes()
