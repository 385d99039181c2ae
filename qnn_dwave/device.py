"""The two annealers behind one interface: a D-Wave machine, and Ocean's mock of one that a classical annealer answers for.

Errors of the connection are tried again with growing pauses where that can help; the others, and those that stay, become one
sentence that says what to do and never holds the API token.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import networkx as nx
import numpy as np
from jaxtyping import Int8, Int64

from qnn_core.errors import AnnealerError, InvalidInput, check_count
from qnn_core.samplers.base import check_schedule
from qnn_dwave.control_errors import check_control_error
from qnn_dwave.secrets import redacted
from qnn_dwave.tiles import graph_identifier

if TYPE_CHECKING:
    import dimod

NO_TOKEN = (
    "There is no D-Wave API token: run `dwave setup --auth` or set the environment variable DWAVE_API_TOKEN; "
    "the samplers `mock` and `replay` need none."
)
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
    """What came back: spins (R, Q) of the qubits, seconds of access, and the annealer's name for the problem."""

    spins: Int8[np.ndarray, "R Q"]
    qubits: Int64[np.ndarray, " Q"]
    qpu_seconds: float
    problem_id: str


@runtime_checkable
class Device(Protocol):
    """Something that anneals a problem on its own graph of qubits."""

    @property
    def graph(self) -> nx.Graph: ...

    @property
    def settings(self) -> dict[str, Any]:
        """What tells this annealer from another, for records."""
        ...

    @property
    def properties(self) -> Mapping[str, Any]:
        """`h_range`, `extended_j_range`, `num_reads_range` and `annealing_time_range`, as in Ocean."""
        ...

    def access_seconds(self, num_qubits: int, num_reads: int, anneal: Anneal) -> float:
        """Estimated time that one submission occupies the annealer."""
        ...

    def submit(
        self,
        bqm: dimod.BinaryQuadraticModel,
        num_reads: int,
        anneal: Anneal,
        seed: int,
        submitted: str | None,
        remember: Callable[[str], None],
    ) -> Submission:
        """The annealer's reads of a model on its qubits, and what they cost.

        submitted: name of the same problem if it was sent before and its answer is to be fetched. remember: told the name of the
        problem as soon as it is sent.
        """
        ...


def working_graph(topology: Mapping[str, Any], nodes: Any, edges: Any) -> nx.Graph:
    """The graph of the working qubits, with the topology's family and coordinates that embedding algorithms use."""
    import dwave.graphs

    makers = {
        "chimera": dwave.graphs.chimera_graph,
        "pegasus": dwave.graphs.pegasus_graph,
        "zephyr": dwave.graphs.zephyr_graph,
    }
    return makers[topology["type"]](*topology["shape"], node_list=list(nodes), edge_list=list(edges))


