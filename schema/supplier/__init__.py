"""The graph of suppliers: what we expect to buy from them, and what they promise."""
