"""A folder for PYTHONPATH: its module runs at the start of a process of the drill."""
