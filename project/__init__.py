"""The wiring: settings, URL maps, middleware and processes.

Owns: the settings and servers that turn `tokens` and `resources` into processes, their logs, traces and metrics, and
the start from a clone of the repository.
Does not own: OAuth or the verification of tokens, which are in `tokens` and `resources`.
Neighbours: above `tokens` and `resources`. Only the package `keyturn_issuer`, the command, imports this package.

Read in this order:
- `settings`, `urls`: the settings and the URL map of each process.
- `conf`: reads the settings for the modules below.
- `wsgi`: the application that a server loads.
- `front`: bounds each request, and gives it a thread.
- `direct`: answers the endpoints for programs, and skips the middleware that only pages need.
- `mount`: serves an issuer whose URL has a path.
- `admin_host`, `admin_pages`: the host of the admin, and which paths are pages of the admin.
- `page_language`: the language of a page.
- `background`: starts the threads that refresh cached data and deliver logouts.
- `postgresql`, `redis_cache`: the database with deadlines, and the cache with counters.
- `databases`, `management`: two databases in one process, and the command that migrates both (development).
- `request_id`, `access_log`, `logs`: the id of a request, the line for each request, and the format of the log.
- `telemetry`, `metrics`: traces for OpenTelemetry, and metrics for Prometheus.
- `launch`: starts, serves and checks processes.
- `drill`: injects faults into a deployment under load, and judges its answers.
- `story`: prints the seven steps of the flow (README.md).
"""
