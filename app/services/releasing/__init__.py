"""What each outside party receives when a plan is published: pure functions from a sealed plan to lines.

`view` is the plan as data; `projections` makes a supplier's lines, `supply_answers` a customer's; `dates`,
`matching`, `reasons` and `reference` are what both stand on. Reading the plan and writing the release is the
business of `app.services.publish`.
"""
