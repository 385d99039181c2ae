"""A stand-in for a D-Wave machine that goes wrong on demand, behind the real client interface of Ocean."""

from types import SimpleNamespace

import dimod
from dwave.system.testing import MockDWaveSampler

from qnn_dwave.device import _ChainAnnealer

TOKEN = "DEV-0123456789abcdef-not-a-real-one"


class Machine(MockDWaveSampler):
    """Zephyr graph of 336 qubits, answering by simulated annealing. `faults`: one per submission, None for a good one.

    submissions: what was asked. slow: how often one looks for answers in vain.
    lost: names of problems whose answers only `client.retrieve_answer` gives.
    """

    def __init__(self, faults=(), lose_answers=False, token=TOKEN):
        assert token == TOKEN
        super().__init__(
            topology_type="zephyr",
            topology_shape=[3, 4],
            parameter_warnings=False,
            substitute_sampler=_ChainAnnealer(100, (0.1, 10.0)),
        )
        self.faults = list(faults)
        self.lose_answers = lose_answers
        self.submissions = []
        self.slow = 0
        self.answers = {}
        self.client = SimpleNamespace(retrieve_answer=self.retrieve)
        self.solver = SimpleNamespace(estimate_qpu_access_time=lambda _, num_reads, **__: 15_000 + 140 * num_reads)

    def retrieve(self, problem_id):
        return SimpleNamespace(sampleset=self.answers[problem_id])

    def sample(self, bqm, **parameters):
        parameters.pop("auto_scale")
        self.submissions.append((bqm.copy(), parameters))
        number = len(self.submissions)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.substitute_kwargs = {"seed": number}
        answer = super().sample(bqm, **parameters)
        answer.info["timing"]["qpu_access_time"] = 15_000 + 140 * parameters["num_reads"]
        self.answers[f"problem-{number}"] = answer
        lost = self.lose_answers
        self.lose_answers = False

        class Future:
            def wait_id(self, timeout=None):  # noqa: ARG002
                return f"problem-{number}"

            def done(_):  # noqa: N805
                self.slow -= 1
                return self.slow < 0

        def resolve(_):
            if lost:
                raise ConnectionError("the line went dead")
            return answer

        return dimod.SampleSet.from_future(Future(), resolve)
