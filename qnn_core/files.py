"""Files: written whole or not at all, and read without being trusted. Relative paths count from the current folder."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import tempfile
import warnings
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from qnn_core.errors import DamagedFile, InvalidInput, NotWritten, check

MAX_ARRAY_BYTES = 8 * 2**30
"""Most that the arrays of one file may take in memory."""

_LONGEST_NAME = 255
_ZIP_END = 22
_RECORD_DIGEST = "record_sha256"
_SEAL = 2 * hashlib.sha256().digest_size
_NAME_ERRORS = (errno.EISDIR, errno.EBUSY, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EILSEQ)
_STORAGE_ERRORS = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR, errno.EEXIST,
    *_NAME_ERRORS,
)  # fmt: skip
_UNKNOWN_REQUEST = (errno.EPERM, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def shown(path: str | os.PathLike[str]) -> str:
    """The path as messages show it: from the current folder, or the name alone; never the machine's folders."""
    absolute = Path(path).absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else absolute.name


@contextmanager
def atomic_write(path: str | os.PathLike[str], mode: str = "wb", *, private: bool = False) -> Iterator[IO[Any]]:
    """Open a temporary file beside `path` and put it in place once the block ends well; nothing is left behind otherwise.

    private: readable by its owner only. Raises NotWritten, in one sentence, when the disk is full or the folder cannot be written.
    """
    target = Path(path)
    with storage(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, mode, encoding=None if "b" in mode else "utf-8") as file:
                yield file
                file.flush()
                with _where_possible():
                    os.fsync(file.fileno())
            if not private:
                with _where_possible():
                    os.chmod(name, 0o644)
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def check_name(path: str | os.PathLike[str]) -> None:
    """Raise InvalidInput for a name that no file can have."""
    try:
        usable = b"\0" not in os.fsencode(path) and all(len(os.fsencode(part)) <= _LONGEST_NAME for part in Path(path).parts)
    except UnicodeEncodeError:
        usable = False
    check(usable, "path", str(path), f"names of at most {_LONGEST_NAME} bytes, without a zero byte")


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise NotWritten if a file could not be written at `path` now, before hours of work depend on it."""
    check_name(path)
    target = Path(path)
    with storage(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}."):
            pass


@contextmanager
def storage(target: Path) -> Iterator[None]:
    """Says in one sentence that a disk is full, a folder cannot be written or a name cannot be used."""
    try:
        yield
    except OSError as failure:
        if failure.errno not in _STORAGE_ERRORS or isinstance(failure, NotWritten):
            raise
        remedy = "Give another name" if failure.errno in _NAME_ERRORS else "Make room, or the folder writable"
        told = f"{shown(target)} could not be written ({os.strerror(failure.errno)}). {remedy}, and run again: what stood there before is"
        raise NotWritten(failure.errno, f"{told} untouched.") from failure


@contextmanager
def _where_possible() -> Iterator[None]:
    """Goes on where the file system knows no such request, as CIFS and vfat do: the content is written all the same."""
    try:
        yield
    except OSError as failure:
        if failure.errno not in _UNKNOWN_REQUEST:
            raise


def write_json(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    """Write `content` atomically, readable and with NaN refused."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_write(path, "w") as file:
        file.write(text + "\n")


