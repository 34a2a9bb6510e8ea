"""Tests in which clients and token verifiers of other projects use the running issuer.

They show that Keyturn and these projects interpret the standards in the same way.
"""
