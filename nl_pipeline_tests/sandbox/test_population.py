"""The population: deterministic, and awkward in every way it promises."""

from __future__ import annotations

from collections import Counter

import pytest

from nl_pipeline.sandbox.population import TAG_OPTIONS, Person, persons


@pytest.fixture(scope="module")
def crowd() -> list[Person]:
    """Enough people for every rare kind."""
    return list(persons(5000, seed=1))


@pytest.fixture(scope="module")
def mains(crowd: list[Person]) -> list[str]:
    """Main addresses as they stand in the CRM."""
    return [person.emails[0] for person in crowd if person.emails]


def test_the_same_seed_gives_the_same_people(crowd: list[Person]) -> None:
    assert list(persons(5000, seed=1)) == crowd


def test_another_seed_gives_other_people(crowd: list[Person]) -> None:
    assert list(persons(5000, seed=2)) != crowd


def test_a_small_population_is_the_beginning_of_a_large_one(crowd: list[Person]) -> None:
    assert list(persons(100, seed=1)) == crowd[:100]


def test_more_than_half_want_the_newsletter(crowd: list[Person]) -> None:
    share = sum(person.newsletter == "1" for person in crowd) / len(crowd)

    assert share == pytest.approx(0.55, abs=0.03)


def test_every_newsletter_value_occurs(crowd: list[Person]) -> None:
    assert {person.newsletter for person in crowd} == {"0", "1", "2", "3", "4", "5", "", "9"}


@pytest.mark.parametrize("language", ["DEU", "ITA", "ESP", "FRA", "POL"])
def test_every_language_occurs(crowd: list[Person], language: str) -> None:
    assert sum(person.language == language for person in crowd) > 100


def test_some_people_share_a_main_address_exactly(mains: list[str]) -> None:
    assert max(Counter(mains).values()) >= 2


def test_some_people_share_a_main_address_in_other_case_only(mains: list[str]) -> None:
    assert len(set(mains)) > len({main.lower() for main in mains})


def test_some_have_no_address(crowd: list[Person]) -> None:
    assert any(person.emails == () for person in crowd)


def test_some_addresses_are_invalid(mains: list[str]) -> None:
    assert any("@" not in main for main in mains)


def test_some_addresses_carry_blanks(mains: list[str]) -> None:
    assert any(main != main.strip() and "@" in main for main in mains)


def test_some_have_a_secondary_address_that_is_the_main_one_of_another(
    crowd: list[Person], mains: list[str]
) -> None:
    assert any(set(person.emails[1:]) & set(mains) for person in crowd)


def test_some_domains_are_international(mains: list[str]) -> None:
    assert any(not main.rpartition("@")[2].isascii() for main in mains)


def test_few_local_parts_have_umlauts(mains: list[str]) -> None:
    odd = sum(not main.rpartition("@")[0].isascii() for main in mains)

    assert 0 < odd < len(mains) / 100


@pytest.mark.parametrize("start", ["=", "+", "@", "-"])
def test_some_names_look_like_formulas(crowd: list[Person], start: str) -> None:
    assert any(person.last_name.startswith(start) for person in crowd)


def test_some_names_are_longer_than_their_field(crowd: list[Person]) -> None:
    assert max(len(person.last_name) for person in crowd) > 80


def test_some_are_private_archived_or_revoked(crowd: list[Person]) -> None:
    assert any(person.private for person in crowd)
    assert any(person.archived for person in crowd)
    assert any(person.gdpr == "speicherungwiderrufen" for person in crowd)


def test_every_tag_is_used(crowd: list[Person]) -> None:
    assert {tag for person in crowd for tag in person.tags} == set(TAG_OPTIONS)


def test_no_address_could_receive_mail(crowd: list[Person]) -> None:
    domains = {email.strip().lower().rpartition("@")[2] for p in crowd for email in p.emails}

    real = {domain for domain in domains if "." in domain and not domain.endswith(".example")}
    assert real == set()
