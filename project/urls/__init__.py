"""One URL map per process."""
