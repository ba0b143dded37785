"""The embedded runtime: the pipeline on a laptop, against an AWS emulator that runs inside this repository's process.

Nothing of the product imports this package.
"""
