"""What turns prompt ids into tokens, behind one protocol."""
