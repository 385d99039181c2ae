"""The studies of the paper: plain arguments in, numbers and figures out."""

import qnn_core  # noqa: F401  # Before numpy and the like, whose loops it chooses.
