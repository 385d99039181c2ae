"""Two annealers behind one interface: a D-Wave machine, and Ocean's mock of one, in which a classical annealer answers.

After errors of the connection, another attempt follows with growing pauses where that can help. Other and persistent errors become one
sentence that says what to do and never contains the API token.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from jaxtyping import Int8, Int64

from qnn_core.errors import AnnealerError
from qnn_core.samplers.base import check_schedule
from qnn_dwave.chips import Topology, chip_of, graph_identifier, working_graph
from qnn_dwave.control_errors import check_control_error
from qnn_dwave.secrets import redacted, tell

if TYPE_CHECKING:
    import dimod

NO_TOKEN = (
    "There is no D-Wave API token: run `dwave setup --auth` or set the environment variable DWAVE_API_TOKEN; "
    "the samplers `mock` and `replay` need none."
)
_SILENCE, _GLANCE = 10.0, 0.02
"""Seconds until the first word about waiting, and between looks whether the answer is there."""
_FROM_CONFIGURATION = (ValueError, SyntaxError, ArithmeticError, OSError)
"""What Ocean raises for values of its configuration that it cannot parse, numbers out of range and files that are not there."""
ODD_TOKEN = (
    "The D-Wave API token holds blanks, line ends or letters that are not ASCII, which no token does: copy it anew into DWAVE_API_TOKEN, "
    "or run `dwave setup --auth`."
)


@dataclass(frozen=True)
class Anneal:
    """One anneal: forward over `duration`, or, from a `start`, reverse: back to s = `turning_point`, `hold`, and forward again.

    Times in microseconds; ramps of a reverse anneal are as steep as the forward one. start: spin of each qubit in use.
    """

    duration: float
    turning_point: float
    hold: float
    start: Mapping[int, int] | None = None

    @property
    def microseconds(self) -> float:
        return self.duration if self.start is None else 2 * self.duration * (1 - self.turning_point) + self.hold

    @property
    def parameters(self) -> dict[str, Any]:
        """As Ocean's samplers take them."""
        if self.start is None:
            return {"annealing_time": self.duration}
        ramp = self.duration * (1 - self.turning_point)
        points = [(0.0, 1.0), (ramp, self.turning_point), (ramp + self.hold, self.turning_point), (2 * ramp + self.hold, 1.0)]
        schedule = [point for number, point in enumerate(points) if self.hold > 0 or number != 2]
        return {"anneal_schedule": schedule, "initial_state": dict(self.start), "reinitialize_state": True}


@dataclass(frozen=True, eq=False)
class Submission:
    """What came back: spins (R, Q) of the qubits, seconds of access, and the annealer's name for the problem, empty if it has none."""

    spins: Int8[np.ndarray, "R Q"]
    qubits: Int64[np.ndarray, " Q"]
    qpu_seconds: float
    problem_id: str


PROGRAMMING, READOUT = 0.015, 0.00012
"""Seconds of a submission and of each read besides its anneal, of the order that D-Wave's machines report."""


def modelled_seconds(num_reads: int, anneal_microseconds: float = 20.0) -> float:
    """Access time of a submission: programming, and for each read the anneal and its readout."""
    return PROGRAMMING + num_reads * (READOUT + 1e-6 * anneal_microseconds)


class MockDevice:
    """Ocean's `MockDWaveSampler`, on any graph of qubits, answered by simulated annealing of the chains of qubits.

    topology: as `chip_of` takes it. sweeps, beta: of the annealing, in the chip's unit of energy; a reverse anneal starts from its state at
    the temperature that belongs to its turning point. control_error: standard deviations of the fields and couplings of the qubits. Access
    times are `modelled_seconds`; `properties` are those of a machine.
    """

    def __init__(self, topology: Topology, sweeps: int, beta: tuple[float, float], control_error: tuple[float, float]) -> None:
        from dwave.system.testing import MockDWaveSampler

        check_schedule(sweeps, beta)
        check_control_error(control_error)
        self.graph = chip_of(topology)
        self.control_error = control_error
        self._sampler = MockDWaveSampler(parameter_warnings=False, substitute_sampler=_ChainAnnealer(sweeps, beta))
        self._sampler.nodelist = sorted(self.graph)
        self._sampler.edgelist = [tuple(sorted(edge)) for edge in self.graph.edges]
        self.properties: Mapping[str, Any] = self._sampler.properties
        own = {"sweeps": sweeps, "beta": list(beta), "control_error": list(control_error)}
        self.settings = {"annealer": "mock", "graph": graph_identifier(self.graph), **own}

    def access_seconds(self, num_qubits: int, num_reads: int, anneal: Anneal) -> float:  # noqa: ARG002
        """As of `LiveDevice`."""
        return modelled_seconds(num_reads, anneal.microseconds)

    def submit(self, bqm: dimod.BinaryQuadraticModel, num_reads: int, anneal: Anneal, seed: int, *_: Any) -> Submission:
        """As of `LiveDevice`; seed: of control errors and reads."""
        random = np.random.default_rng(seed)
        of_fields, of_couplings = self.control_error
        wrong = bqm.copy()
        for qubit, error in zip(bqm.variables, random.standard_normal(bqm.num_variables), strict=True):
            wrong.add_linear(qubit, of_fields * error)
        for (left, right), error in zip(bqm.quadratic, random.standard_normal(bqm.num_interactions), strict=True):
            wrong.add_quadratic(left, right, of_couplings * error)
        self._sampler.substitute_kwargs = {"seed": int(random.integers(2**31))}
        sampleset = self._sampler.sample(wrong, num_reads=num_reads, answer_mode="raw", **anneal.parameters)
        return _submission(sampleset, modelled_seconds(num_reads, anneal.microseconds), "")


