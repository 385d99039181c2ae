"""Windows of a deep network against the energy of the whole; what they take of a chip against the chip itself."""

import json
from collections import Counter

import numpy as np
import pytest
from conftest import random_problem, random_spins
from dwave.embedding import is_valid_embedding

from qnn_core import InvalidInput, get_sampler
from qnn_core.ising import feed_forward, sign
from qnn_core.windows import Window, WindowSampler, places, window_problem, windows_at
from qnn_dwave import tiles as embedding
from qnn_dwave.chips import chip, graph_identifier
from qnn_dwave.footprint import Footprint, demand, footprint
from qnn_dwave.tiles import find_tiles, layered_graph, trimmed

LAYERS = (3, 4, 2, 3)


@pytest.mark.parametrize(
    "window",
    [
        *[
            Window(first, tuple((0, size) for size in LAYERS[first : first + width]))
            for first, width in [(0, 1), (1, 2), (0, 3), (0, 4)]
        ],
        Window(0, ((0, 2), (1, 3))),
        Window(1, ((3, 4), (0, 2), (1, 3))),
        Window(3, ((2, 3),)),
    ],
    ids=str,
)
def test_window_energies_differ_from_the_whole_by_a_constant(window):
    problem = random_problem(LAYERS, images=2, seed=0)
    frozen = random_spins(problem, reads=1, seed=1)[:, 0]
    part = window_problem(problem, frozen, window)
    assert part.layers == window.sizes
    inside = random_spins(part, reads=6, seed=2)
    whole = np.repeat(frozen[:, None], 6, axis=1)
    whole[..., np.concatenate([np.arange(problem.num_spins)[columns] for columns in window.columns(LAYERS)])] = inside
    difference = problem.energy(whole) - part.energy(inside)
    np.testing.assert_allclose(difference, difference[:, :1] * np.ones(6), atol=1e-4)


