"""The plan database: everything Concord keeps, and the only SQL outside migrations.

One module per subject; each function takes an open `Transaction` (app.store.database), which already carries
the caller's scope, so what a function can see is what the caller may see. Start with `database.Database`.
"""
