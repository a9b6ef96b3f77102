"""Blocks that only some problems have: lots decided in whole numbers, and storage shared by several stocks.

Both are empty by default; a problem without lots is a linear one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from app.engine.arrays import INFINITE, FloatArray, IntArray, floats, ints


@dataclass(frozen=True, slots=True, eq=False)
class Lots:
    """Activities that are run or not run in a bucket, or in whole multiples: one row each. Rules 16 to 18.

    An activity that is run in a bucket pays `setup_cost`, draws the set-up inputs and hours of the problem,
    and its level lies between `minimum` and `maximum`; one that is not run has the level 0.
    """

    activity: IntArray  # [k] each activity at most once
    setup_cost: FloatArray  # [k, T] currency per bucket in which the activity is run
    minimum: FloatArray  # [k, T] least level where it is run; 0 = none
    maximum: FloatArray  # [k, T] greatest level; inf = none (then what is needed at most is worked out)
    multiple: FloatArray  # [k] the level is a whole multiple of this, as a decision; 0 = divisible

    @classmethod
    def of(
        cls,
        activity: ArrayLike = (),
        periods: int = 1,
        *,
        setup_cost: ArrayLike = 0.0,
        minimum: ArrayLike = 0.0,
        maximum: ArrayLike = INFINITE,
        multiple: ArrayLike = 0.0,
    ) -> Lots:
        """Build the block; a scalar, [k], [1, T] or [k, T] is stretched to the shape of the field."""
        index = np.atleast_1d(np.asarray(activity, dtype=np.int64))
        grid = (len(index), periods)
        return cls(
            index,
            floats(setup_cost, *grid),
            floats(minimum, *grid),
            floats(maximum, *grid),
            floats(multiple, len(index)),
        )

    def __len__(self) -> int:
        return len(self.activity)


@dataclass(frozen=True, slots=True, eq=False)
class Storages:
    """Room shared by several stocks, and the space a unit of each takes (a pair appears once). Rule 19."""

    codes: tuple[str, ...]
    capacity: FloatArray  # [g, T] room at the end of the bucket, in the unit of `space`; inf = no limit
    storage: IntArray  # [m]
    stock: IntArray  # [m]
    space: FloatArray  # [m, T] room taken by a unit in stock; not negative

    @classmethod
    def of(
        cls,
        codes: Sequence[str] = (),
        periods: int = 1,
        *,
        capacity: ArrayLike = INFINITE,
        storage: ArrayLike = (),
        stock: ArrayLike = (),
        space: ArrayLike = 1.0,
    ) -> Storages:
        """Build the block; `capacity` may be a scalar, [g] or [g, T], `space` a scalar, [m] or [m, T]."""
        index = np.atleast_1d(np.asarray(storage, dtype=np.int64))
        return cls(
            tuple(codes),
            floats(capacity, len(codes), periods),
            index,
            ints(stock, len(index)),
            floats(space, len(index), periods),
        )
