"""How results are made, checked and shown."""

import qnn_core  # noqa: F401  # Before numpy and the like, whose loops it chooses.
