"""The demo: the main job on the embedded default, with real files over real SFTP, in one command."""
