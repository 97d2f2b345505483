"""The embedded warehouse's own process: `python -m flows.warehouse_server DIRECTORY PORT`.

fakesnow's server over DuckDB files in DIRECTORY (its command line cannot persist and serve at once). It answers on 127.0.0.1 only.
"""

import sys


def main(directory: str, port: int) -> None:
    import fakesnow.server  # noqa: PLC0415
    import uvicorn  # noqa: PLC0415
    from starlette.responses import PlainTextResponse  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    fakesnow.server.shared_fs = fakesnow.server.FakeSnow(db_path=directory)
    fakesnow.server.app.router.routes.append(Route("/health", lambda _: PlainTextResponse("ok")))
    uvicorn.run(fakesnow.server.app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