@pytest.mark.parametrize("widest", [None, 1, 3, 4, 100])
@pytest.mark.parametrize(("first", "width"), [(0, 2), (1, 3), (0, 4), (2, 1)])
def test_blocks_hold_every_spin_of_their_layers_and_no_more_than_fit(first, width, widest):
    layers = (7, 4, 9, 3)
    for shift in (0, 1, 2):
        windows = windows_at(layers, first, width, widest, shift)
        limit = widest or max(layers)
        assert len(windows) == max(-(-size // limit) for size in layers[first : first + width])
        covered = Counter()
        for window in windows:
            assert max(window.sizes) <= limit
            for columns in window.columns(layers):
                covered.update(range(columns.start, columns.stop))
        start = sum(layers[:first])
        assert set(covered) == set(range(start, start + sum(layers[first : first + width])))
    if widest == 3 and (first, width) == (0, 2):
        met = {window.blocks for shift in (0, 1) for window in windows_at(layers, first, width, widest, shift)}
        assert len(met) == 6, "with another shift other blocks meet"


def test_schedules_visit_every_place_once_a_pass():
    assert places(5, 2, "bottom-up", 2, seed=0) == [0, 1, 2, 3, 0, 1, 2, 3]
    assert places(5, 2, "top-down", 1, seed=0) == [3, 2, 1, 0]
    assert places(5, 2, "sweeping", 3, seed=0) == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3]
    assert places(3, 3, "sweeping", 1, seed=0) == [0]
    assert places(2, 2, "sweeping", 2, seed=0) == [0, 0], "the blocks of a lone place are visited in every pass"
    drawn = places(5, 2, "random", 3, seed=0)
    assert all(sorted(drawn[first : first + 4]) == [0, 1, 2, 3] for first in (0, 4, 8))
    assert drawn == places(5, 2, "random", 3, seed=0)
    assert len({tuple(places(5, 2, "random", 1, seed=seed)) for seed in range(20)}) > 5


def test_a_window_over_everything_is_the_sampler_itself():
    problem = random_problem((3, 4, 2), images=3, seed=0)
    gibbs = get_sampler("gibbs", sweeps=5)
    expected = gibbs.sample(problem, 4, seed=9).spins
    for sampler in (WindowSampler(gibbs, 3), WindowSampler(gibbs, 5, passes=2), WindowSampler(gibbs, 3, widest=4)):
        np.testing.assert_array_equal(sampler.sample(problem, 4, seed=9).spins, expected)


@pytest.mark.parametrize("schedule", ["bottom-up", "top-down", "sweeping", "random"])
@pytest.mark.parametrize("widest", [None, 3])
def test_more_passes_go_deeper_and_never_below_the_ground_state(schedule, widest):
    problem = random_problem((6, 5, 4), images=20, seed=3)
    cold = get_sampler("gibbs", sweeps=30, beta=(0.1, 20.0))
    lowest = cold.sample(problem, 60, seed=0).energies.min(axis=1)
    once, often = (WindowSampler(cold, 2, passes, schedule, widest).sample(problem, 10, seed=1) for passes in (1, 7))
    for reads in (once, often):
        np.testing.assert_allclose(reads.energies, problem.energy(reads.spins), atol=1e-4)
        assert (reads.energies >= lowest[:, None] - 1e-3).all()
    assert often.energies.mean() < once.energies.mean()
    stops = 8 if schedule == "sweeping" else 14
    assert often.info["anneals_per_read"] * 2 == stops * once.info["anneals_per_read"]


def test_layers_not_visited_yet_exert_no_field():
    """One cold pass upwards, layer by layer, is then the forward pass; one downwards sees no image before the first layer."""
    problem = random_problem((6, 5, 4), images=20, seed=3)
    frozen = get_sampler("gibbs", sweeps=1, beta=(1e6, 1e6))
    upwards = WindowSampler(frozen, 1, passes=1, schedule="bottom-up").sample(problem, 2, seed=0).spins
    np.testing.assert_array_equal(upwards, np.repeat(feed_forward(problem)[:, None], 2, axis=1))
    downwards = WindowSampler(frozen, 1, passes=1, schedule="top-down").sample(problem, 1, seed=0).spins
    np.testing.assert_array_equal(downwards[:, 0, -4:], sign(problem.fields[:, -4:]))


def test_a_sampled_window_follows_its_boltzmann_distribution():
    """One spin a block at a fixed temperature is Gibbs sampling of the whole: long enough, it has the exact marginals."""
    problem = random_problem((2, 2, 2), images=1, seed=5, scale=0.7)
    states = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1).T.astype(np.int8)
    weights = np.exp(-problem.energy(states[None])[0].astype(np.float64))
    exact = weights @ states / weights.sum()
    sampler = WindowSampler(get_sampler("gibbs", sweeps=1, beta=(1.0, 1.0)), 1, passes=30, schedule="random", widest=1)
    found = sampler.sample(problem, 4000, seed=0).spins[0].mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(found, exact, atol=0.06)


def test_impossible_windows_are_refused():
    with pytest.raises(InvalidInput, match="window"):
        windows_at((3, 2), 1, 2)
    gibbs = get_sampler("gibbs")
    for options, named in [
        ({"width": 0}, "width = 0"),
        ({"width": 1, "widest": 0}, "widest = 0"),
        ({"width": 1, "passes": 0}, "passes"),
    ]:
        with pytest.raises(InvalidInput, match=named):
            WindowSampler(gibbs, **options)


@pytest.fixture(scope="module")
def zephyr():
    return chip("zephyr", 4)


