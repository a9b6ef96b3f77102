"""The process network: its independent components (rules 30 and 32).

Two parts of a problem that share no stock, activity, resource, demand group or quota group cannot influence
one another, so each is solved alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.engine.lots import Lots, Storages
from app.engine.order import canonical_order
from app.engine.problem import (
    Activities,
    Demands,
    Inputs,
    IntArray,
    Problem,
    Resources,
    Stocks,
    Uses,
)

Axis = TypeVar("Axis", Stocks, Activities, Demands, Resources)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A component: a problem of its own, and where its rows are in the whole."""

    problem: Problem
    stocks: IntArray
    activities: IntArray
    resources: IntArray
    demands: IntArray


class Rows(NamedTuple):
    """Rows of each block that make a part, in the order wanted."""

    stocks: IntArray
    activities: IntArray
    resources: IntArray
    demands: IntArray
    inputs: IntArray
    uses: IntArray
    lots: IntArray
    setup_inputs: IntArray
    setup_uses: IntArray
    storages: IntArray


def components(problem: Problem) -> list[Part]:
    """Split a problem into its independent components, each in canonical order."""
    groups, label_of = everything(problem), labels(problem)
    by_label = [_grouped(order, label) for order, label in zip(groups, label_of, strict=True)]
    none = np.zeros(0, dtype=np.int64)
    parts = (Rows(*(by.get(label, none) for by in by_label)) for label in by_label[0])
    return [cut(problem, chosen) for chosen in parts]


def labels(problem: Problem) -> Rows:
    """Name the component of every row of every block."""
    stock = stock_labels(problem)
    activity = stock[problem.activities.stock]
    return Rows(
        stocks=stock,
        activities=activity,
        resources=resource_labels(problem, activity),
        demands=stock[problem.demands.stock],
        inputs=activity[problem.inputs.activity],
        uses=activity[problem.uses.activity],
        lots=activity[problem.lots.activity],
        setup_inputs=activity[problem.setup_inputs.activity],
        setup_uses=activity[problem.setup_uses.activity],
        storages=storage_labels(problem, stock),
    )


def rows_of(label: Rows, wanted: IntArray) -> Rows:
    """Pick the rows of the components named."""
    return Rows(*(np.flatnonzero(np.isin(of_block, wanted)) for of_block in label))


def nested(part: Part, piece: Part) -> Part:
    """Return a part of a piece with its rows counted on the whole that the piece was cut from."""
    return Part(
        part.problem,
        stocks=piece.stocks[part.stocks],
        activities=piece.activities[part.activities],
        resources=piece.resources[part.resources],
        demands=piece.demands[part.demands],
    )


def whole(problem: Problem) -> Part:
    """Take the problem as a single part in canonical order."""
    return cut(problem, everything(problem))


def everything(problem: Problem) -> Rows:
    """Every row of every block, the axes in canonical order."""
    orders = canonical_order(problem)
    return Rows(
        orders.stocks,
        orders.activities,
        orders.resources,
        orders.demands,
        inputs=np.arange(len(problem.inputs.activity)),
        uses=np.arange(len(problem.uses.activity)),
        lots=np.arange(len(problem.lots)),
        setup_inputs=np.arange(len(problem.setup_inputs.activity)),
        setup_uses=np.arange(len(problem.setup_uses.activity)),
        storages=np.arange(len(problem.storages.codes)),
    )


def digest(problem: Problem, *tags: str) -> bytes:
    """Content hash of a (canonically ordered) problem; codes do not count."""
    state = blake2b(digest_size=20)
    for tag in tags:
        state.update(tag.encode() + b"\0")
    state.update(repr(problem.parameters).encode() + repr(problem.published).encode())
    _feed(state, problem.days)
    for block in (problem.stocks, problem.activities, problem.resources, problem.demands):
        for item in fields(block):
            if item.name != "codes":
                _feed(state, getattr(block, item.name))
    rows = (problem.inputs, problem.uses, problem.lots, problem.setup_inputs, problem.setup_uses)
    for block_of_rows in (*rows, problem.storages):
        for item in fields(block_of_rows):
            if item.name != "codes":
                _feed(state, getattr(block_of_rows, item.name))
    return state.digest()


