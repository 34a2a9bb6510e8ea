"""Tests that follow each page of docs/clients/ with the real client: its commands, its settings, and every step.

In these tests, "page" means a documentation page in docs/clients/.

- pages: the command and the code blocks of a page, with the addresses of the test.
- stack: the issuer behind TLS, and an API.
- mcp_servers: the example of an MCP server, and the metadata documents of its clients.
- environments: the environments of the clients, made from locks under var/clients/.
- programs: the processes that run a client; the programs themselves are in `hosts/`.
- steps: the steps that each client completed. From them, `table` writes the table in docs/clients/README.md.
"""
