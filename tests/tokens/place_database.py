"""Writes a small database of places in MaxMind's format (MaxMind DB File Format Specification 2.0)."""

import ipaddress

MARKER = b"\xab\xcd\xefMaxMind.com"
TEXT, MAP, NUMBER, LONG, LIST = 2, 7, 6, 9, 11
EMPTY = None


def control(kind, size):
    """Return the control bytes that precede a value in MaxMind's format.

    They state the value's type, `kind`, and its size. A size of 29 or more is in a byte of its own.
    """
    first, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return (bytes([kind << 5 | first]) if kind <= 7 else bytes([first, kind - 7])) + more


def encoded(value):
    if isinstance(value, dict):
        return control(MAP, len(value)) + b"".join(encoded(name) + encoded(each) for name, each in value.items())
    if isinstance(value, list):
        return control(LIST, len(value)) + b"".join(map(encoded, value))
    if isinstance(value, int):
        body = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return control(NUMBER, len(body)) + body
    body = value.encode()
    return control(TEXT, len(body)) + body


def tree(networks, *, bits):
    """Return the nodes of the search tree, each with two children.

    A child is the number of another node, the bytes of a record, or EMPTY. `networks` maps each network, such as
    "192.0.2.0/24", to its record. `bits` is the length of the addresses: 128, or 32 in a database of IPv4.
    """
    nodes = [[EMPTY, EMPTY]]
    for text, record in networks.items():
        network = ipaddress.ip_network(text)
        # In a database of IPv6, an IPv4 address is ::a.b.c.d.
        length = network.prefixlen + bits - network.max_prefixlen
        path = f"{int(network.network_address):0{bits}b}"[:length]
        node = 0
        for bit in path[:-1]:
            if nodes[node][int(bit)] is EMPTY:
                nodes.append([EMPTY, EMPTY])
                nodes[node][int(bit)] = len(nodes) - 1
            node = nodes[node][int(bit)]
        nodes[node][int(path[-1])] = encoded(record)
    return nodes


def write(path, networks, *, kind="Test-City", version=6):
    """Write a database to the file `path`, and return `path`.

    `networks` maps each network, such as "192.0.2.0/24", to its record. No network may contain another one. `kind` is
    the type of the database, and `version` is the IP version, 4 or 6.
    """
    nodes, data, body = tree(networks, bits=128 if version == 6 else 32), b"", b""
    for node in nodes:
        for child in node:
            number = len(nodes) if child is EMPTY else child
            if isinstance(child, bytes):
                number, data = len(nodes) + 16 + len(data), data + child
            body += number.to_bytes(3, "big")
    about = {
        "node_count": len(nodes), "record_size": 24, "ip_version": version, "database_type": kind,
        "languages": ["en", "de"], "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1,
        "description": {},
    }  # fmt: skip
    path.write_bytes(body + bytes(16) + data + MARKER + encoded(about))
    return path
