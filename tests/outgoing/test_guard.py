"""The guard: which URLs and addresses are refused, and why."""

from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.outgoing.guard import Guard, check_url
from heliograph.outgoing.url import BadUrl, Target, target

REFUSED_URLS = [
    # schemes and shapes
    ("ftp://example.com/", "bad_scheme"),
    ("file:///etc/passwd", "bad_scheme"),
    ("gopher://127.0.0.1:6379/_INFO", "bad_scheme"),
    ("javascript://example.com/", "bad_scheme"),
    ("https:/example.com", "bad_url"),
    ("//example.com/", "bad_url"),
    ("example.com/hook", "bad_url"),
    ("", "bad_character"),
    ("http://", "bad_host"),
    ("http:///hook", "bad_host"),
    ("http://:80/", "bad_host"),
    ("http://example.com:/", "bad_host"),
    ("http://example.com:0/", "bad_port"),
    ("http://example.com:65536/", "bad_port"),
    ("http://example.com:80:80/", "bad_host"),
    ("http://example.com:+80/", "bad_host"),
    ("http://exa%6dple.com/", "bad_host"),
    ("http://.example.com/", "bad_host"),
    ("http://example..com/", "bad_host"),
    ("http://example.com../", "bad_host"),
    (f"http://{'a' * 64}.com/", "bad_host"),
    (f"http://{'a.' * 127}com/", "bad_host"),
    (f"http://example.com/{'a' * 2048}", "too_long"),
    # what two parsers could read differently
    ("http://user@example.com/", "userinfo"),
    ("http://user:secret@example.com/", "userinfo"),
    ("http://example.com@127.0.0.1/", "userinfo"),
    ("http://127.0.0.1@example.com/", "userinfo"),
    ("http://example.com:80@127.0.0.1:80/", "userinfo"),
    ("http://a@b@127.0.0.1/", "userinfo"),
    ("http://127.0.0.1\\@example.com/", "bad_character"),
    ("http://example.com\\.evil.com/", "bad_character"),
    ("http://example.com /", "bad_character"),
    (" http://example.com/", "bad_character"),
    ("http://example.com/\r\nx-evil: 1", "bad_character"),
    ("http://example.com/\n", "bad_character"),
    ("http://example.com\t/", "bad_character"),
    ("http://example.com/\0", "bad_character"),
    ("http://exämple.com/", "bad_character"),
    ("http://１２７.0.0.1/", "bad_character"),
    ("http://127。0。0。1/", "bad_character"),
    ("http://ⓛocalhost/", "bad_character"),
    # IPv4 in other spellings
    ("http://2130706433/", "bad_host"),
    ("http://017700000001/", "bad_host"),
    ("http://0x7f000001/", "bad_host"),
    ("http://0x7f.0.0.1/", "bad_host"),
    ("http://0x7f.1/", "bad_host"),
    ("http://0X7F.0X0.0X0.0X1/", "bad_host"),
    ("http://0177.0.0.1/", "bad_host"),
    ("http://127.0.0.01/", "bad_host"),
    ("http://127.1/", "bad_host"),
    ("http://127.0.1/", "bad_host"),
    ("http://0/", "bad_host"),
    ("http://256.0.0.1/", "bad_host"),
    ("http://1.2.3.4.5/", "bad_host"),
    ("http://0x/", "bad_host"),
    ("http://example.0x7f/", "bad_host"),
    # names that are always loopback, also with a dot at the end
    ("http://localhost/", "blocked_address"),
    ("http://LOCALHOST:8080/", "blocked_address"),
    ("http://localhost./", "blocked_address"),
    ("http://api.localhost/", "blocked_address"),
    ("http://127.0.0.1./", "blocked_address"),
    # addresses, see below for more of them
    ("http://127.0.0.1:8080/", "blocked_address"),
    ("https://169.254.169.254/latest/meta-data/", "blocked_address"),
    ("http://[::1]/", "blocked_address"),
    ("http://[::ffff:127.0.0.1]/", "blocked_address"),
    ("http://[0:0:0:0:0:ffff:7f00:1]/", "blocked_address"),
    ("http://[::ffff:a9fe:a9fe]/", "blocked_address"),
    ("http://[fe80::1%25eth0]/", "bad_host"),
    ("http://[::1/", "bad_host"),
    ("http://::1/", "bad_host"),
    ("http://[::1]evil.com/", "bad_host"),
    ("http://[127.0.0.1]/", "blocked_address"),
    ("http://[v1.x]/", "bad_host"),
    ("http://[]/", "bad_host"),
]
ALLOWED_URLS = [
    "https://example.com",
    "HTTPS://EXAMPLE.COM/Hook",
    "http://example.com:8080/a/b?c=d&e=%20#fragment",
    "http://example.com?x=http://127.0.0.1/",
    "http://example.com/@127.0.0.1",
    "http://example.com/#@127.0.0.1/",
    "http://a_b.example.com./",
    "http://xn--exmple-cua.com/",
    "http://8.8.8.8/",
    "http://[2606:4700::1111]:8443/",
    "http://1e100.net/",
    "http://127.0.0.1.nip.io/",  # a name: judged when it is looked up
    "http://notlocalhost/",
]
REFUSED_ADDRESSES = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255"),
    *("127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1"),
    *("198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255"),
    *("240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::2", "::127.0.0.1", "::8.8.8.8", "::ffff:0:8.8.8.8", "100::1", "5f00::1", "4000::1"),
    *("fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fe80::1%2", "fec0::1", "ff02::1", "ff0e::1"),
    *("2001::1", "2001:0:53aa:64c::1", "2001:2::1", "2001:10::1", "2001:db8::1", "3fff::1"),
    # IPv4 inside IPv6
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0"),
    *("64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8"),
    *("2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::", "2002:c0a8:101::1", "2002:808:808::1"),
]
ALLOWED_ADDRESSES = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255"),
    *("198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15"),
    *("2606:4700::1111", "2a00:1450::1", "2001:200::1", "2001:4860::8888", "2003::1"),
    *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8"),
]


