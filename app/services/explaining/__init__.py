"""Why a plan is as it is: limits behind its figures, pegging, what differs between two plans."""
