"""What was stored can be asked for: REST, OpenAPI, health."""
