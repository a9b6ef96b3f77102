"""Types that all three graphs share: scalars, nodes, connections, errors as data, time, the calendar."""
