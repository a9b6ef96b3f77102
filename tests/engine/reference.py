"""A plain dense LP of the same rules, built independently of `app.engine`: by loops, unit by unit of time.

Deliveries are y[d, s, t] (asked for in s, delivered in t), so lateness is counted exactly and not by a backlog.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from app.engine.problem import Problem

STEP = 1.01


def ladder(own, bids, dm, d):
    """Rule 13: STEP x the greatest bid of any lower class at the same stock, itself raised likewise."""
    best = 0.0
    for e in range(len(dm.codes)):
        if dm.stock[e] == dm.stock[d] and dm.rank[e] > dm.rank[d]:
            raised = np.maximum(own[e], ladder(own, bids, dm, e))
            best = max(best, raised[bids[e] > 0].max(initial=0.0))
    return STEP * best


def optimum(p: Problem, extra_regular: float = 0.0):
    """Objective of the reference LP, or None where it has no plan."""
    T, st, ac, dm, rs = p.periods, p.stocks, p.activities, p.demands, p.resources
    cost, low, high, name = [], [], [], {}

    def column(key, c, lo=0.0, hi=np.inf):
        name[key] = len(cost)
        cost.append(c), low.append(lo), high.append(hi)

    constant = 0.0
    for a in range(len(ac.codes)):
        for t in range(T):
            column(("x", a, t), ac.cost[a, t], ac.lower[a, t], ac.upper[a, t])
    for n in range(len(st.codes)):
        for t in range(T):
            column(("s", n, t), st.holding_cost[n, t], 0, st.maximum[n, t])
            column(("g", n, t), st.target_cost[n, t])
        column(
            ("e", n),
            0 if np.isinf(st.final_cost[n]) else st.final_cost[n],
            0,
            0 if np.isinf(st.final_cost[n]) else np.inf,
        )
    for r in range(len(rs.codes)):
        for t in range(T):
            column(("o", r, t), rs.overtime_cost[r, t], 0, rs.overtime[r, t])
            column(("h", r, t), rs.regular_cost[r, t], 0, rs.regular[r, t] + extra_regular)
    late = dm.late_cost / p.days
    lost, asked = dm.price + dm.short_cost, dm.quantity > 0
    for d in range(len(dm.codes)):
        value = np.maximum(lost[d], ladder(lost, lost * asked, dm, d))
        day = np.maximum(late[d], ladder(late, late * asked.any(axis=1, keepdims=True), dm, d)) * p.days
        for s in range(T):
            q = dm.quantity[d, s]
            constant -= dm.price[d, s] * q
            column(("z", d, s), value[s], 0, 0 if dm.floor[d] >= 1 else q - dm.minimum[d, s])
            for t in range(s, dm.latest[d, s] + 1):
                column(("y", d, s, t), day[s:t].sum())
    for a in range(len(ac.codes)):
        for t in range(T):
            column(("u", a, t), ac.smoothing_cost[a]), column(("w", a, t), ac.smoothing_cost[a])
    equal, equal_to, most, most_to = [], [], [], []

    def row(table, goal, terms, right):
        line = np.zeros(len(cost))
        for key, value in terms:
            line[name[key]] += value
        table.append(line), goal.append(right)

    for n in range(len(st.codes)):
        for t in range(T):
            terms = [(("s", n, t), -1.0)] + ([(("s", n, t - 1), 1.0)] if t else [])
            terms += [
                (("x", a, s), ac.output[a])
                for a in range(len(ac.codes))
                for s in range(T)
                if ac.stock[a] == n and ac.arrival[a, s] == t
            ]
            terms += [
                (("x", a, t), -q[t])
                for a, i, q in zip(p.inputs.activity, p.inputs.stock, p.inputs.quantity)
                if i == n
            ]
            terms += [
                (("y", d, s, t), -1.0)
                for d in range(len(dm.codes))
                if dm.stock[d] == n
                for s in range(t + 1)
                if ("y", d, s, t) in name
            ]
            row(equal, equal_to, terms, -st.receipts[n, t] - (st.opening[n] if t == 0 else 0))
            row(most, most_to, [(("s", n, t), -1.0), (("g", n, t), -1.0)], -st.target[n, t])
        row(most, most_to, [(("s", n, T - 1), -1.0), (("e", n), -1.0)], -st.final_target[n])
    for d in range(len(dm.codes)):
        for s in range(T):
            terms = [(("y", d, s, t), 1.0) for t in range(s, dm.latest[d, s] + 1)]
            row(equal, equal_to, [*terms, (("z", d, s), 1.0)], dm.quantity[d, s])
        if 0 < dm.floor[d] < 1:
            total = dm.quantity[d, : p.published].sum()
            row(most, most_to, [(("z", d, s), 1.0) for s in range(p.published)], (1 - dm.floor[d]) * total)
    for r in range(len(rs.codes)):
        for t in range(T):
            terms = [
                (("x", a, t), h[t])
                for a, i, h in zip(p.uses.activity, p.uses.resource, p.uses.hours)
                if i == r
            ]
            row(equal, equal_to, [*terms, (("o", r, t), -1.0), (("h", r, t), -1.0)], 0.0)
    for a in range(len(ac.codes)):
        for t in range(T):
            if ac.upper[a, t] <= 0 or (t == 0 and np.isnan(ac.rate_before[a])):
                continue
            terms = [(("x", a, t), 1.0), (("u", a, t), -1.0), (("w", a, t), 1.0)]
            terms += [(("x", a, t - 1), -p.days[t] / p.days[t - 1])] if t else []
            row(equal, equal_to, terms, 0.0 if t else ac.rate_before[a] * p.days[0])
    answer = linprog(
        cost,
        np.array(most),
        most_to,
        np.array(equal),
        equal_to,
        list(zip(low, high, strict=True)),
        method="highs",
    )
    return None if answer.status == 2 else answer.fun + constant