@pytest.mark.parametrize(("url", "code"), REFUSED_URLS)
def test_a_url_that_could_lead_inside_is_refused(url: str, code: str) -> None:
    bad = check_url(url)
    assert bad is not None
    assert bad.code == code
    assert bad.detail


@pytest.mark.parametrize("url", ALLOWED_URLS)
def test_an_ordinary_url_is_allowed(url: str) -> None:
    assert check_url(url) is None


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert Guard().refuses_address(ip_address(address))


@pytest.mark.parametrize("address", ALLOWED_ADDRESSES)
def test_a_public_address_is_allowed(address: str) -> None:
    assert Guard().refuses_address(ip_address(address)) is None


@given(st.ip_addresses(v=4))
def test_no_dress_of_an_ipv4_address_changes_the_judgement(address: IPv4Address) -> None:
    guard = Guard()
    value = int(address)
    judged = guard.refuses_address(address)
    for dressed in (0xFFFF << 32 | value, 0x64FF9B << 96 | value):
        assert guard.refuses_address(ip_address(dressed.to_bytes(16, "big"))) == judged


@given(st.ip_addresses())
def test_what_the_library_knows_as_not_public_is_refused(address: IPv4Address) -> None:
    if address.is_private or address.is_multicast or address.is_link_local or address.is_unspecified:
        assert Guard().refuses_address(address)


@pytest.mark.parametrize(
    ("network", "url", "allowed"),
    [
        ("127.0.0.0/8", "http://127.0.0.1:9090/hook", True),
        ("127.0.0.0/8", "http://localhost:9090/hook", True),
        ("::1/128", "http://localhost:9090/hook", True),
        ("127.0.0.0/8", "http://[::ffff:127.0.0.1]/", True),
        ("127.0.0.0/8", "http://[::1]/", False),
        ("127.0.0.0/8", "http://10.0.0.1/", False),
        ("10.1.0.0/16", "http://10.1.2.3/", True),
        ("10.1.0.0/16", "http://10.2.0.1/", False),
        ("10.1.0.0/16", "http://localhost/", False),
        ("fd00::/8", "http://[fd00::1]/", True),
        ("0.0.0.0/0", "http://user@10.0.0.1/", False),
    ],
)
def test_networks_can_be_excepted(network: str, url: str, allowed: bool) -> None:
    assert (check_url(url, [ip_network(network)]) is None) is allowed


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://example.com/", True),
        ("http://example.com:443/", True),
        ("http://example.com/", False),
        ("https://example.com:6379/", False),
    ],
)
def test_ports_can_be_limited(url: str, allowed: bool) -> None:
    bad = check_url(url, allow_ports={443, 8443})
    assert (bad is None) is allowed
    assert bad is None or bad.code == "port_not_allowed"


@pytest.mark.parametrize(
    ("url", "host", "port", "head"),
    [
        ("http://Example.COM", "example.com", 80, b"POST / HTTP/1.1\r\nhost: example.com\r\n"),
        ("https://example.com:443/A?b", "example.com", 443, b"POST /A?b HTTP/1.1\r\nhost: example.com\r\n"),
        ("http://example.com.:81?q#f", "example.com", 81, b"POST /?q HTTP/1.1\r\nhost: example.com:81\r\n"),
        ("http://[2606::1]:80/", "2606::1", 80, b"POST / HTTP/1.1\r\nhost: [2606::1]\r\n"),
    ],
)
def test_a_target_is_the_url_taken_apart(url: str, host: str, port: int, head: bytes) -> None:
    to = target(url)
    assert isinstance(to, Target)
    assert (to.host, to.port, to.post_head) == (host, port, head)


@given(st.text() | st.text(alphabet="htps:/@[].%0x1a?#\\\r\n ").map("http://".__add__))
def test_no_text_can_put_a_line_into_a_request(url: str) -> None:
    to = target(url)
    assert isinstance(to, BadUrl) or (to.post_head.count(b"\r"), to.post_head.count(b"\n")) == (2, 2)