@dataclass(frozen=True)
class MockDevice:
    """Ocean's `MockDWaveSampler` on a whole Zephyr or Pegasus graph, answered by simulated annealing of the chains of qubits.

    topology: its type and shape. sweeps, beta: of the annealing, in the chip's unit of energy; a reverse anneal starts from its
    state at the temperature that belongs to its turning point. control_error: standard deviations of the fields and couplings
    of the qubits. Access times are modelled: `PROGRAMMING`, and for each read the anneal and `READOUT`.
    """

    topology: tuple[str, int]
    sweeps: int
    beta: tuple[float, float]
    control_error: tuple[float, float]

    PROGRAMMING = 0.015
    READOUT = 0.00012
    """Seconds a submission and a read, of the order that D-Wave's machines report."""

    def __post_init__(self) -> None:
        family, size = self.topology
        if family not in ("zephyr", "pegasus"):
            raise InvalidInput("topology", family, '"zephyr" or "pegasus"')
        check_count("topology", size, least=1 if family == "zephyr" else 2)
        check_schedule(self.sweeps, self.beta)
        check_control_error(self.control_error)

    @cached_property
    def _sampler(self) -> Any:
        from dwave.system.testing import MockDWaveSampler

        family, size = self.topology
        return MockDWaveSampler(
            topology_type=family,
            topology_shape=[size, 4] if family == "zephyr" else [size],
            parameter_warnings=False,
            substitute_sampler=_ChainAnnealer(self.sweeps, self.beta),
        )

    @cached_property
    def graph(self) -> nx.Graph:
        return working_graph(self.properties["topology"], self._sampler.nodelist, self._sampler.edgelist)

    @property
    def properties(self) -> Mapping[str, Any]:
        return self._sampler.properties

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "annealer": "mock",
            "graph": graph_identifier(self.graph),
            "sweeps": self.sweeps,
            "beta": list(self.beta),
            "control_error": list(self.control_error),
        }

    def access_seconds(self, num_qubits: int, num_reads: int, anneal: Anneal) -> float:  # noqa: ARG002
        return self.PROGRAMMING + num_reads * (self.READOUT + 1e-6 * anneal.microseconds)

    def submit(
        self,
        bqm: dimod.BinaryQuadraticModel,
        num_reads: int,
        anneal: Anneal,
        seed: int,
        submitted: str | None,  # noqa: ARG002
        remember: Callable[[str], None],  # noqa: ARG002
    ) -> Submission:
        random = np.random.default_rng(seed)
        of_fields, of_couplings = self.control_error
        wrong = bqm.copy()
        for qubit, error in zip(bqm.variables, random.standard_normal(bqm.num_variables), strict=True):
            wrong.add_linear(qubit, of_fields * error)
        for (left, right), error in zip(bqm.quadratic, random.standard_normal(bqm.num_interactions), strict=True):
            wrong.add_quadratic(left, right, of_couplings * error)
        self._sampler.substitute_kwargs = {"seed": int(random.integers(2**31))}
        sampleset = self._sampler.sample(wrong, num_reads=num_reads, answer_mode="raw", **anneal.parameters)
        return _submission(sampleset, self.access_seconds(bqm.num_variables, num_reads, anneal), "")


class _ChainAnnealer:
    """What answers for the mock: simulated annealing that knows forward and reverse schedules."""

    def __init__(self, sweeps: int, beta: tuple[float, float]) -> None:
        self.sweeps, self.beta = sweeps, beta

    def sample(
        self,
        bqm: dimod.BinaryQuadraticModel,
        num_reads: int,
        seed: int,
        anneal_schedule: list[tuple[float, float]] | None = None,
        initial_state: Mapping[int, int] | None = None,
        **others: Any,  # noqa: ARG002
    ) -> dimod.SampleSet:
        from dwave.samplers import SimulatedAnnealingSampler

        hot, cold = self.beta
        start: dict[str, Any] = {}
        if anneal_schedule is not None and initial_state is not None:
            hot *= (cold / hot) ** min(s for _, s in anneal_schedule)
            start = {"initial_states": dict(initial_state), "initial_states_generator": "tile"}
        return SimulatedAnnealingSampler().sample(
            bqm, num_reads=num_reads, seed=seed, num_sweeps=self.sweeps, beta_range=[hot, cold], **start
        )


