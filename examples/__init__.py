"""Programs that use Keyturn from outside, as a stranger would: they import neither of its halves."""
