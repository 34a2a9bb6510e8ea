"""Tests that follow each page of docs/clients/ with the real client: its commands, its settings, and every step.

In these tests, "page" means a documentation page in docs/clients/.

- pages: the commands and the code blocks of a page, with the test's addresses in place of the page's.
- stack: the issuer behind TLS, and an API.
- mcp_servers: the example of an MCP server, and the metadata documents of its clients.
- environments: a Python environment for each client, which is made from a lock and kept under var/clients/.
- programs: runs clients as processes. The programs themselves are in `hosts/`.
- steps: the steps that each client completed. From them, `table` writes the table in docs/clients/README.md.
"""
