"""Starting Keyturn from a clone: the environment, the three processes, and the walk through the seven steps."""
