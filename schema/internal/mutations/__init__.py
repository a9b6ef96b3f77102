"""The mutations of the internal graph: one input, one payload each, refusals as data."""
