"""Ports are checked before a process is started. If a port is taken, the error message names the variable to set."""

import socket

import pytest

from project.launch.ports import PortRefused, Ports, free, from_environment, is_taken, probe


@pytest.mark.parametrize("value", ["0", "65536", "eighty", "-1", "80.5", "²"])
def test_what_is_no_port_is_refused_by_the_name_of_its_variable(value):
    with pytest.raises(PortRefused, match="API_PORT must be a port"):
        from_environment({"API_PORT": value})


def test_two_processes_cannot_share_a_port():
    with pytest.raises(PortRefused, match="three different ports"):
        from_environment({"ISSUER_PORT": "9000", "API_PORT": "9000"})


def test_unset_and_empty_variables_leave_the_defaults():
    assert from_environment({"ISSUER_PORT": ""}) == Ports(8000, 8001, 8002)


def test_a_taken_port_is_named_with_the_variable_to_change():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(PortRefused, match=f"Port {taken} is taken. Name a free one with API_PORT"):
            probe(Ports(issuer=free(), api=taken, webapp=free()))


def test_a_server_does_not_share_a_port_with_another_process():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert is_taken("127.0.0.1", port)
    assert not is_taken("127.0.0.1", port)
