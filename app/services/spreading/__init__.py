"""`seriesSpread`: an edit at a level, such as a family's quarter, split over the series below it.

`requests` says what can be asked and what is wrong with it, `cells` computes, `writing` commits: rules E1 to
E8 of docs/dimensions.md.
"""
