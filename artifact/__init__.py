"""How results are made, checked and shown."""
