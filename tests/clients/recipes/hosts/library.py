"""Calls the functions of recipe.py in the working folder, and prints their results as JSON.

recipe.py is a code block of a documentation page. The first line of standard input is the callback URL. Each further
line is the name of a function to call.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))
import recipe


def say(**document: object) -> None:
    """Print the arguments as one JSON document."""
    sys.stdout.write(json.dumps(document, default=str) + "\n")
    sys.stdout.flush()


say(go=recipe.login_url())
claims = recipe.log_in(sys.stdin.readline().strip())
say(claims=dict(claims), access_token=recipe.access_token())
for line in sys.stdin:
    result = getattr(recipe, line.strip())()
    say(go=result) if line.strip() == "logout_url" else say(access_token=recipe.access_token())
