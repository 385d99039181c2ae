"""Recorded answers that were changed are refused, whether by accident or with their seal made anew."""

import numpy as np
import pytest
from conftest import random_problem

from qnn_core import get_sampler
from qnn_core.errors import DamagedFile
from qnn_core.files import read_record, write_record
from qnn_dwave import records


@pytest.fixture
def recorded(tmp_path):
    """A folder with answers of the mock, and the call that reads them."""
    problem = random_problem((8, 4), images=3, seed=0)
    options = {"topology": ("zephyr", 2), "tiles": 1, "sweeps": 10, "embeddings": str(tmp_path / "embeddings")}
    mock = get_sampler("mock", record=str(tmp_path / "record"), **options)
    reads = mock.sample(problem, 5, seed=1)
    folder = tmp_path / "record"

    def replay():
        return get_sampler("replay", record=str(folder)).sample(problem, 5, seed=1)

    np.testing.assert_array_equal(replay().spins, reads.spins)
    return folder, replay


def changed(content, name, change):
    return {**content, name: change(content[name])}


CHANGES = {
    "spins inverted": ("spins", np.invert),
    "columns cut": ("spins", lambda spins: spins[:, :-1]),
    "reads cut": ("spins", lambda spins: spins[:-1]),
    "spins as numbers": ("spins", lambda spins: spins.astype(np.float64)),
    "shape smaller": ("shape", lambda shape: shape - 1),
    "shape of one number": ("shape", lambda shape: shape[:1]),
    "qubits permuted": ("qubits", lambda qubits: qubits[::-1]),
    "qubits twice": ("qubits", lambda qubits: np.full_like(qubits, qubits[0])),
    "qubits below zero": ("qubits", lambda qubits: qubits - 10**6),
    "qubits as text": ("qubits", lambda qubits: qubits.astype(str)),
    "negative time": ("qpu_seconds", lambda seconds: -seconds - 1),
    "time of NaN": ("qpu_seconds", lambda seconds: seconds * np.nan),
    "endless time": ("qpu_seconds", lambda seconds: seconds + np.inf),
    "times": ("qpu_seconds", lambda seconds: np.array([seconds, seconds])),
    "scale of NaN": ("scale", lambda scale: scale * np.nan),
    "negative chain strength": ("chain_strength", lambda strength: -1.0 - strength),
    "infinite probe": ("probe", lambda probe: probe + np.inf),
    "probe cut": ("probe", lambda probe: probe[:, :1]),
    "no reads": ("num_reads", lambda reads: reads * 0),
    "name as a number": ("problem_id", lambda _: np.array(3)),
}
ACCEPTED_WITH_A_NEW_SEAL = {"spins inverted"}
"""Which no range can tell from an answer."""


@pytest.mark.parametrize(("name", "change"), CHANGES.values(), ids=CHANGES)
def test_changed_answers_are_refused(name, change, recorded, request):
    folder, replay = recorded
    path = min(folder.glob("*.npz"))
    with np.load(path) as archive:
        content = changed(dict(archive), name, change)
    np.savez_compressed(path, **content)
    for use in (replay, records.Records(str(folder)).spent):
        with pytest.raises(DamagedFile, match=r"does not match its own SHA-256.*asked, and paid, once more"):
            use()
    if request.node.callspec.id in ACCEPTED_WITH_A_NEW_SEAL:
        return
    np.savez_compressed(path, **{**content, "sha256": np.array(records._seal(path.name, content))})
    for use in (replay, records.Records(str(folder)).spent):
        with pytest.raises(DamagedFile, match=r"is not a recorded answer .*asked, and paid, once more"):
            use()


def test_answers_that_changed_places_or_lost_a_part_are_refused(recorded):
    folder, replay = recorded
    first, second, *_ = sorted(folder.glob("*.npz"))
    whole = first.read_bytes()
    first.write_bytes(second.read_bytes())
    with pytest.raises(DamagedFile, match="does not match its own SHA-256"):
        replay()
    first.write_bytes(whole)
    with np.load(first) as archive:
        content = dict(archive)
    for name in content:
        np.savez_compressed(first, **{other: array for other, array in content.items() if other != name})
        with pytest.raises(DamagedFile, match="is not a recorded answer"):
            replay()


def test_settings_and_placements_without_a_part_are_refused(recorded):
    folder, replay = recorded
    settings = read_record(folder / "settings.json", "")
    for name in ("cycles", "kind", "scale"):
        write_record(folder / "settings.json", {other: value for other, value in settings.items() if other != name})
        with pytest.raises(DamagedFile, match=f"says nothing of {name}; restore it"):
            replay()
    write_record(folder / "settings.json", settings)
    placed = min(folder.glob("tiles-*.json"))
    for content in ({}, {"layers": [8, 4], "tiles": 3}, {"layers": 1, "tiles": []}):
        write_record(placed, content)
        with pytest.raises(DamagedFile, match="is not a placement of spins"):
            replay()
