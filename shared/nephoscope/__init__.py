"""nephoscope: gather the states and metrics of instances on several clouds, publish one dashboard, raise alerts.

Read first: app/run.py (the run on one page), pipeline/plan.py (what is decided), app/deliver.py (how it is told).
"""

__version__ = "0.1.0"
