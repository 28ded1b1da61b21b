"""Our words keep the contract's promises: marshmallow, and the function generated from it. Pure."""
