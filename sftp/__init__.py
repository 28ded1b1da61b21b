"""Files in, arrivals out: an SFTP server for partners, watched folders, and partners' own servers that are pulled from.

A partner drops a file; what comes out is an `Arrival`: settled, claimed, hashed, and removed only when you have it.

>>> import itertools, pathlib, tempfile, threading
>>> import paramiko
>>> from sftp.arrival import drop_folder
>>> from sftp.auth import Account, hash_password
>>> from sftp.collect import Collector
>>> from sftp.hostkeys import load_or_create
>>> from sftp.server import Server
>>>
>>> class Inbox:
...     def receive(self, arrival):        # must be durable when it returns
...         print(arrival.source, arrival.name, arrival.size, "whole" if arrival.whole else arrival.whole)
...         came.set()
>>>
>>> came, stop, numbers = threading.Event(), threading.Event(), itertools.count(1)
>>> folder = tempfile.TemporaryDirectory()
>>> root = pathlib.Path(folder.name)
>>> accounts = {"acme": Account("acme", partner="acme", password_hash=hash_password("correct horse"))}
>>> collector = Collector([drop_folder(root, "acme")], Inbox(), new_id=lambda: f"a{next(numbers)}")
>>> server = Server(("127.0.0.1", 0), root=root, accounts=lambda: accounts,
...                 hostkeys=load_or_create(root / "hostkeys"), ring=collector.ring)
>>> server.start()
>>> thread = threading.Thread(target=collector.run, args=(stop,))
>>> thread.start()

Any SFTP client will do:

>>> with paramiko.Transport(("127.0.0.1", server.port)) as connection:
...     connection.connect(server.hostkeys[0], "acme", "correct horse")
...     with connection.open_sftp_client() as client, client.open("/inbox/names.xml", "w") as file:
...         file.write("<names><name>Ada</name></names>")
...     came.wait(10)
drop://acme names.xml 31 whole
True

>>> server.close(); stop.set(); collector.ring(); thread.join(); folder.cleanup()
"""
