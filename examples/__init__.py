"""Programs that use Keyturn from outside. `webapp` imports nothing of it, the APIs import the resource server only."""
