"""What was stored can be asked for: the REST API, its OpenAPI document and its pages.

    >>> import pathlib, tempfile
    >>> from datetime import UTC, datetime
    >>> from gateway.receive.landing import Receiver
    >>> from gateway.serve.app import create_app
    >>> from gateway.serve.services import Services
    >>> from gateway.store.database import Database
    >>> from gateway.store.local import LocalVault
    >>> from gateway.workspace.loader import parse
    >>>
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name)
    >>> def now():
    ...     return datetime.now(UTC)
    >>> database = Database(f"sqlite:{path / 'gateway.db'}", clock=now)
    >>> database.migrate()
    >>> vault, configuration = LocalVault(path / "vault"), parse({"gateway.yaml": ""})
    >>> app = create_app(Services(
    ...     database=database, vault=vault, configuration=lambda: configuration, sources=dict,
    ...     receiver=Receiver(database, vault, "{}_1".format, lambda: configuration),
    ...     new_id="{}_1".format, now=now, wait=lambda seconds: None, cursor_secret=b"kept for all processes",
    ... ))
    >>> app.test_client().get("/health/ready").get_json()["status"]
    'ready'
    >>> refusal = app.test_client().get("/api/v1/orders").get_json()
    >>> refusal["code"], refusal["remedy"]
    ('key_missing', 'Send it as Authorization: Bearer <key>, or as X-Api-Key: <key>.')
    >>> database.close()
    >>> folder.cleanup()

An `Operation` says everything about one method of one path; the route, its checks and its part of the OpenAPI document
are made from it. The operations stand in ``resources``, one file each; the grammar of lists in ``filters``, cursors in
``cursors``, everything that is not success in ``problems``.
"""
