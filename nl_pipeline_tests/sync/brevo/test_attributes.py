"""Which attribute of a Brevo account holds which field: names in five languages, and what is said
where they do not tell.

Brevo drops values of attributes it does not have without a word, so a guess would lose names.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nl_pipeline.clients.brevo import Attribute
from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sync.providers.brevo.attributes import discover, name_to_create

SALUTATION = ProfileField("salutation", "Anrede", "")
FIRST = ProfileField("first_name", "Vorname", "")
LAST = ProfileField("last_name", "Name", "")
FIELDS = (SALUTATION, FIRST, LAST)

LANGUAGES = {
    "German": ("VORNAME", "NACHNAME"),
    "English": ("FIRSTNAME", "LASTNAME"),
    "English of the samples": ("FNAME", "LNAME"),
    "English of old": ("NAME", "SURNAME"),
    "French": ("PRENOM", "NOM"),
    "Italian": ("NOME", "COGNOME"),
    "Spanish": ("NOMBRE", "APELLIDOS"),
    "names of the CRM": ("VORNAME", "NAME"),
}
OTHERS = (
    Attribute("BLACKLIST", "global", "float"),
    Attribute("SMS", "normal", "text"),
    Attribute("DOUBLE_OPT-IN", "category"),
)


def texts(*names: str) -> tuple[Attribute, ...]:
    return (*OTHERS, *(Attribute(name, "normal", "text") for name in names))


def refusal(fields: Sequence[ProfileField], present: Sequence[Attribute]) -> OperatorNeeded:
    with pytest.raises(OperatorNeeded) as refused:
        discover(fields, present=present)
    return refused.value


@pytest.mark.parametrize("names", LANGUAGES.values(), ids=LANGUAGES)
def test_names_are_found_in_every_language(names: tuple[str, str]) -> None:
    found = discover(FIELDS, present=texts(*names, "ANREDE"))

    assert found.names == dict(
        zip(("first_name", "last_name", "salutation"), (*names, "ANREDE"), strict=True)
    )


@pytest.mark.parametrize("name", ["ANREDE", "SALUTATION", "CIVILITE", "TITOLO", "TRATAMIENTO"])
def test_a_salutation_is_found_in_every_language(name: str) -> None:
    assert discover([SALUTATION], present=texts(name)).names == {"salutation": name}


def test_a_field_that_is_mapped_by_hand_is_found_by_its_name_alone() -> None:
    by_hand = ProfileField("first_name", "Vorname", "RUFNAME")

    found = discover([by_hand, LAST], present=texts("VORNAME", "RUFNAME", "NACHNAME"))

    assert found.names == {"first_name": "RUFNAME", "last_name": "NACHNAME"}


def test_an_attribute_that_is_mapped_by_hand_is_nobody_elses() -> None:
    greeting = ProfileField("greeting", "Anredetext", "FIRSTNAME")

    found = discover([greeting, FIRST], present=texts("FIRSTNAME", "VORNAME"))

    assert found.names == {"greeting": "FIRSTNAME", "first_name": "VORNAME"}


def test_two_attributes_for_one_field_stop_and_say_what_to_map_by_hand() -> None:
    error = refusal([FIRST], texts("VORNAME", "FIRSTNAME"))

    assert error.code == "attribute_ambiguous"
    assert "FIRSTNAME, VORNAME" in error.what
    assert "first_name" in error.what_next
    assert "provider: " in error.what_next


def test_an_attribute_that_holds_no_text_stops_and_says_what_to_map_by_hand() -> None:
    error = refusal([SALUTATION], [Attribute("CIVILITE", "category")])

    assert error.code == "attribute_type"
    assert "CIVILITE" in error.what
    assert "salutation" in error.what_next


def test_an_attribute_of_the_wrong_type_that_was_mapped_by_hand_stops_too() -> None:
    error = refusal(
        [ProfileField("rooms", "Zimmer", "ROOMS")], [Attribute("ROOMS", "normal", "float")]
    )

    assert (error.code, "ROOMS" in error.what) == ("attribute_type", True)


def test_an_attribute_of_the_right_type_is_taken_beside_one_of_the_wrong_type() -> None:
    present = (*texts("ANREDE"), Attribute("CIVILITE", "category"))

    assert discover([SALUTATION], present=present).names == {"salutation": "ANREDE"}


def test_a_field_without_an_attribute_is_missing() -> None:
    assert discover(FIELDS, present=texts("VORNAME", "NACHNAME")).missing == (SALUTATION,)


@pytest.mark.parametrize(
    ("there", "made"),
    [("NACHNAME", "VORNAME"), ("LASTNAME", "FIRSTNAME"), ("NOM", "PRENOM"), ("COGNOME", "NOME")],
)
def test_a_name_that_is_missing_is_made_in_the_language_of_the_other(there: str, made: str) -> None:
    assert name_to_create(FIRST, present=texts(there)) == made


def test_a_field_that_was_mapped_by_hand_is_made_under_that_name() -> None:
    by_hand = ProfileField("first_name", "Vorname", "RUFNAME")

    assert name_to_create(by_hand, present=texts("NACHNAME")) == "RUFNAME"
