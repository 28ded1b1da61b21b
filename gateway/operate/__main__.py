"""``python -m gateway.operate`` is the command ``gateway``; the supervisor starts its roles so."""

from gateway.operate.cli import main

if __name__ == "__main__":
    main()
