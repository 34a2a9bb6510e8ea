"""The audit trail: security events as lines of JSON, rows and a journal outside of the database.

Owns: the form and the places of an event. The logger is named `tokens.audit`; operators configure it by that name.
Does not own: the list of events; the code that changes something records its event.
Steps: none; every step records its events here.
Neighbours: above `models`, below all code that changes something.

Read in this order:
- `journal`: append rows to a file, for recovery after a restore.
- `trail`: write an event to the log, and the rare ones as a row and to the journal.
- `search`: find events, newest first.
- `retention`: how long rows are kept.
- `tally`, `jobs`: count tokens and refusals, in the background; when jobs ran last.
- `outages`: one line per reason of 503 answers within an interval.
"""
