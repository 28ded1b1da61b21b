"""Drop folders in, arrivals out: an SFTP server for partners, and watched folders."""
