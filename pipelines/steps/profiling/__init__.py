"""Counts rows in bins that a baseline fixes: profiles of parts add up to the profile of the whole, on any engine.

``layout`` says which bins a column has, ``counts`` holds what was counted, ``kernel`` counts one Arrow batch,
``arrow_engine`` runs it over tables and Parquet files; :mod:`pipelines.steps.monitor.spark` runs it on a cluster.
"""
