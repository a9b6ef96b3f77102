"""The graph of customers: what they ask for, and what we answer."""
