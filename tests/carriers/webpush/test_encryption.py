"""Notifications are encrypted as the standard's own example is, and the token that names us is signed by our key."""

import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from heliograph.carriers.webpush.encryption import LARGEST, encrypted
from heliograph.carriers.webpush.vapid import authorization, octets_of, private_key, public_key, unpadded

# RFC 8291, section 5 and appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
OURS = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
OUR_POINT = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
BROWSER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3"
    "jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard_comes_out_as_it_is_printed() -> None:
    key = private_key(OURS)
    assert public_key(key) == OUR_POINT
    body = encrypted(PLAIN, octets_of(BROWSER), octets_of(SECRET), key, octets_of(SALT))
    assert unpadded(body) == BODY


def test_the_largest_notification_fits_into_what_services_take() -> None:
    body = encrypted(b"x" * LARGEST, octets_of(BROWSER), octets_of(SECRET), private_key(OURS), bytes(16))
    assert len(body) == 4_096


def test_a_browsers_key_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r".*"):
        encrypted(PLAIN, b"\x04" + bytes(64), octets_of(SECRET), private_key(OURS), bytes(16))


def test_the_token_is_for_one_service_and_our_key_signs_it() -> None:
    key = private_key(OURS)
    value = authorization(key, "https://push.example.net:8443/p/1?x", "mailto:ops@acme.example", 1_800_000_000)
    scheme, token, named = value.split(" ")
    assert (scheme, named) == ("vapid", f"k={OUR_POINT}")
    signed, _, signature = token.removeprefix("t=").removesuffix(",").rpartition(".")
    header, claims = (json.loads(octets_of(part)) for part in signed.split("."))
    assert header == {"typ": "JWT", "alg": "ES256"}
    assert claims == {
        "aud": "https://push.example.net:8443",
        "exp": 1_800_000_000 + 43_200,
        "sub": "mailto:ops@acme.example",
    }
    octets = octets_of(signature)
    dss = encode_dss_signature(int.from_bytes(octets[:32]), int.from_bytes(octets[32:]))
    key.public_key().verify(dss, signed.encode(), ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("written", ["", "abc", "-----BEGIN NOTHING-----", OUR_POINT])
def test_what_is_no_key_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        private_key(written)
