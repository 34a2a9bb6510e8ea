"""The drill: inject faults into a whole deployment while clients of every grant type use it, and judge the results.

Owns: the topology on loopback (nginx, PostgreSQL, Redis, two issuers, two APIs), the clients, the faults, the ledger,
the verdict.
Does not own: serving and starting processes (`launch`), the configuration of nginx (`deploy/`).
Neighbours: above `launch`, which starts the processes of the drill, among them `examples/webapp`.

Read in this order:
- `ledger`, `verdict`: the records of a run, and the rules that they must satisfy.
- `plan`, `fault_window`: the order of the faults, and the beginning and the end of each.
- `node_faults`, `store_faults`, `operator_steps`: the faults, and what operators do under load.
- `cut_off`: makes connections from one API to the issuer fail.
- `servers`, `topology`, `registration`: the servers that run, and the clients and users that are registered.
- `issuer_rows`: the rows of these clients and users, created in a process of the issuer.
- `wire`, `caller`, `users`, `web_application`, `clients`: requests, and the clients that send them.
- `periodic_jobs`: the jobs that cron runs, while the clients send requests.
- `report`: the result as a table or JSON.
- `__main__`: `make drill`.
"""