class _ChainAnnealer:
    """What answers for the mock: simulated annealing that knows forward and reverse schedules."""

    def __init__(self, sweeps: int, beta: tuple[float, float]) -> None:
        self.sweeps, self.beta = sweeps, beta

    def sample(self, bqm: dimod.BinaryQuadraticModel, num_reads: int, seed: int, **anneal: Any) -> dimod.SampleSet:
        from dwave.samplers import SimulatedAnnealingSampler

        hot, cold = self.beta
        start: dict[str, Any] = {}
        if anneal.get("initial_state") is not None:
            hot *= (cold / hot) ** min(s for _, s in anneal["anneal_schedule"])
            start = {"initial_states": dict(anneal["initial_state"]), "initial_states_generator": "tile"}
        return SimulatedAnnealingSampler().sample(
            bqm, num_reads=num_reads, seed=seed, num_sweeps=self.sweeps, beta_range=[hot, cold], **start
        )


class LiveDevice:
    """A D-Wave machine, reached through Ocean with the token of the user's configuration.

    solver: its name, None for Ocean's choice. attempts: how often a submission is tried. pause: seconds before the second attempt,
    doubled each time. `properties` are Ocean's; `settings` tell it from other annealers in records.
    """

    def __init__(self, solver: str | None, attempts: int, pause: float) -> None:
        self.attempts, self.pause = attempts, pause
        self._sampler = _persevere(lambda: _connect(solver), attempts, pause, _FROM_CONFIGURATION)
        self.properties: Mapping[str, Any] = self._sampler.properties
        self.graph = working_graph(self.properties["topology"], self._sampler.nodelist, self._sampler.edgelist)
        self.settings = {"annealer": self.properties["chip_id"], "graph": graph_identifier(self.graph)}

    def access_seconds(self, num_qubits: int, num_reads: int, anneal: Anneal) -> float:
        """Estimated time that one submission occupies the annealer."""
        reverse = {"reverse_anneal": True, "reinitialize_state": True} if anneal.start is not None else {}
        timing = {name: value for name, value in anneal.parameters.items() if name in ("annealing_time", "anneal_schedule")}
        solver = self._sampler.solver
        return 1e-6 * float(solver.estimate_qpu_access_time(num_qubits, num_reads=num_reads, **timing, **reverse))

    def submit(
        self,
        bqm: dimod.BinaryQuadraticModel,
        num_reads: int,
        anneal: Anneal,
        _: int,
        submitted: str | None,
        remember: Callable[[str], None],
    ) -> Submission:
        """The annealer's reads of a model on its qubits, and what they cost.

        submitted: name of the same problem if it was sent before and its answer is to be fetched. remember: told the name of the
        problem as soon as it is sent.
        """
        sent = [submitted]

        def attempt() -> Submission:
            problem_id = sent[0]
            sampleset = self._fetch(problem_id) if problem_id else None
            if sampleset is None:
                sent[0] = None
                sampleset = self._sampler.sample(
                    bqm, num_reads=num_reads, answer_mode="raw", auto_scale=False, label="qnn_core", **anneal.parameters
                )
                sent[0] = problem_id = sampleset.wait_id()
                if problem_id:
                    remember(problem_id)
            _wait_for(sampleset)
            seconds = 1e-6 * float(sampleset.info["timing"]["qpu_access_time"])
            return _submission(sampleset, seconds, str(problem_id))

        return _persevere(attempt, self.attempts, self.pause)

    def _fetch(self, problem_id: str) -> dimod.SampleSet | None:
        """The answer of a problem sent before, None when the annealer does not know it or failed to solve it."""
        from dwave.cloud import exceptions as cloud
        from dwave.cloud.api import exceptions as api

        unknown = (cloud.ProblemNotFoundError, cloud.CanceledFutureError, cloud.SolverFailureError, api.ResourceNotFoundError)
        try:
            sampleset = self._sampler.client.retrieve_answer(problem_id).sampleset
            sampleset.resolve()
        except unknown:
            return None
        return sampleset


