"""From the traces of several arms to a verdict: where two arms part first, by which cause, and what that costs.

`compare` is the whole. Traces are read (`traces_on_disk`) and aligned step by step (`align`); where two part, the
functions of `causes` are asked in the order in which a runtime works, so that the first that explains is furthest
upstream. `statistics` counts what the arms achieve, and `verdict` is what is written. `terminal` and `page` show it.
"""
