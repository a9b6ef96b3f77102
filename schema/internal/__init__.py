"""The graph of the host's departments: plans, reference data, measures, reconciliation, submissions."""
