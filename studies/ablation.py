"""What helps and what does not: the same training with one setting changed, on the same images and seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from qnn_core.data import Dataset
from qnn_core.history import History
from qnn_core.network import QNN
from qnn_core.samplers import get_sampler
from qnn_core.training import train

if TYPE_CHECKING:
    from artifact.parameters import AblationParameters


def train_variants(
    base: AblationParameters,
    data: Dataset,
    variants: Mapping[str, Mapping[str, Any]],
    folder: str,
    snapshots: int = 0,
    progress: bool = False,
) -> dict[str, list[History]]:
    """Train a network for each variant and each of the seeds of `base`; the histories, by the variant's name and in the order of seeds.

    variants: by name, the parameters in which each differs from `base`. folder: where finished runs are kept; one with equal settings is
    read from there and not trained again, so that a stopped study goes on where it was, and variants may share runs.
    """
    # All of them are checked before the first is trained; a variant need not suit what only `base` is compared with.
    one = {"samplers": [base.sampler], "searchers": [base.sampler], "reads_tried": [1, 1]}
    settings = {name: base.varied({**one, **changes}) for name, changes in variants.items()}
    runs = [(name, seed) for name in settings for seed in base.seeds]
    histories: dict[str, list[History]] = {name: [] for name in settings}
    for name, seed in tqdm(runs, desc="networks", disable=not progress):
        histories[name].append(_trained(settings[name], data, seed, folder, snapshots))
    return histories


def _trained(p: AblationParameters, data: Dataset, seed: int, folder: str, snapshots: int) -> History:
    net = QNN((data.num_pixels, *p.hidden, data.num_classes), **p.network_options, seed=seed)
    sampler = get_sampler(p.sampler, **p.options_of(p.sampler))
    settings = {
        **p.cut_options,
        "lr": p.lr,
        "schedule": p.schedule,
        "seed": seed,
        "snapshots": snapshots,
    }
    told = json.dumps([settings, p.network_options, repr(sampler)], sort_keys=True)
    checkpoint = f"{folder}/{hashlib.sha256(told.encode()).hexdigest()[:16]}.checkpoint"
    return train(net, data, sampler, **settings, checkpoint=checkpoint)