@pytest.mark.parametrize(("family", "size"), [("zephyr", 12), ("pegasus", 16)])
def test_shipped_embeddings_are_taken_as_they_are(family, size, tmp_path):
    graph = chip(family, size)
    shipped = sorted((embedding.SHIPPED / graph_identifier(graph)).glob("*.json"))
    assert len(shipped) >= 9
    for file in shipped:
        layers, most = file.stem.split("-tiles")
        tiles = find_tiles(tuple(map(int, layers.split("-"))), graph, int(most), str(tmp_path))
        assert embedding.as_content(tiles)["tiles"] == json.loads(file.read_text())["tiles"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("layers", [(16, 16), (12, 5, 9), (6, 8, 6, 8), (5, 6, 7, 6, 5)])
def test_bicliques_serve_any_depth_and_trimming_leaves_valid_embeddings(layers, zephyr, tmp_path):
    (chains,) = find_tiles(layers, zephyr, 1, str(tmp_path), heuristic=False).embeddings
    source = layered_graph(layers)
    assert is_valid_embedding(dict(enumerate(chains)), source, zephyr)
    # No end of a chain can go: without it, the chain misses a coupling.
    for spin, chain in list(enumerate(chains))[::5]:
        for qubit in chain:
            shorter = dict(enumerate(chains)) | {spin: tuple(other for other in chain if other != qubit)}
            assert len(chain) == 1 or not is_valid_embedding(shorter, source, zephyr)


def test_trimming_takes_what_was_added(zephyr):
    source = layered_graph((1, 1))
    left, right = next(iter(zephyr.edges))
    spare = [qubit for qubit in zephyr[left] if qubit != right][:1]
    longer = {0: (left, *spare), 1: (right,)}
    kept = trimmed(longer, source, zephyr)
    assert sum(map(len, kept.values())) == 2
    assert is_valid_embedding(kept, source, zephyr)


def test_a_footprint_counts_what_the_embedding_uses(zephyr, tmp_path):
    layers = (8, 6, 4)
    found = footprint(layers, zephyr, str(tmp_path), most=2)
    tiles = find_tiles(layers, zephyr, 2, str(tmp_path), heuristic=False)
    first = dict(enumerate(tiles.embeddings[0]))
    assert (found.spins, found.couplers) == (18, 72)
    assert found.qubits == sum(map(len, first.values()))
    assert found.side_by_side == len(tiles)
    assert found.longest_chain == max(len(chain) for chains in tiles.embeddings for chain in chains)
    # At least one coupler for each coupling and one less than qubits for each chain, over all tiles.
    least = 2 * (72 * len(tiles) + tiles.num_qubits - 18 * len(tiles)) / tiles.num_qubits
    assert least <= found.degree <= max(dict(zephyr.degree).values())
    assert footprint((200, 200), zephyr, str(tmp_path)) == Footprint(spins=400, couplers=40000)


def test_windows_and_blocks_need_less_and_a_layer_too_wide_fits(zephyr, tmp_path):
    gibbs, layers = get_sampler("gibbs"), (60, 30, 10)
    whole, windows, blocks = (
        demand(WindowSampler(gibbs, width, widest=widest), layers, zephyr, str(tmp_path), images=10, num_reads=5)
        for width, widest in ((3, None), (2, None), (2, 15))
    )
    assert whole.qubits is None
    assert whole.seconds is None
    assert windows.qubits is None
    assert (windows.spins, windows.couplers) == (90, 1800)
    assert (blocks.spins, blocks.couplers, blocks.windows) == (30, 225, 10)
    assert blocks.qubits is not None
    assert blocks.qubits <= len(zephyr)
    # Four blocks, two, and four again, each a problem of its own for each of 50 reads, one at a time: programming, one anneal, readout.
    assert blocks.seconds == pytest.approx(10 * 50 * (0.015 + 0.00012 + 20e-6))
    assert demand(gibbs, (4, 4), zephyr, str(tmp_path), images=10, num_reads=5).seconds == pytest.approx(
        10 * (0.015 + 5 * (0.00012 + 20e-6))
    )


def test_chips_lack_what_is_missing():
    whole, damaged = chip("pegasus", 3), chip("pegasus", 3, missing=10)
    assert len(whole) - len(damaged) == 10
    assert set(damaged) < set(whole)
    with pytest.raises(InvalidInput, match="missing"):
        chip("zephyr", 2, missing=10**6)
