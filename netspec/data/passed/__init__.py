"""Data that a Python program passes: arrays, examples of data sets, and data frames."""
