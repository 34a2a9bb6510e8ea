"""Calls MCP tools with recipe.py in the working folder, and prints the results as JSON.

recipe.py is a code block of a documentation page. Standard input has one JSON document for each call, and one callback
URL for each login. Optional members of a JSON document:
- "expire": the SDK treats its access token as expired.
- "registered": the client_id of a registered client, which the program then uses.
"""

import asyncio
import json
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))
import recipe


def say(**document: object) -> None:
    """Print the arguments as one JSON document."""
    sys.stdout.write(json.dumps(document, default=str) + "\n")
    sys.stdout.flush()


def deepest(error: BaseException) -> BaseException:
    """Return the first error inside nested exception groups. An error that is no group is returned as it is."""
    return deepest(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def act(action: dict) -> None:
    """Call the MCP tool that `action` names, and print its result or the error."""
    if action.get("expire"):
        recipe.provider.context.token_expiry_time = 1
    try:
        result = await recipe.call(action["tool"], **action.get("arguments", {}))
    except BaseExceptionGroup as error:
        say(error=str(deepest(error)))
    except Exception as error:  # noqa: BLE001 (the test reads it)
        say(error=str(error))
    else:
        tokens = recipe.storage.tokens
        say(result=result, access_token=tokens.access_token, client_id=recipe.storage.client.client_id)


async def main() -> None:
    """Read JSON documents from standard input, one per line, and make the MCP call that each document describes."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        action = json.loads(line)
        if "registered" in action:
            recipe.use_registered(action["registered"])
        await act(action)


logging.basicConfig(stream=sys.stderr)
recipe.print = lambda _, url: say(go=url)
recipe.input = lambda _: sys.stdin.readline().strip()
asyncio.run(main())
