"""The pages of docs/clients/, each followed with the real client: its command, its settings, and every step it has.

- pages: a page's command and code blocks, with the addresses of the test.
- stack: issuer behind TLS, and an API.
- mcp_servers: the example of an MCP server, and documents of its clients.
- environments: the environments of the clients, made from locks under var/clients/.
- programs: the processes that host a client; the programs themselves are in `hosts/`.
- steps: what each client did, for the table in docs/clients/README.md, which `table` writes.
"""
