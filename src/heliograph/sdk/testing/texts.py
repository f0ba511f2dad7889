"""What the fake says of texts and numbers: as the gateway does, without its tables.

Parts are counted as the gateway counts them without national alphabets. Numbers must be in international form; their
country is that of the calling code, so all of +1 is the US.
"""

import re
from typing import Final

from heliograph.sdk.testing.problems import Wrong

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
_ALPHABETS: Final = {"gsm7": (160, 153), "ucs2": (70, 67)}  # units of a text alone, and of each part of several
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_COUNTRIES: Final = """
1US 7RU 20EG 27ZA 30GR 31NL 32BE 33FR 34ES 36HU 39IT 40RO 41CH 43AT 44GB 45DK 46SE 47NO 48PL 49DE 51PE 52MX 53CU 54AR
55BR 56CL 57CO 58VE 60MY 61AU 62ID 63PH 64NZ 65SG 66TH 81JP 82KR 84VN 86CN 90TR 91IN 92PK 93AF 94LK 95MM 98IR 211SS
212MA 213DZ 216TN 218LY 220GM 221SN 222MR 223ML 224GN 225CI 226BF 227NE 228TG 229BJ 230MU 231LR 232SL 233GH 234NG 235TD
236CF 237CM 238CV 239ST 240GQ 241GA 242CG 243CD 244AO 245GW 248SC 249SD 250RW 251ET 252SO 253DJ 254KE 255TZ 256UG 257BI
258MZ 260ZM 261MG 262RE 263ZW 264NA 265MW 266LS 267BW 268SZ 269KM 290SH 291ER 297AW 298FO 299GL 350GI 351PT 352LU 353IE
354IS 355AL 356MT 357CY 358FI 359BG 370LT 371LV 372EE 373MD 374AM 375BY 376AD 377MC 378SM 380UA 381RS 382ME 383XK 385HR
386SI 387BA 389MK 420CZ 421SK 423LI 500FK 501BZ 502GT 503SV 504HN 505NI 506CR 507PA 508PM 509HT 590GP 591BO 592GY 593EC
594GF 595PY 596MQ 597SR 598UY 599CW 670TL 672NF 673BN 674NR 675PG 676TO 677SB 678VU 679FJ 680PW 681WF 682CK 683NU 685WS
686KI 687NC 688TV 689PF 690TK 691FM 692MH 850KP 852HK 853MO 855KH 856LA 880BD 886TW 960MV 961LB 962JO 963SY 964IQ 965KW
966SA 967YE 968OM 970PS 971AE 972IL 973BH 974QA 975BT 976MN 977NP 992TJ 993TM 994AZ 995GE 996KG 998UZ
"""
_BY_CODE: Final = {f"+{word[:-2]}": word[-2:] for word in _COUNTRIES.split()}


def size(text: str) -> tuple[str, int]:
    """Its encoding, and how many parts it takes."""
    if _BASIC.issuperset(text) or (_BASIC | _EXTENDED).issuperset(text):
        costs, encoding = [2 if character in _EXTENDED else 1 for character in text], "gsm7"
    else:
        costs, encoding = [2 if ord(character) > 0xFFFF else 1 for character in text], "ucs2"
    alone, each = _ALPHABETS[encoding]
    if sum(costs) <= alone:
        return encoding, 1
    parts, used = 1, 0
    for cost in costs:  # an escaped character, like a surrogate pair, stays whole
        if used + cost > each:
            parts, used = parts + 1, 0
        used += cost
    return encoding, parts


def number(text: str, pointer: str) -> str:
    """The number that a text writes. Raises `Wrong`."""
    written = re.sub(r"[\s().-]", "", text)
    if not written:
        raise Wrong("empty", "The number is empty; give it in international form, as in +447400123456", pointer)
    if found := re.search(r"[A-Za-z]+", written):
        detail = f"{text[:40]!r} has letters in it ({found.group()!r}); write the number in digits"
        raise Wrong("letters", detail, pointer)
    if not written.startswith("+"):
        raise Wrong("not_international", f"{text[:40]!r} is not in international form", pointer)
    if not _E164.fullmatch(written):
        code = "too_long" if len(written) > 16 else "too_short"
        raise Wrong(code, f"{text[:40]!r} is {code.replace('_', ' ')}; a number has 7 to 15 digits", pointer)
    return written


def country(e164: str) -> str:
    """Whose calling code it has."""
    return next((_BY_CODE[e164[:end]] for end in (4, 3, 2) if e164[:end] in _BY_CODE), "ZZ")
