"""Starting Keyturn from a clone: the environment, the three processes, and the walk through the seven steps.

Owns: the programs behind `make` (except tests and benchmarks), the server of each process, and the files under var/.
Does not own: the settings (`settings`), or the limits on a request (`front`).
Neighbours: `keyturn serve` calls `serve`, and `drill` starts its processes by `processes`.

Read in this order:
- `bootstrap`: creates .venv with the pinned packages.
- `ports`, `environment`, `folder_lock`: the ports, the environment files, and the lock on var/.
- `serve`, `workers`, `worker_start`: serves one process, supervises its workers, and prepares a worker for requests.
- `processes`: starts, watches and stops child processes.
- `browser`, `walk`: a browser for programs, and the walk through the seven steps.
- `run`, `life`, `reset`, `check`, `sbom`: what `make` runs under these names.
- `docs_site`, `docs_hooks`: `make docs`, and the hooks of mkdocs.
"""
