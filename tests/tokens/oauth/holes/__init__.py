"""The toolkit's holes, each shown in the plain django-oauth-toolkit (`plain`) and shown closed here (`here`).

The numbers are those of the list of holes; each pair does the same thing to both, and asserts the same where it can.
"""
