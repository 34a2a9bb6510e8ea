"""The audit trail: security events as lines of JSON, rows and a journal outside of the database.

Owns: how an event is written and where. The logger is named `tokens.audit`; operators configure it by that name.
Does not own: which events there are; each is recorded where it happens.
Steps: none; every step leaves its events here.
Neighbours: above `models`, below everything that changes something.

Read in this order:
- `journal`: append rows to a file, for recovery after a restore.
- `trail`: write an event to the log, and the rare ones as a row and to the journal.
- `outages`: one line per reason of 503 answers within an interval.
"""
