"""The studies of the paper: plain arguments in, numbers and figures out."""
