"""The resources of the API, one file each: their operations and the shapes of their answers."""
