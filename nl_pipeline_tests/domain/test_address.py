"""The key of a person: one normal form, nothing folded that a provider tells apart."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.domain.address import address_key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        pytest.param("Ada@Kunde.Example", "ada@kunde.example", id="lower case"),
        pytest.param("  ada@kunde.example\n", "ada@kunde.example", id="trimmed"),
        pytest.param("ada@Bücher.example", "ada@xn--bcher-kva.example", id="IDN domain in ASCII"),
        pytest.param("ada@STRASSE.example", "ada@strasse.example", id="ASCII domain as it is"),
        pytest.param("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example", id="IDN already"),
        pytest.param(
            "ada@b\N{LATIN SMALL LETTER U}\N{COMBINING DIAERESIS}cher.example",
            "ada@xn--bcher-kva.example",
            id="IDN domain from a decomposed form",
        ),
        pytest.param(
            "zo\N{LATIN SMALL LETTER E}\N{COMBINING DIAERESIS}@kunde.example",
            "zo\N{LATIN SMALL LETTER E WITH DIAERESIS}@kunde.example",
            id="local part in NFC",
        ),
        pytest.param("a.d.a+news@kunde.example", "a.d.a+news@kunde.example", id="dots, plus kept"),
        pytest.param("o'neil@kunde.example", "o'neil@kunde.example", id="apostrophe"),
    ],
)
def test_an_address_has_one_normal_form(written: str, key: str) -> None:
    assert address_key(written) == key


@pytest.mark.parametrize(
    "written",
    [None, "", "   ", "nobody", "a@b", "a@@b.example", "a b@c.example", "a@-b.example",
     "a@b..example", ".@b.example..", "a@b_c.example", "x" * 65 + "@b.example",
     "ü@b", "ü.@b.example", "a,b@c.example", "<a@b.example>", f"a@{'b' * 250}.example"],
    ids=repr,
)  # fmt: skip
def test_what_cannot_be_an_address_has_no_key(written: str | None) -> None:
    assert address_key(written) is None


@pytest.mark.parametrize("other", ["ada.l@kunde.example", "adal+x@kunde.example"])
def test_dots_and_plus_parts_tell_people_apart(other: str) -> None:
    assert address_key(other) != address_key("adal@kunde.example")


@given(st.text(max_size=30), st.text(max_size=30))
def test_the_key_of_a_key_is_the_key_itself(local: str, domain: str) -> None:
    key = address_key(f"{local}@{domain}.example")

    assert key is None or address_key(key) == key


@given(st.text(max_size=30))
def test_the_unicode_form_of_a_local_part_makes_no_difference(local: str) -> None:
    decomposed = unicodedata.normalize("NFD", local)
    composed = unicodedata.normalize("NFC", local)

    # One in ASCII and one not are read by two paths; both must agree.
    assert address_key(f"{decomposed}@kunde.example") == address_key(f"{composed}@kunde.example")
