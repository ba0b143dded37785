"""The functions, a package for each."""
