"""System checks: settings under which the issuer's promises cannot hold are refused before it serves."""
