"""Where an address leads to. Expected places follow the IANA special-purpose registries and the RFCs of the forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nephoscope.model.errors import Reason
from nephoscope.model.secret import Secret
from nephoscope.notifiers.address import Place, allowed, place_of
from nephoscope.notifiers.endpoint import EndpointError, judged_addresses, parse_endpoint, resolve_name

PLACES = {
    Place.PUBLIC: [
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.1",
        "168.63.129.15",
        "223.255.255.255",
        "2606:4700::6810:84e5",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
    Place.LOOPBACK: ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
    Place.PRIVATE: [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "fc00::1",
        "fd12:3456::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:c0a8:101::1",
        "fd00::5efe:8.8.8.8",
    ],
    Place.SHARED: ["100.64.0.1", "100.127.255.255", "::ffff:100.64.0.1"],
    Place.LINK_LOCAL: [
        "169.254.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1%1",
        "::ffff:169.254.1.1",
        "fe80::5efe:808:808",
    ],
    Place.METADATA: [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "::a9fe:a9fe",
        "64:ff9b::169.254.169.254",
        "64:ff9b::a83f:8110",
        "2002:a9fe:a9fe::1",
        "2002:a83f:8110::",
        "2001:0:808:808:0:0:5601:5601",  # Teredo: the client is the last 32 bits, inverted
        "2001:0:a9fe:a9fe:0:0:f7f7:f7f7",  # and the server stands in front
        "2606:4700::5efe:a9fe:a9fe",
        "2606:4700::200:5efe:a9fe:a9fe",
    ],
    Place.MULTICAST: ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    Place.RESERVED: [
        "0.0.0.0",
        "0.1.2.3",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "64:ff9b:1::a9fe:a9fe",
        "100::1",
        "2001:db8::1",
        "2001:2::1",
        "3fff::1",
        "5f00::1",
        "fec0::1",
        "4000::1",
        "not an address",
        "127.1",
        "",
    ],
}
CASES = [(address, place) for place, addresses in PLACES.items() for address in addresses]


@pytest.mark.parametrize(("address", "place"), CASES)
def test_where_an_address_leads(address: str, place: Place) -> None:
    assert place_of(address) is place


@pytest.mark.parametrize(("address", "place"), CASES)
def test_only_public_ones_are_called_and_a_leave_opens_three_places(address: str, place: Place) -> None:
    assert allowed(address, allow_private=False) is (place is Place.PUBLIC)
    with_leave = place in {Place.PUBLIC, Place.LOOPBACK, Place.PRIVATE, Place.SHARED}
    assert allowed(address, allow_private=True) is with_leave


@given(st.ip_addresses(v=4))
def test_a_disguise_never_makes_an_address_better(address: object) -> None:
    plain = str(address)
    number = int(address)  # type: ignore[call-overload]
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    for form in (f"::ffff:{plain}", f"64:ff9b::{plain}", f"2002:{high}:{low}::1", f"2606:4700::5efe:{plain}"):
        assert allowed(plain, allow_private=False) or not allowed(form, allow_private=False)
        assert allowed(plain, allow_private=True) or not allowed(form, allow_private=True)


@pytest.mark.parametrize(
    ("form", "address"),
    [
        ("0x7f.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0xA9FEA9FE", "169.254.169.254"),
        ("2852039166", "169.254.169.254"),
        ("0251.0376.0251.0376", "169.254.169.254"),
        ("::ffff:7f00:1", "::ffff:127.0.0.1"),
    ],
)
def test_numeric_hosts_go_through_the_resolver_and_are_judged_as_what_they_are(form: str, address: str) -> None:
    found = resolve_name(form, 443, 5)
    assert list(found) == [address]
    with pytest.raises(EndpointError, match="address_refused"):
        judged_addresses(found, allow_private=False)


def test_one_bad_address_spoils_the_name() -> None:
    with pytest.raises(EndpointError, match="the name leads to a link-local address") as refused:
        judged_addresses(["8.8.8.8", "169.254.1.1"], allow_private=True)
    assert refused.value.reason is Reason.ADDRESS_REFUSED
    assert judged_addresses(["8.8.8.8", "1.1.1.1", "8.8.8.8"], allow_private=False) == ("8.8.8.8", "1.1.1.1")


@pytest.mark.parametrize(
    ("url", "tls", "name", "port", "target", "host"),
    [
        ("https://hooks.example/a/b?c=d#e", True, "hooks.example", 443, "/a/b?c=d", "hooks.example"),
        ("https://Hooks.Example.", True, "hooks.example", 443, "/", "hooks.example"),
        ("https://hooks.example:8443/x\n", True, "hooks.example", 8443, "/x", "hooks.example:8443"),
        ("https://[2606:4700::1]:443/", True, "2606:4700::1", 443, "/", "[2606:4700::1]"),
        ("http://127.0.0.1:81", False, "127.0.0.1", 81, "/", "127.0.0.1:81"),
        ("https://hooks.example:80/", True, "hooks.example", 80, "/", "hooks.example:80"),
    ],
)
def test_a_url_taken_apart(url: str, tls: bool, name: str, port: int, target: str, host: str) -> None:
    endpoint = parse_endpoint(Secret(url), allow_http=True)
    assert (endpoint.tls, endpoint.name, endpoint.port, endpoint.target) == (tls, name, port, target)
    assert endpoint.host_header == host
    assert name not in repr(endpoint)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example/", Reason.ADDRESS_REFUSED),
        ("ftp://hooks.example/", Reason.MALFORMED),
        ("file:///etc/passwd", Reason.MALFORMED),
        ("//hooks.example/", Reason.MALFORMED),
        ("hooks.example", Reason.MALFORMED),
        ("", Reason.MALFORMED),
        ("https://", Reason.MALFORMED),
        ("https:///path", Reason.MALFORMED),
        ("https://a:b@hooks.example/", Reason.MALFORMED),
        ("https://public@169.254.169.254/", Reason.MALFORMED),
        ("https://hooks.example:99999/", Reason.MALFORMED),
        ("https://hooks.example:x/", Reason.MALFORMED),
        ("https://[::1/", Reason.MALFORMED),
        ("https://hooks.example/a b", Reason.MALFORMED),
        ("https://hooks.example/a\r\nHost: evil", Reason.MALFORMED),
        ("https://ho\toks.example/", Reason.MALFORMED),
        ("https://hööks.example/", Reason.MALFORMED),
        (f"https://{'a' * 254}/", Reason.MALFORMED),
    ],
)
def test_what_is_no_address_to_send_to(url: str, reason: Reason) -> None:
    with pytest.raises(EndpointError) as refused:
        parse_endpoint(Secret(url), allow_http=False)
    assert refused.value.reason is reason
    assert refused.value.__context__ is None
