"""A folder for PYTHONPATH. Python imports the module `sitecustomize` of this folder when a process starts."""
