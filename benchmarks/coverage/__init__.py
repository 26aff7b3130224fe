"""Simulations of what intervals promise: `python -m benchmarks.coverage` prints and stores how often they keep it.

`worlds` draws panels whose truth is known, `designs` says which analyses are run on which, `runs` runs them, `record` counts, `tables` prints.
`trap` is regression to the mean. Nothing here is imported by `evaluation`.
"""
