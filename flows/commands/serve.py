"""``streamliner serve``: the site on this machine, and on nothing but this machine."""

from pathlib import Path

import click


@click.command(name="serve")
@click.argument("archive", type=click.Path())
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 picks a free one.")
def command(archive: str, port: int) -> None:
    """Show the site on loopback until Ctrl-C."""
    from flows.stored import readable

    with readable(archive, "site") as folder:
        _serve(folder, port)


def _serve(folder: Path, port: int) -> None:
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from stages.errors import BadInput

    site = folder / "site"
    if not (site / "index.html").is_file():
        raise BadInput(f"There is no site in {folder}; `streamliner publish EXPORT --archive {folder}` makes one.")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: addresses of pages tell what is read."""

        def end_headers(self) -> None:
            self.send_header("Cache-Control", "no-cache")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            super().end_headers()

        def list_directory(self, path: object) -> None:  # type: ignore[override]
            self.send_error(404)

    try:
        # the link is resolved per request, so a site that is published meanwhile is shown at once
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(site)))
    except OSError as error:
        raise BadInput(f"Port {port} cannot be used: {error.strerror}; choose another with --port.") from None
    with server:
        click.echo(f"Serving on http://127.0.0.1:{server.server_address[1]}/ until Ctrl-C")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