def _feed(state: Any, array: NDArray[Any]) -> None:
    state.update(repr(array.shape).encode())
    state.update(np.ascontiguousarray(array).tobytes())


# --- components ---------------------------------------------------------------------------------------------


def stock_labels(problem: Problem) -> IntArray:
    """Name the component of each stock, [n]: the least index of a stock that it is linked with."""
    acts, demands, storages = problem.activities, problem.demands, problem.storages
    resource = np.concatenate((problem.uses.resource, problem.setup_uses.resource))
    user = np.concatenate((problem.uses.activity, problem.setup_uses.activity))
    links = [
        (acts.stock[problem.inputs.activity], problem.inputs.stock),
        (acts.stock[problem.setup_inputs.activity], problem.setup_inputs.stock),
        _chain(resource, acts.stock[user]),
        _chain(storages.storage, storages.stock),
        _chain(acts.quota_group, acts.stock),
        _chain(demands.fill_group, demands.stock),
    ]
    left, right = (np.concatenate(side) for side in zip(*links, strict=True))
    return connected(len(problem.stocks.codes), left, right)


def _chain(group: IntArray, member: IntArray) -> tuple[IntArray, IntArray]:
    """Links between successive members of each group (>= 0)."""
    order = np.argsort(group, kind="stable")
    order = order[group[order] >= 0]
    same = group[order][1:] == group[order][:-1]
    return member[order][:-1][same], member[order][1:][same]


def connected(count: int, left: IntArray, right: IntArray) -> IntArray:
    """Label the connected components of `count` nodes with edges left-right by their least node, [count]."""
    label = np.arange(count)
    while True:
        before = label.copy()
        low = np.minimum(label[left], label[right])
        np.minimum.at(label, left, low)
        np.minimum.at(label, right, low)
        np.minimum.at(label, before, label)  # hook the old root under the new label
        label = label[label]
        if np.array_equal(label, before):
            return label


def resource_labels(problem: Problem, activity_label: IntArray) -> IntArray:
    """Name the component of each resource, [r]; -1 where nothing uses it."""
    label = np.full(len(problem.resources.codes), -1, dtype=np.int64)
    for uses in (problem.uses, problem.setup_uses):
        label[uses.resource] = activity_label[uses.activity]
    return label


def storage_labels(problem: Problem, label: IntArray) -> IntArray:
    """Name the component of each shared storage, [g]; -1 where nothing is stored in it."""
    storages = problem.storages
    found = np.full(len(storages.codes), -1, dtype=np.int64)
    found[storages.storage] = label[storages.stock]
    return found


def _grouped(order: IntArray, label: IntArray) -> dict[int, IntArray]:
    """Group the indices by label, each group in the sequence of `order`."""
    if not len(order):
        return {}
    by_label = order[np.argsort(label[order], kind="stable")]
    keys, first = np.unique(label[by_label], return_index=True)
    return dict(zip(keys.tolist(), np.split(by_label, first[1:]), strict=True))


