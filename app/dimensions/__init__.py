"""The arithmetic of dimensions: working time, units of measure, hierarchies with validity, splitting.

Pure functions over rows, dates and arrays: no database, no file, no clock. docs/dimensions.md numbers the
rules, and the modules cite them.
"""