def write_record(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    """`write_json` with the SHA-256 of the content in it, by which `read_record` notices an altered file."""
    write_json(path, {**content, _RECORD_DIGEST: _digest(content)})


@contextmanager
def reading(path: str | os.PathLike[str], what: str, remedy: str) -> Iterator[None]:
    """Turns whatever a parser raises at a damaged file into DamagedFile: that it is not `what`, and the remedy.

    Parsers of .npy headers, archives, gzip and JSON raise errors of syntax, type, index, memory, recursion and more.
    """
    try:
        yield
    except (InvalidInput, DamagedFile, FileNotFoundError, PermissionError):
        raise
    except Exception as failure:
        says_nothing = isinstance(failure, LookupError | TypeError | AttributeError)
        detail = "" if says_nothing else " (" + " ".join(f"{failure or type(failure).__name__}".split())[:200] + ")"
        raise DamagedFile(f"{shown(path)} is not {what}{detail}; {remedy}.") from failure


def read_record(path: str | os.PathLike[str], remedy: str) -> dict[str, Any]:
    """The content of a file of `write_record`; DamagedFile, with what to do about it, if it is not as it was written."""
    file = Path(path)
    with reading(file, "a record of this project", remedy):
        content = dict(json.loads(file.read_text(encoding="utf-8")))
        whole = content.pop(_RECORD_DIGEST) == _digest(content)
    if not whole:
        raise DamagedFile(f"{shown(file)} does not match its own SHA-256; {remedy}.")
    return content


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def write_sealed(path: str | os.PathLike[str], payload: bytes) -> None:
    """Write bytes behind their own SHA-256, by which `read_sealed` notices an altered file."""
    with atomic_write(path) as file:
        file.write(hashlib.sha256(payload).hexdigest().encode() + payload)


def read_sealed(path: str | os.PathLike[str], remedy: str) -> bytes:
    """The bytes of a file of `write_sealed`; DamagedFile, with what to do about it, if they are not those that were written."""
    content = Path(path).read_bytes()
    payload = content[_SEAL:]
    if hashlib.sha256(payload).hexdigest().encode() != content[:_SEAL]:
        raise DamagedFile(f"{shown(path)} is damaged: it does not match its own SHA-256; {remedy}.")
    return payload


def read_arrays(
    path: str | os.PathLike[str], remedy: str, names: Collection[str] | None = None, converted: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """The arrays of an untrusted .npz file; `names`: only those, as far as they are there.

    converted: arrays of which the caller makes 32-bit floating-point ones, whose size counts as well. No Python objects are unpickled, and
    nothing is unpacked before its size is known: neither the sizes in the archive's directory nor those in the arrays' headers may exceed
    MAX_ARRAY_BYTES. Raises InvalidInput for too large or unreadable arrays, by name, and DamagedFile, with what to do about it, for an
    archive that is not whole.
    """
    file = Path(path)
    with reading(file, "a readable .npz file", remedy), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of Python's parser, at a damaged header.
        with zipfile.ZipFile(file) as archive:
            if _announced(file, archive) != len(archive.infolist()):
                raise ValueError("its list of arrays is cut short")
            parts = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            wanted = [name for name in parts if names is None or name in names]
            total = sum(_bytes_of(archive, parts[name], file.name, name in converted) for name in wanted)
        told = f"{file.name}, {total} bytes unpacked{' and as 32-bit numbers' if converted else ''}"
        check(total <= MAX_ARRAY_BYTES, "file", told, f"at most {MAX_ARRAY_BYTES} bytes: fewer or smaller arrays")
        with np.load(file, allow_pickle=False) as loaded:
            return {name: loaded[name] for name in wanted}


def _announced(file: Path, archive: zipfile.ZipFile) -> int:
    """The number of parts that the archive's last lines give: zipfile itself takes a list that a flipped bit has shortened."""
    with file.open("rb") as content:
        content.seek(-_ZIP_END - len(archive.comment), os.SEEK_END)
        number = int.from_bytes(content.read(_ZIP_END)[10:12], "little")
    return number if number < 0xFFFF else len(archive.infolist())


def _bytes_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, file: str, converted: bool) -> int:
    """What one array takes in memory, from the archive's list and from the array's own header, whichever is more."""
    with archive.open(entry) as part:
        version = np.lib.format.read_magic(part)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(part)
        begin = part.tell()
    allowed = "a plain array of numbers; arrays of Python objects are not loaded"
    check(not dtype.hasobject, entry.filename.removesuffix(".npy"), f"unreadable in {file}", allowed)
    elements = math.prod(shape)
    if begin + elements * dtype.itemsize < entry.file_size:  # Else the rest, and the archive's checksum, would go unread.
        raise ValueError(f"{entry.filename} holds more than its header says")
    return max(entry.file_size, elements * dtype.itemsize) + (4 * elements if converted else 0)


def file_sha256(path: str | os.PathLike[str]) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
