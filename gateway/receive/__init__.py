"""Whatever arrives becomes a delivery: its bytes are safe before the sender hears "received"."""