def cut(problem: Problem, chosen: Rows) -> Part:
    """Cut out the rows chosen, with indices counted anew."""
    stock_at = _positions(len(problem.stocks.codes), chosen.stocks)
    activity_at = _positions(len(problem.activities.codes), chosen.activities)
    resource_at = _positions(len(problem.resources.codes), chosen.resources)
    acts, demands = _take(problem.activities, chosen.activities), _take(problem.demands, chosen.demands)
    cut = replace(
        problem,
        stocks=_take(problem.stocks, chosen.stocks),
        activities=replace(acts, stock=stock_at[acts.stock], quota_group=_regrouped(acts.quota_group)),
        resources=_take(problem.resources, chosen.resources),
        demands=replace(demands, stock=stock_at[demands.stock], fill_group=_regrouped(demands.fill_group)),
        inputs=_cut_inputs(problem.inputs, chosen.inputs, activity_at, stock_at),
        uses=_cut_uses(problem.uses, chosen.uses, activity_at, resource_at),
        lots=_cut_lots(problem.lots, chosen.lots, activity_at),
        setup_inputs=_cut_inputs(problem.setup_inputs, chosen.setup_inputs, activity_at, stock_at),
        setup_uses=_cut_uses(problem.setup_uses, chosen.setup_uses, activity_at, resource_at),
        storages=_cut_storages(problem.storages, chosen.storages, stock_at),
    )
    return Part(cut, chosen.stocks, chosen.activities, chosen.resources, chosen.demands)


def _positions(count: int, chosen: IntArray) -> IntArray:
    position = np.full(count, -1, dtype=np.int64)
    position[chosen] = np.arange(len(chosen))
    return position


def _take(block: Axis, rows: IntArray) -> Axis:
    arrays = {
        item.name: chosen(getattr(block, item.name), rows) for item in fields(block) if item.name != "codes"
    }
    return replace(block, codes=tuple(block.codes[row] for row in rows.tolist()), **arrays)


def chosen(array: NDArray[Any], rows: IntArray) -> NDArray[Any]:
    """Take rows; what is one value stretched over the buckets stays so, instead of filling memory."""
    if array.ndim == 2 and array.strides[1] == 0 and array.shape[1] > 1:
        return np.broadcast_to(array[rows, :1], (len(rows), array.shape[1]))
    return array[rows]


def _regrouped(ids: IntArray) -> IntArray:
    """Give the groups fresh numbers by first appearance; what is in no group (-1) stays so."""
    values, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(np.where(values < 0, -1, first)))
    return np.where(ids < 0, -1, rank[inverse] - int((values < 0).any()))


def _cut_inputs(inputs: Inputs, rows: IntArray, activity_at: IntArray, stock_at: IntArray) -> Inputs:
    activity, stock = activity_at[inputs.activity[rows]], stock_at[inputs.stock[rows]]
    order = np.lexsort((stock, activity))
    return Inputs(activity[order], stock[order], chosen(inputs.quantity, rows[order]))


def _cut_uses(uses: Uses, rows: IntArray, activity_at: IntArray, resource_at: IntArray) -> Uses:
    activity, resource = activity_at[uses.activity[rows]], resource_at[uses.resource[rows]]
    order = np.lexsort((resource, activity))
    return Uses(activity[order], resource[order], chosen(uses.hours, rows[order]))


def _cut_lots(lots: Lots, rows: IntArray, activity_at: IntArray) -> Lots:
    rows = rows[np.argsort(activity_at[lots.activity[rows]])]
    arrays = {item.name: getattr(lots, item.name)[rows] for item in fields(lots)}
    return Lots(**arrays | {"activity": activity_at[lots.activity[rows]]})


def _cut_storages(storages: Storages, rows: IntArray, stock_at: IntArray) -> Storages:
    """Cut out shared storages, put in order by their first member's place."""
    place = np.full(len(storages.codes), len(stock_at))
    np.minimum.at(place, storages.storage, stock_at[storages.stock])
    rows = rows[np.argsort(place[rows], kind="stable")]
    storage_at = _positions(len(storages.codes), rows)
    kept = np.flatnonzero(storage_at[storages.storage] >= 0)
    order = kept[np.lexsort((stock_at[storages.stock[kept]], storage_at[storages.storage[kept]]))]
    return Storages(
        tuple(storages.codes[row] for row in rows.tolist()),
        storages.capacity[rows],
        storage_at[storages.storage[order]],
        stock_at[storages.stock[order]],
        storages.space[order],
    )
