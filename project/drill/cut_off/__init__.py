"""A folder for PYTHONPATH: Python imports its module `sitecustomize` when a process of the drill starts."""
