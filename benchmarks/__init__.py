"""Times beside those of others, whose products of matrices are the fastest that the processor has."""

import os

os.environ.setdefault("MKL_CBWR", "AUTO")

import qnn_core  # noqa: F401  # Before numpy and the like, whose loops it chooses.
