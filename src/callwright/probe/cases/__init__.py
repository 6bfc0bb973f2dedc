"""The fidelity set: cases as data, what reads them, and how a case is put into words."""
