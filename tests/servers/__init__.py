"""Other projects' servers accept this issuer's access tokens, configured by the blocks of docs/resource-servers/."""
