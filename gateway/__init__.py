"""The only package that knows the other three: it lands, judges, stores and serves what they bring."""
