"""The folder of text files that is the configuration: read, checked, made frozen, applied whole.

>>> from gateway.workspace.loader import ConfigurationProblems, parse
>>> parse({"gateway.yaml": "settle: 5s"}).settings.settle_seconds
5.0
>>> try:
...     parse({"gateway.yaml": "setle: 5s"})
... except ConfigurationProblems as error:
...     print(error.problems[0])
gateway.yaml:1:1: unknown key 'setle'
    setle: 5s
    ^^^^^
    did you mean 'settle'?
"""
