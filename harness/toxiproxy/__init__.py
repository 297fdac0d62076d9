"""Shape on real sockets: Toxiproxy, embedded or real, driven through toxiproxy-python."""