class LiveDevice:
    """A D-Wave machine, reached through Ocean with the token of the user's configuration.

    solver: its name, None for Ocean's choice. attempts: how often a submission is tried. pause: seconds before the second attempt,
    doubled each time.
    """

    def __init__(self, solver: str | None, attempts: int, pause: float) -> None:
        self.attempts, self.pause = attempts, pause
        self._sampler = _persevere(lambda: _connect(solver), attempts, pause, configured=ValueError)

    @cached_property
    def graph(self) -> nx.Graph:
        return working_graph(self.properties["topology"], self._sampler.nodelist, self._sampler.edgelist)

    @property
    def properties(self) -> Mapping[str, Any]:
        return self._sampler.properties

    @property
    def settings(self) -> dict[str, Any]:
        return {"annealer": self.properties["chip_id"], "graph": graph_identifier(self.graph)}

    def access_seconds(self, num_qubits: int, num_reads: int, anneal: Anneal) -> float:
        reverse = {"reverse_anneal": True, "reinitialize_state": True} if anneal.start is not None else {}
        timing = {name: value for name, value in anneal.parameters.items() if name in ("annealing_time", "anneal_schedule")}
        solver = self._sampler.solver
        return 1e-6 * float(solver.estimate_qpu_access_time(num_qubits, num_reads=num_reads, **timing, **reverse))

    def submit(
        self,
        bqm: dimod.BinaryQuadraticModel,
        num_reads: int,
        anneal: Anneal,
        seed: int,  # noqa: ARG002
        submitted: str | None,
        remember: Callable[[str], None],
    ) -> Submission:
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
            seconds = 1e-6 * float(sampleset.info["timing"]["qpu_access_time"])
            return _submission(sampleset, seconds, str(problem_id))

        return _persevere(attempt, self.attempts, self.pause)

    def _fetch(self, problem_id: str) -> dimod.SampleSet | None:
        """The answer of a problem sent before, None when the annealer does not know it or failed to solve it."""
        from dwave.cloud import exceptions
        from dwave.cloud.api.exceptions import ResourceNotFoundError

        try:
            sampleset = self._sampler.client.retrieve_answer(problem_id).sampleset
            sampleset.resolve()
        except (
            exceptions.ProblemNotFoundError,
            exceptions.CanceledFutureError,
            exceptions.SolverFailureError,
            ResourceNotFoundError,
        ):
            return None
        return sampleset


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


def _persevere(work: Callable[[], Outcome], attempts: int, pause: float, configured: type[Exception] | tuple[()] = ()) -> Outcome:
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
            time.sleep(pause * 2**attempt)
    raise AnnealerError(f"{message} Tried {attempts} times. Reads that were paid for are kept: run again to go on.")


def _explain(error: Exception, configured: type[Exception] | tuple[()]) -> tuple[str, bool]:
    """A sentence for an error of Ocean, and whether trying again may help; errors that are not the annealer's are raised on."""
    import configparser

    import requests
    from dimod.exceptions import BinaryQuadraticModelStructureError
    from dwave.cloud import exceptions
    from dwave.cloud.api import exceptions as api
    from dwave.cloud.config.exceptions import ConfigFileError

    detail = f" ({type(error).__name__}: {redacted(' '.join(redacted(str(error)).split()))[:300]})"
    # Errors of requests that no second attempt heals; all but the last are ValueErrors as well.
    lasting = (
        requests.exceptions.InvalidHeader,
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.MissingSchema,
        requests.exceptions.SSLError,
    )
    misconfigured = (ConfigFileError, configparser.Error, *lasting)
    refused = (exceptions.SolverAuthenticationError, api.ResourceAuthenticationError, api.ResourceAccessForbiddenError)
    gone = (exceptions.SolverOfflineError, exceptions.UnsupportedSolverError, api.ResourceNotFoundError)
    rejected = (
        exceptions.InvalidProblemError,
        exceptions.SolverFailureError,
        api.ResourceBadRequestError,
        BinaryQuadraticModelStructureError,
    )
    passing = (
        exceptions.PollingTimeout,
        exceptions.ProblemUploadError,
        exceptions.CanceledFutureError,
        requests.RequestException,
        ConnectionError,
        TimeoutError,
    )
    if isinstance(error, refused):
        return f"D-Wave refused the API token: renew it with `dwave setup --auth`.{detail}", False
    if isinstance(error, gone):
        return f"The annealer is gone: name another solver, or run again when it is back; reads paid for are kept.{detail}", False
    if isinstance(error, api.ResourceLimitsExceededError):
        return f"The account's limit of annealer time or problems is reached; reads paid for are kept.{detail}", False
    if isinstance(error, rejected):
        return f"The annealer rejected the problem: check reads, times and ranges against its properties.{detail}", False
    if isinstance(error, misconfigured) or (isinstance(error, configured) and not isinstance(error, passing)):
        return f"D-Wave's configuration cannot be used: check dwave.conf and the variables DWAVE_*.{detail}", False
    if isinstance(error, passing):
        return f"The annealer did not answer.{detail}", True
    told = "".join(traceback.format_exception(error))
    if redacted(told) != told:
        return f"Ocean stopped.{detail}", False
    raise error
