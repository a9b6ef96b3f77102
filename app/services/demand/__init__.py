"""From history, forecasts and orders to the demand that is planned: pure functions over arrays.

`succession` and `baseline` make the statistical forecast, `streams` the consensus, `shares` its split over
ship-tos, `consumption` the net demand. Rows are series, columns the calendar's buckets, NaN means no value.
"""
