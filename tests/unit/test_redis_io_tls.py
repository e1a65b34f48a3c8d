"""What is demanded of TLS. Real servers say what is refused: `tests/live/test_tls.py`."""

from __future__ import annotations

import ssl

from fleetcache_gui.redis_io.address import Address, Tls
from fleetcache_gui.redis_io.tls import context, refused

ADDRESS = Address("cache.example.com", tls=Tls())


def test_all_is_verified_unless_a_person_has_said_otherwise() -> None:
    strict = context(Tls(), ADDRESS)
    assert strict.minimum_version is ssl.TLSVersion.TLSv1_2
    assert (strict.check_hostname, strict.verify_mode) == (True, ssl.CERT_REQUIRED)
    loose = context(Tls(verify=False), ADDRESS)
    assert loose.minimum_version is ssl.TLSVersion.TLSv1_2
    assert (loose.check_hostname, loose.verify_mode) == (False, ssl.CERT_NONE)


def test_what_is_not_known_is_still_a_sentence() -> None:
    trouble = refused(ssl.SSLError(1, "[SSL: SOMETHING_NEW] hunter2"), ADDRESS)
    assert trouble.text == "No TLS connection to cache.example.com:6379 could be made."
    assert "hunter2" not in trouble.advice
