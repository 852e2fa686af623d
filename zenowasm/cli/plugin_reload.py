"""``zenowasm plugin reload``: sends the request to a running host, and prints the original's messages."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import click

from zenowasm.cli import commands, options
from zenowasm.cli.errors import CliError, user_errors
from zenowasm.display import visible
from zenowasm.frontends.admin.errors import AdminError
from zenowasm.frontends.admin.state import default_state_file, read_state
from zenowasm.frontends.admin.token import TOKEN
from zenowasm.plugin import PluginError, load_environment

URL = "ZENO_ADMIN_URL"
_PATH = "/api/admin/plugins/reload"
_SECONDS = 300.0
_MOST_BYTES = 16 << 20
_HINT = "Make sure `zenowasm serve` is running."


@commands.command()
@click.argument("name", required=False)
@click.option("--admin", metavar="URL", help=f"URL of the host; without it, {URL}, else the state file.")
@click.option("--state", type=options.path, metavar="FILE", help="The state file that `serve` writes.")
@options.as_json
def reload(name: str | None, admin: str | None, state: Path | None, as_json: bool) -> None:
    """Reload the plugin NAME, or all of them, in a running `zenowasm serve`.

    The token is ZENO_ADMIN_TOKEN, else the one in the state file.
    """
    with user_errors(PluginError, AdminError):
        variables = load_environment().variables
        url, token = admin or variables.get(URL, ""), variables.get(TOKEN, "")
        if not (url and token):
            found = read_state(default_state_file(variables) if state is None else state)
            # A token is for the host that generated it, so it is not sent to any other address.
            if not token and url in ("", found.url):
                token = found.token
            url = url or found.url
    if not token:
        raise CliError(f"no token for {url}: set {TOKEN} to the one of the running host")
    if not as_json:
        print(visible(f"Reloading plugin '{name}'..." if name else "Reloading all plugins..."), flush=True)
    status, answer = _post(url, _PATH + (f"?name={quote(name, safe='')}" if name else ""), token)
    if as_json:
        options.print_json(answer)
    elif isinstance(plugins := answer.get("plugins"), list):
        for plugin in plugins:
            print(visible(_line(plugin)))
    if status != http.client.OK:
        raise CliError(f"Reload failed: {answer.get('error') or f'status {status}'}")
    if not as_json:
        print("✅ Reload successful!")


def _post(url: str, target: str, token: str) -> tuple[int, dict[str, Any]]:
    parts = urlsplit(url)
    try:
        if parts.scheme != "http" or parts.hostname is None or parts.port is None:
            raise CliError(f"expected a URL such as http://127.0.0.1:9000, found {url}")
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=_SECONDS)
    except ValueError as error:
        raise CliError(f"expected a URL such as http://127.0.0.1:9000, found {url}") from error
    try:
        connection.request("POST", target, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        answer = json.loads(response.read(_MOST_BYTES))
    except (OSError, http.client.HTTPException) as error:
        raise CliError(f"Failed to contact server: {url}: {error}", details=_HINT) from error
    except (ValueError, RecursionError) as error:
        raise CliError(f"Reload failed: {url} returned something other than JSON", details=_HINT) from error
    finally:
        connection.close()
    return response.status, answer if isinstance(answer, dict) else {}


def _line(plugin: Any) -> str:
    if not isinstance(plugin, dict):
        return ""
    found = dict.fromkeys(str(it) for it in (plugin.get("before"), plugin.get("after")) if it is not None)
    versions = " -> ".join(found)
    shown = plugin.get("error") or versions
    return f"  {plugin.get('name')}: {plugin.get('change')}: {shown}"