Device = LiveDevice | MockDevice
"""Something that anneals a problem on its own graph of qubits."""


def _wait_for(sampleset: dimod.SampleSet) -> None:
    """Return when the answer is there, or has failed, and say from time to time that it is not."""
    start, told = time.monotonic(), _SILENCE
    while not sampleset.done():
        time.sleep(_GLANCE)
        if time.monotonic() - start > told:
            tell(f"Waiting for the annealer: {told:.0f} s.")
            told *= 2


def _submission(sampleset: dimod.SampleSet, seconds: float, problem_id: str) -> Submission:
    qubits = np.array(sampleset.variables, np.int64)
    order = np.argsort(qubits)
    spins = np.repeat(sampleset.record.sample, sampleset.record.num_occurrences, axis=0)[:, order]
    return Submission(np.ascontiguousarray(spins, np.int8), qubits[order], seconds, problem_id)


def _connect(solver: str | None) -> Any:
    from dwave.cloud.config import load_config
    from dwave.system import DWaveSampler

    token = str(load_config().get("token") or "").strip()
    if not token:
        raise AnnealerError(NO_TOKEN)
    if not all("!" <= character <= "~" for character in token):
        raise AnnealerError(ODD_TOKEN)
    return DWaveSampler(token=token, **({"solver": solver} if solver else {}))


Outcome = TypeVar("Outcome")


def _persevere(work: Callable[[], Outcome], attempts: int, pause: float, configured: tuple[type[Exception], ...] = ()) -> Outcome:
    """The outcome of `work`, tried again while its errors may pass by themselves. configured: errors that mean a wrong configuration.

    Errors are raised outside of the handler, so that nothing of the original, which may hold secrets, hangs on them.
    """
    for attempt in range(attempts):
        try:
            return work()
        except AnnealerError:
            raise
        except Exception as error:
            message, passing = _explain(error, configured)
        if not passing:
            raise AnnealerError(message)
        if attempt + 1 < attempts:
            tell(f"{message} Attempt {attempt + 2} of {attempts} in {pause * 2**attempt:g} s.")
            time.sleep(pause * 2**attempt)
    raise AnnealerError(f"{message} Tried {attempts} times. Reads that were paid for are kept: run again to go on.")


def _explain(error: Exception, configured: tuple[type[Exception], ...]) -> tuple[str, bool]:
    """A sentence for an error of Ocean, and whether trying again may help; errors that are not the annealer's are raised on."""
    import configparser

    import requests.exceptions as web
    from dimod.exceptions import BinaryQuadraticModelStructureError
    from dwave.cloud import exceptions as cloud
    from dwave.cloud.api import exceptions as api
    from dwave.cloud.config.exceptions import ConfigFileError

    refused = (cloud.SolverAuthenticationError, api.ResourceAuthenticationError, api.ResourceAccessForbiddenError)
    gone = (cloud.SolverOfflineError, cloud.UnsupportedSolverError, api.ResourceNotFoundError)
    rejected = (
        cloud.InvalidProblemError,
        cloud.SolverFailureError,
        api.ResourceBadRequestError,
        BinaryQuadraticModelStructureError,
    )
    # Errors of requests that no second attempt heals; all but the last are ValueErrors as well.
    unusable = (web.InvalidHeader, web.InvalidURL, web.InvalidSchema, web.MissingSchema, web.SSLError)
    passing = (
        cloud.PollingTimeout, cloud.ProblemUploadError, cloud.CanceledFutureError, web.RequestException, ConnectionError, TimeoutError,
    )  # fmt: skip
    misconfigured = "D-Wave's configuration cannot be used: check dwave.conf and the variables DWAVE_*."
    sentences: tuple[tuple[str, Any], ...] = (
        ("D-Wave refused the API token: renew it with `dwave setup --auth`.", refused),
        ("The annealer is gone: name another solver, or run again when it is back; reads paid for are kept.", gone),
        (
            "The account's limit of annealer time or problems is reached; reads paid for are kept.",
            api.ResourceLimitsExceededError,
        ),
        ("The annealer rejected the problem: check reads, times and ranges against its properties.", rejected),
        (misconfigured, (ConfigFileError, configparser.Error, *unusable)),
        ("The annealer did not answer.", passing),
        (misconfigured, configured),
    )
    detail = f" ({type(error).__name__}: {redacted(' '.join(redacted(str(error)).split()))[:300]})"
    for sentence, kinds in sentences:
        if isinstance(error, kinds):
            return sentence + detail, kinds is passing
    told = "".join(traceback.format_exception(error))
    if redacted(told) != told:
        return f"Ocean stopped.{detail}", False
    raise error
