"""Plant faults in copies of the code, one at a time, and see that the tests find each: python -m tests.mutations [--only TEXT]

Each fault is one line of energies, updates, overlaps, samplers or fits, changed as a slip would change it. The test named beside it must pass
without the fault and fail with it. Compiled loops are compiled anew in every copy whose loops were changed.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PACKAGES = ("qnn_core", "qnn_dwave", "studies", "artifact")
COMPILED = ("loops", "kernels", "enumeration", "evolution")


@dataclass(frozen=True)
class Fault:
    """In `file`, `line`, which stands there once, becomes `faulty`; `test` must notice."""

    file: str
    line: str
    faulty: str
    test: str


FAULTS = [
    # Energies
    Fault("qnn_core/ising.py", 'block = -np.einsum("brn,bn->br"', 'block = np.einsum("brn,bn->br"',
          "test_ising.py::test_energy_is_the_sum_over_fields_and_couplings"),
    Fault("qnn_core/ising.py", 'block -= np.einsum("brm,brm->br", _times(left', 'block += np.einsum("brm,brm->br", _times(left',
          "test_ising.py::test_bqm_and_qubo_have_the_same_energies"),
    Fault("qnn_core/ising.py", "values.append(-matrix.ravel()", "values.append(matrix.ravel()",
          "test_ising.py::test_bqm_and_qubo_have_the_same_energies"),
    Fault("qnn_core/ising.py", "felt += _times(parts[layer + 1], problem.couplings[layer].T)",
          "felt -= _times(parts[layer + 1], problem.couplings[layer].T)",
          "test_ising.py::test_a_flip_changes_the_energy_by_twice_the_local_field"),
    Fault("qnn_core/ising.py", "return (2 * (values >= 0)", "return (2 * (values < 0)",
          "test_ising.py::test_relaxed_states_are_stable_and_not_higher"),
    Fault("qnn_core/network.py", "return -rewards - outputs @ self.codes.T", "return -rewards + outputs @ self.codes.T",
          "test_network.py::test_one_hidden_layer_is_solved_exactly"),
    Fault("qnn_core/loops.py", "(overlap == most and best == labels[image])", "(overlap == most and label == labels[image])",
          "test_network.py::test_wrong_by_class_and_by_spins"),
    Fault("qnn_core/samplers/enumeration.py", "total[lane] += abs(fields[lane])", "total[lane] += fields[lane]",
          "test_samplers.py::test_exact_reads_are_the_deepest_minima_in_order"),
    Fault("qnn_core/samplers/exact.py", "(felt * states >= 0).all(axis=2)", "(felt * states >= 0).any(axis=2)",
          "test_samplers.py::test_minima_are_the_one_flip_stable_states"),
    # Updates
    Fault("qnn_core/loops.py", "each = -weights[image].sum()", "each = weights[image].sum()",
          "test_training.py::test_cut_is_the_gradient_by_automatic_differentiation"),
    Fault("qnn_core/cutting.py", "return [net.measured(x[active]).T @ (scale", "return [-net.measured(x[active]).T @ (scale",
          "test_training.py::test_cut_is_the_gradient_by_automatic_differentiation"),
    Fault("qnn_core/cutting.py", "scale = np.float32(1 / (images or len(x)))", "scale = np.float32(1)",
          "test_training.py::test_cut_is_the_gradient_by_automatic_differentiation"),
    Fault("qnn_core/cutting.py", "np.where(heads, energies, np.inf)[:, ::together].argmin(axis=1)",
          "np.where(heads, energies, -np.inf)[:, ::together].argmax(axis=1)",
          "test_training.py::test_weights_of_heads"),
    Fault("qnn_core/cutting.py", "& (reads.energies <= bar)", "& (reads.energies >= bar)",
          "test_training.py::test_heads_are_wrong_and_below_the_bar"),
    Fault("qnn_core/loops.py", "depths[0, read], depths[1, read] = energies[read], classes[shown[0, read]]",
          "depths[0, read], depths[1, read] = energies[read], classes[right]",
          "core/test_at_once.py::test_the_cut_at_once_is_that_of_its_parts"),
    Fault("qnn_core/loops.py", "shares[0] = -shares[1] - shares[2]", "shares[0] = -1",
          "core/test_at_once.py::test_the_cut_at_once_is_that_of_its_parts"),
    Fault("qnn_core/optimiser.py", "lr * (1 - step / total)", "lr * (step / total)", "test_optimiser.py::test_rates"),
    Fault("qnn_core/loops.py", "np.sqrt(1 - 0.999**step)", "np.sqrt(1 - 0.99**step)", "test_optimiser.py::test_steps_are_those_of_torch"),
    Fault("qnn_core/backprop.py", "summed_out = felt.abs() + softplus(-2 * felt.abs())", "summed_out = felt.abs() + softplus(-felt.abs())",
          "test_training.py::test_energy_scores_are_the_free_energies_of_the_codes"),
    # Rules
    Fault("qnn_core/rules.py", 'forms = [] if self.name == "completed" else [free]',
          'forms = [] if self.name == "completed" else [complete(net, problem, labels, free)]',
          "test_rules.py::test_only_what_should_be_completed_is"),
    Fault("qnn_core/rules.py", "weights = head_weights(every, free.energies, self.weighting) / np.float32(self.nudge)",
          "weights = head_weights(every, free.energies, self.weighting)",
          "test_rules.py::test_equilibrium_propagation_of_ground_states"),
    Fault("qnn_core/network.py", "fields[:, free.layer_slices[-1]] += np.float32(nudge)", "fields[:, free.layer_slices[-1]] -= np.float32(nudge)",
          "test_rules.py::test_equilibrium_propagation_of_ground_states"),
    Fault("qnn_core/answers.py", "reads.energies.argmin(axis=1)", "reads.energies.argmax(axis=1)",
          "test_rules.py::test_own_answers_are_those_of_enumerated_ground_states"),
    Fault("qnn_core/optimiser.py", "(_FORGETTING + 1) / (step + _FORGETTING)", "_FORGETTING / (step + _FORGETTING)",
          "test_optimiser.py::test_the_average_is_the_weighted_mean_over_all_steps"),
    Fault("qnn_core/training.py", 'self.optimiser.load_state(state["optimiser"])', "self.optimiser.state()",
          "test_training.py::test_a_killed_run_goes_on_bit_for_bit"),
    Fault("qnn_core/resting.py", "np.where(changing, 0,", "np.where(~changing, 0,",
          "core/test_resting.py::test_an_image_rests_longer_each_time_until_it_has_a_head_again"),
    Fault("qnn_core/windows.py", "problem.couplings[layer - 1][:, begin:end]", "problem.couplings[layer - 1][:, begin:end] * 2",
          "test_active.py::test_window_energies_differ_from_the_whole_by_a_constant"),
    Fault("qnn_core/samplers/kernels.py", "float32(0.5) * linear[lane]", "float32(0.4) * linear[lane]",
          "test_samplers.py::test_outputs_follow_the_boltzmann_distribution"),
    Fault("qnn_core/samplers/kernels.py", "tile.spins if anew else tile.changes", "tile.spins if anew else tile.spins",
          "test_samplers.py::test_means_and_correlations_at_every_depth"),
    Fault("qnn_core/samplers/kernels.py", "some |= change != 0", "some |= change > 0",
          "test_samplers.py::test_means_and_correlations_at_every_depth"),
    Fault("qnn_core/samplers/gibbs.py", "blocks = [problem.couplings[layer - 1].T]", "blocks = [-problem.couplings[layer - 1].T]",
          "test_samplers.py::test_means_and_correlations_at_every_depth"),
    # Data as they came
    Fault("qnn_core/inputs.py", "np.subtract(flat, self.offset", "np.add(flat, self.offset",
          "core/test_inputs.py::test_scaling_is_what_its_name_says"),
    Fault("qnn_core/data.py", "return np.flatnonzero(~chosen), np.flatnonzero(chosen)", "return np.flatnonzero(chosen), np.flatnonzero(chosen)",
          "core/test_inputs.py::test_the_split_has_every_class_in_both_parts_and_the_seed_decides_it"),
    Fault("qnn_core/export.py", "(biases[0] - offset @ wide)", "(biases[0] + offset @ wide)",
          "core/test_inputs.py::test_an_exported_network_takes_rows_as_they_came"),
    Fault("qnn_core/estimator.py", "softmax(self._scores(X) / self.temperature_", "softmax(self._scores(X) * self.temperature_",
          "core/test_estimator.py::test_probabilities_are_calibrated_on_rows_not_trained_on"),
    # Overlaps
    Fault("qnn_core/landscape/overlaps.py", "np.triu_indices(values.shape[1], k=1)", "np.triu_indices(values.shape[1], k=0)",
          "core/landscape/test_overlaps.py::test_edwards_anderson_parameter_is_unbiased"),
    Fault("qnn_core/landscape/overlaps.py", "astype(np.float64) / values.shape[2]", "astype(np.float64) / values.shape[1]",
          "core/landscape/test_overlaps.py::test_overlap_is_the_mean_product_of_every_pair"),
    Fault("qnn_core/landscape/overlaps.py", "squares / two - 2 * chains / three + separate / four", "squares / two - 2 * chains / three - separate / four",
          "core/landscape/test_overlaps.py::test_susceptibility_is_unbiased_and_needs_four_replicas"),
    Fault("qnn_core/landscape/overlaps.py", "return (3 - fourth / second**2) / 2", "return (3 - fourth / second) / 2",
          "core/landscape/test_overlaps.py::test_binder_cumulant_of_gauss_and_of_two_values"),
    Fault("qnn_core/landscape/spectrum.py", "* sum(np.sqrt(matrix.shape))", "* np.sqrt(sum(matrix.shape))",
          "core/landscape/test_spectrum.py::test_random_weights_stay_below_the_edge_and_planted_structure_does_not"),
    # Fits
    Fault("qnn_core/powerlaw.py", "rate = np.exp(parameters[1] - parameters[0] * np.log(t))",
          "rate = np.exp(parameters[1] - 0.98 * parameters[0] * np.log(t))",
          "core/test_powerlaw.py::test_exponents_are_recovered_without_bias"),
    Fault("qnn_core/statistics.py", "spread * np.sqrt(runs / (runs - 1))", "spread * np.sqrt((runs - 1) / runs)",
          "core/test_powerlaw.py::test_intervals_cover_at_the_nominal_rate_though_runs_differ_and_are_few"),
    Fault("qnn_core/powerlaw.py", "return points * float(np.log", "return -points * float(np.log",
          "core/test_powerlaw.py::test_every_model_is_recovered_and_preferred_where_it_is_true"),
    Fault("qnn_core/powerlaw.py", "(mean <= mean[known][0] / 2)", "(mean <= mean[known][0])",
          "core/test_powerlaw.py::test_window_starts_where_the_error_has_halved"),
    Fault("qnn_core/statistics.py", "half = scipy.stats.t.ppf(0.975, len(values) - 1)", "half = scipy.stats.norm.ppf(0.975)",
          "core/test_statistics.py::test_student_intervals_cover_the_mean"),
    Fault("studies/grover.py", "np.sin((2 * steps + 1) *", "np.sin((2 * steps) *",
          "studies/test_search_training.py::test_searches_of_known_success_take_the_expected_calls"),
    Fault("studies/grover.py", "calls[searching] += steps + 1", "calls[searching] += steps",
          "studies/test_search_training.py::test_searches_of_known_success_take_the_expected_calls"),
    Fault("studies/head_distribution.py", "chances * (shown[labels] == one)", "chances * (shown[labels] != one)",
          "studies/test_head_distribution.py::test_weights_of_classes_are_boltzmann_sums_over_all_states"),
    Fault("studies/head_distribution.py", "scaled = powers * span", "scaled = powers * span * 0.9",
          "studies/test_head_distribution.py::test_weight_laws_are_recovered_with_error_bars_that_cover"),
    Fault("studies/hazards.py", "left[everyone, one] = 0.0", "left[everyone, one] *= 0.5",
          "studies/test_search_training.py::test_dragons_lose_their_heads_as_theory_says"),
    Fault("studies/rises.py", "np.searchsorted(logs[1:-1], middle)", "np.searchsorted(logs[:-1], middle)",
          "studies/test_rises.py::test_widths_below_the_spacing_of_the_networks_are_told"),
    Fault("studies/rises.py", "rise = RISEN * order[-1] - order[0]", "rise = RISEN * order[-1]",
          "studies/test_rises.py::test_a_sharper_rise_is_narrower_and_a_later_one_later"),
]  # fmt: skip


def copy_project(folder: Path) -> None:
    for name in (*PACKAGES, "tests"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns(".hypothesis"))
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy2(PROJECT / name, folder / name)


def plant(fault: Fault, folder: Path) -> None:
    """Change the line in a copy, and throw away the compiled loops if it is one of theirs: they are kept by the date of their own file."""
    path = folder / fault.file
    source = path.read_text(encoding="utf-8")
    if source.count(fault.line) != 1:
        raise ValueError(f"{fault.file} has {source.count(fault.line)} times, not once: {fault.line}")
    path.write_text(source.replace(fault.line, fault.faulty), encoding="utf-8")
    if path.stem in COMPILED:
        for compiled in (path.parent / "__pycache__").glob("*.nb?"):
            compiled.unlink()


def tested(folder: Path, tests: list[str]) -> int:
    """The exit status of pytest on the tests in a copy: 0 all passed, 1 some failed, others for what is no answer."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        *(f"tests/{test}" for test in tests),
    ]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode


def found(fault: Fault, scratch: Path) -> bool:
    """Whether the fault's test fails with it, and fails in the test itself."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    copy_project(folder)
    plant(fault, folder)
    status = tested(folder, [fault.test])
    shutil.rmtree(folder)
    return status == 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="faults whose file or test holds this text")
    only = parser.parse_args().only
    chosen = [fault for fault in FAULTS if only in fault.file or only in fault.test]
    with tempfile.TemporaryDirectory(prefix="qnn-faults-") as name:
        sound = Path(name) / "sound"
        sound.mkdir()
        copy_project(sound)
        if tested(sound, sorted({fault.test for fault in chosen})) != 0:
            print("The tests do not pass without any fault.")
            return 1
        missed = 0
        for fault in chosen:
            caught = found(fault, Path(name))
            missed += not caught
            print(f"{'found ' if caught else 'MISSED'} {fault.file}: {fault.faulty.strip()}   by {fault.test}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} faults found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
