"""Mean-field theory of the start of training: gaussian couplings, and gaussian fields on the hidden spins.

Two layers with couplings between them only are the bipartite Sherrington-Kirkpatrick model (Korenblit, Shender, Sov. Phys. JETP 62, 1030
(1985)). Temperatures are in units of T_c = sigma (N_h N_o)^(1/4), the spin-glass temperature without fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy

_NODES = np.linspace(-8, 8, 4001)
_WEIGHTS = np.exp(-(_NODES**2) / 2) / np.exp(-(_NODES**2) / 2).sum()
_PRECISION = 1e-10


@dataclass(frozen=True)
class ReplicaSymmetric:
    """The replica-symmetric state at one temperature.

    hidden, outputs: overlap of two replicas in each layer. instability: below 1 the state is stable, above 1 there is a glass, whose
    replicas fall into many states (de Almeida, Thouless, J. Phys. A 11, 983 (1978)).
    """

    hidden: float
    outputs: float
    instability: float


def replica_symmetric(temperature: float, ratio: float, field: float) -> ReplicaSymmetric:
    """The replica-symmetric state in the limit of infinitely many spins.

    temperature: in units of T_c. ratio: N_h / N_o. field: standard deviation of the fields on the hidden spins, in units of T_c.

    With z a normal number, q_h = E tanh^2(z sqrt(field^2 + q_o / sqrt(ratio)) / T) and q_o = E tanh^2(z sqrt(q_h sqrt(ratio)) / T); the
    instability is E sech^4 of the one times E sech^4 of the other, over T^4.
    """
    outputs, before = 1.0, np.inf
    while abs(outputs - before) > _PRECISION:
        before = outputs
        felt_hidden = _NODES * np.sqrt(field**2 + outputs / np.sqrt(ratio)) / temperature
        hidden = float(_WEIGHTS @ np.tanh(felt_hidden) ** 2)
        felt_outputs = _NODES * np.sqrt(hidden * np.sqrt(ratio)) / temperature
        outputs = float(_WEIGHTS @ np.tanh(felt_outputs) ** 2)
    unsaturated = [float(_WEIGHTS @ (1 - np.tanh(felt) ** 2) ** 2) for felt in (felt_hidden, felt_outputs)]
    return ReplicaSymmetric(hidden, outputs, unsaturated[0] * unsaturated[1] / temperature**4)


@cache  # Asked for each table and panel again, and slow.
def glass_line(ratio: float, field: float) -> float:
    """The temperature, in units of T_c, below which there is a glass in a field: the de Almeida-Thouless line; 1 without a field.

    ratio, field: as in `replica_symmetric`.
    """
    if field == 0:
        return 1.0
    stability = lambda temperature: replica_symmetric(temperature, ratio, field).instability - 1  # noqa: E731
    return float(scipy.optimize.brentq(stability, 0.05, 1.0))
