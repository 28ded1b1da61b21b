"""The SFTP role: what comes from partners and what goes to them."""
