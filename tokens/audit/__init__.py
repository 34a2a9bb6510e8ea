"""The audit trail: security events as lines of JSON, rows and a journal outside of the database.

Owns: the form of an event, and where it is written. The logger is named `tokens.audit`; operators configure it by that
name.
Does not own: the list of events. The code that makes a change also records the event of that change.
Steps: this package is none of the seven steps in README.md, but every step records its events here.
Neighbours: above `models`, below all code that changes something.

Read in this order:
- `journal`: append rows to a file, for recovery after a restore.
- `trail`: write each event to the log, and rare events also to the database and the journal.
- `search`: find events, newest first.
- `retention`: how long rows are kept.
- `tally`: count tokens and refusals, in the background.
- `jobs`: record when jobs last completed, and find overdue jobs.
- `outages`: one line per reason of 503 answers within an interval.
"""
