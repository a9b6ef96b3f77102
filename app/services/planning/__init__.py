"""From the state of a plan to the engine's problem, and from its solution back to measures.

In the order they are used: `horizon` (buckets and the extension), `lookup` (values by validity), `units`,
`prices`, `demand_plan` (what is asked for), `network` (where it can come from), `sources` (make, buy, move),
`capacity`, `stocks`, `groups` (who shares), `labels`, `build` (the Problem), `measures` (the series).
"""
