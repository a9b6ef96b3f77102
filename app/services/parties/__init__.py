"""What suppliers and customers do: read what was released to them, and hand in answers, capacity and signals.

Every function takes a transaction in the party's own role, which holds rights on `released_*` and the inbox
alone; nothing here could read the plan. `checks` and the modules of each submission are pure.
"""
