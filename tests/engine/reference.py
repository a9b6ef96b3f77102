"""A plain dense LP of the same rules, built independently of `app.engine`: by loops, cell by cell.

Deliveries are y[d, s, t] (asked for in s, delivered in t): lateness is counted exactly, not by a backlog.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from app.engine.problem import Problem

STEP = 1.01


class Dense:
    """Columns by key, rows as dense lines."""

    def __init__(self):
        self.at, self.cost, self.bounds, self.constant = {}, [], [], 0.0
        self.equal, self.most = [], []

    def column(self, key, cost, low=0.0, high=np.inf):
        self.at[key] = len(self.cost)
        self.cost.append(cost)
        self.bounds.append((low, high))

    def solve(self):
        def table(rows):
            lines = np.zeros((len(rows), len(self.cost)))
            for line, (terms, _) in zip(lines, rows, strict=True):
                for key, value in terms:
                    line[self.at[key]] += value
            return lines, [right for _, right in rows]

        answer = linprog(self.cost, *table(self.most), *table(self.equal), self.bounds, method="highs")
        return None if answer.status == 2 else answer.fun + self.constant


def optimum(p: Problem):
    """Objective of the reference LP, or None where it has no plan."""
    lp = Dense()
    for add in (
        supply_columns,
        stock_columns,
        demand_columns,
        balance_rows,
        demand_rows,
        capacity_rows,
        smooth,
    ):
        add(lp, p)
    return lp.solve()


def supply_columns(lp, p):
    acts, res = p.activities, p.resources
    for t in range(p.periods):
        for a in range(len(acts.codes)):
            lp.column(("level", a, t), acts.cost[a, t], acts.lower[a, t], acts.upper[a, t])
            lp.column(("rise", a, t), acts.smoothing_cost[a])
            lp.column(("fall", a, t), acts.smoothing_cost[a])
        for r in range(len(res.codes)):
            lp.column(("regular", r, t), res.regular_cost[r, t], 0, res.regular[r, t])
            lp.column(("overtime", r, t), res.overtime_cost[r, t], 0, res.overtime[r, t])


def stock_columns(lp, p):
    for n in range(len(p.stocks.codes)):
        for t in range(p.periods):
            lp.column(("stock", n, t), p.stocks.holding_cost[n, t], 0, p.stocks.maximum[n, t])
            lp.column(("gap", n, t), p.stocks.target_cost[n, t])
            lp.most.append(([(("stock", n, t), -1), (("gap", n, t), -1)], -p.stocks.target[n, t]))
        lp.column(("end", n), p.stocks.final_cost[n])
        lp.most.append(([(("stock", n, p.periods - 1), -1), (("end", n), -1)], -p.stocks.final_target[n]))


def ladder(own, bids, dm, d):
    """Rule 13: STEP x the greatest bid of any lower class at the same stock, itself raised likewise."""
    best = 0.0
    for e in range(len(dm.codes)):
        if dm.stock[e] == dm.stock[d] and dm.rank[e] > dm.rank[d]:
            raised = np.maximum(own[e], ladder(own, bids, dm, e))
            best = max(best, raised[bids[e] > 0].max(initial=0.0))
    return STEP * best


def demand_columns(lp, p):
    dm = p.demands
    lost, late, asked = dm.price + dm.short_cost, dm.late_cost / p.days, dm.quantity > 0
    for d in range(len(dm.codes)):
        value = np.maximum(lost[d], ladder(lost, lost * asked, dm, d))
        any_asked = asked.any(axis=1, keepdims=True)
        wait = np.maximum(late[d], ladder(late, late * any_asked, dm, d)) * p.days
        for s in range(p.periods):
            lp.constant -= dm.price[d, s] * dm.quantity[d, s]
            most = 0 if dm.floor[d] >= 1 else dm.quantity[d, s] - dm.minimum[d, s]
            lp.column(("short", d, s), value[s], 0, most)
            for t in range(s, dm.latest[d, s] + 1):
                lp.column(("deliver", d, s, t), wait[s:t].sum())


def balance_rows(lp, p):
    acts, inputs, dm, st = p.activities, p.inputs, p.demands, p.stocks
    for n in range(len(st.codes)):
        for t in range(p.periods):
            terms = [(("stock", n, t), -1.0)] + ([(("stock", n, t - 1), 1.0)] if t else [])
            for a in range(len(acts.codes)):
                landing = [s for s in range(p.periods) if acts.stock[a] == n and acts.arrival[a, s] == t]
                terms += [(("level", a, s), acts.output[a]) for s in landing]
            for a, i, quantity in zip(inputs.activity, inputs.stock, inputs.quantity, strict=True):
                terms += [(("level", a, t), -quantity[t])] if i == n else []
            for d in np.flatnonzero(dm.stock == n):
                terms += [(("deliver", d, s, t), -1.0) for s in range(t + 1) if dm.latest[d, s] >= t]
            lp.equal.append((terms, -st.receipts[n, t] - (st.opening[n] if t == 0 else 0)))


def demand_rows(lp, p):
    dm = p.demands
    for d in range(len(dm.codes)):
        for s in range(p.periods):
            terms = [(("deliver", d, s, t), 1.0) for t in range(s, dm.latest[d, s] + 1)]
            lp.equal.append(([*terms, (("short", d, s), 1.0)], dm.quantity[d, s]))
        if 0 < dm.floor[d] < 1:
            total = dm.quantity[d, : p.published].sum()
            lp.most.append(([(("short", d, s), 1.0) for s in range(p.published)], (1 - dm.floor[d]) * total))


def capacity_rows(lp, p):
    for r in range(len(p.resources.codes)):
        for t in range(p.periods):
            terms = [(("regular", r, t), -1.0), (("overtime", r, t), -1.0)]
            for a, i, hours in zip(p.uses.activity, p.uses.resource, p.uses.hours, strict=True):
                terms += [(("level", a, t), hours[t])] if i == r else []
            lp.equal.append((terms, 0.0))


def smooth(lp, p):
    acts = p.activities
    for a in range(len(acts.codes)):
        for t in range(p.periods):
            if acts.upper[a, t] <= 0 or (t == 0 and np.isnan(acts.rate_before[a])):
                continue
            terms = [(("level", a, t), 1.0), (("rise", a, t), -1.0), (("fall", a, t), 1.0)]
            before = acts.rate_before[a] * p.days[0] if t == 0 else 0.0
            terms += [(("level", a, t - 1), -p.days[t] / p.days[t - 1])] if t else []
            lp.equal.append((terms, before))
