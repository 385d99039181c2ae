"""File systems that know no fsync or chmod, full temporary disks, and compiled loops that were cut short."""

import errno
import json
import os

import pytest

from artifact import execute, files, tidy
from qnn_core.errors import NotWritten
from qnn_core.files import atomic_write


@pytest.mark.parametrize("number", [errno.EPERM, errno.EINVAL, errno.ENOTSUP, errno.ENOSYS], ids=errno.errorcode.get)
@pytest.mark.parametrize("call", ["fsync", "chmod"])
def test_a_request_that_the_file_system_does_not_know_costs_no_work(call, number, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, refused)
    with atomic_write(tmp_path / "file", "w") as file:
        file.write("new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("call", ["fsync", "chmod"])
def test_a_disk_that_fails_then_is_told(call, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, call, refused)
    with pytest.raises(NotWritten, match="could not be written"), atomic_write(tmp_path / "file") as file:
        file.write(b"new")
    assert not list(tmp_path.iterdir())


def test_private_files_are_their_owners(tmp_path):
    for private, mode in ((True, 0o600), (False, 0o644)):
        with atomic_write(tmp_path / "file", private=private) as file:
            file.write(b"x")
        assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_a_full_temporary_disk_is_one_sentence(tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(execute.papermill, "execute_notebook", full)
    given = json.dumps({"result": str(tmp_path / "x.npz")})
    assert execute.main(["01_data", "--output", str(tmp_path / "page.ipynb"), "--parameters", given]) == 2
    assert "could not be written (No space left on device). Make room" in capsys.readouterr().err


def test_compiled_loops_that_were_cut_short_go_away(tmp_path, monkeypatch):
    import numba

    monkeypatch.setattr(files, "ROOT", tmp_path)
    cache = tmp_path / "qnn_core" / "__pycache__"
    cache.mkdir(parents=True)
    source = tmp_path / "qnn_core" / "loops.py"
    source.write_text("def twice(x):\n    return 2 * x\n")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    names = {}
    exec(compile(source.read_text(), source, "exec"), names)
    numba.njit(names["twice"], cache=True)(3)
    compiled = sorted(cache.glob("*.nb?"))
    assert [path.suffix for path in compiled] == [".nbc", ".nbi"]
    assert tidy.tidy("quick") == []
    assert sorted(cache.glob("*.nb?")) == compiled
    for path, damaged in zip(compiled, (compiled[0].read_bytes()[:-10], b""), strict=True):
        path.write_bytes(damaged)
    assert tidy.tidy("quick") == []
    assert not list(cache.glob("*.nb?"))
