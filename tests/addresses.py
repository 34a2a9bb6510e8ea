"""Cases of the client address that rate limits and logs use for a request.

Issuer and API must not import each other. Each has its own code for the address, and both are tested by this table.
"""

# The connection's address, X-Forwarded-For (None if absent), whether a proxy is in front, and the address that counts.
ADDRESSES = [
    ("192.0.2.1", None, False, "192.0.2.1"),
    ("192.0.2.1", "203.0.113.9", False, "192.0.2.1"),
    ("192.0.2.1", None, True, "192.0.2.1"),
    ("192.0.2.1", "203.0.113.9", True, "203.0.113.9"),
    ("192.0.2.1", "6.6.6.6, 203.0.113.9", True, "203.0.113.9"),
    ("192.0.2.1", "6.6.6.6,203.0.113.9", True, "203.0.113.9"),
    ("192.0.2.1", "", True, "192.0.2.1"),
    ("192.0.2.1", "6.6.6.6, ", True, "192.0.2.1"),
    ("2001:db8:1:2:3:4:5:6", None, False, "2001:db8:1:2::/64"),
    ("2001:db8:1:2:ffff::1", None, False, "2001:db8:1:2::/64"),
    ("::ffff:192.0.2.1", None, False, "192.0.2.1"),
    ("192.0.2.1", "203.0.113.9:50412", True, "203.0.113.9"),
    ("192.0.2.1", "[2001:db8:1:2::9]:50412", True, "2001:db8:1:2::/64"),
    ("192.0.2.1", "[2001:db8:1:2::9]", True, "2001:db8:1:2::/64"),
    ("192.0.2.1", "6.6.6.6:1, [::ffff:203.0.113.9]:2", True, "203.0.113.9"),
    ("192.0.2.1", "fe80::1%eth0", True, "fe80::/64"),
    ("192.0.2.1", "1.2.3.4:x", True, "1.2.3.4:x"),
    ("192.0.2.1", "[x]:1", True, "x"),
    ("", "garbage", True, "garbage"),
]
