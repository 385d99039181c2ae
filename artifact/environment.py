"""Does this Python have what requirements.lock says? python -m artifact.environment prints what differs, and exits 1 if anything does.

Only the standard library is used: it must run before anything is installed.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = "qnn-artifact"


def differences(lock: Path = ROOT / "requirements.lock") -> list[str]:
    """One line for each package that is missing or has another version than the lock; a local part such as +cpu is ignored."""
    found = []
    for line in lock.read_text(encoding="utf-8").splitlines():
        pinned = re.fullmatch(r"([A-Za-z0-9_.\-]+)==(\S+)", line.strip())
        if pinned is None:
            continue
        name, wanted = pinned.groups()
        try:
            installed = version(name).split("+")[0]
        except PackageNotFoundError:
            found.append(f"{name} {wanted} is not installed")
            continue
        if installed != wanted:
            found.append(f"{name} is {installed}, the lock says {wanted}")
    return found


def project_is_linked() -> bool:
    """Whether this folder itself is installed, so that notebooks find qnn_core wherever they are opened."""
    try:
        origin = distribution(PROJECT).read_text("direct_url.json") or ""
    except PackageNotFoundError:
        return False
    return f'"{ROOT.as_uri()}"' in origin


def main() -> int:
    found = differences()
    if sys.version_info[:2] != (3, 11):
        found.append(f"Python is {sys.version.split()[0]}, 3.11 is needed")
    if not project_is_linked():
        found.append(f"{PROJECT} is not installed from this folder")
    for line in found[:10]:
        print(line)
    if len(found) > 10:
        print(f"and {len(found) - 10} more")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
