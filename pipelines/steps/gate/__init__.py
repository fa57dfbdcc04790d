"""The gate: decides whether a challenger may be registered.

Against a champion: the lower confidence bound of the paired improvement has to clear a margin, and no guard metric and
no slice may worsen too much (:mod:`.comparison`). Without one: an absolute floor against a naive predictor. Rows of
one day share their weather, so the bound treats clusters of time, never rows, as independent (:mod:`.jackknife`).
"""
