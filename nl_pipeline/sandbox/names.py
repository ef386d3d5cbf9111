"""Names by language, from which the population is made up.

Belongs here: common first and last names, nothing else. No combination stands for a real person.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """A language and its names."""

    key: str
    """Key as in onOffice's field ``SpracheKontakt``."""
    female: tuple[str, ...]
    male: tuple[str, ...]
    last: tuple[str, ...]


def _language(key: str, *, female: str, male: str, last: str) -> Language:
    return Language(key, tuple(female.split()), tuple(male.split()), tuple(last.split("|")))


LANGUAGES: tuple[Language, ...] = (
    _language(
        "DEU",
        female="Anna Bärbel Britta Carola Dörte Elke Friederike Gisela Hannelore Ilse Jutta "
        "Käthe Lieselotte Marie-Luise Nadja Petra Renate Sabine Ute Waltraud",
        male="Achim Björn Christoph Dieter Eberhard Friedrich Götz Hans-Jürgen Ingo Jörg Klaus "
        "Lothar Matthias Norbert Ömer Peter Rüdiger Stefan Uwe Wolfgang",
        last="Bäcker|Böhm|Brückner|Dörfler|Engelhardt|Fröhlich|Großmann|Günther|Hübner|Jäger|"
        "Kästner|Krüger|Löwe|Müller-Lüdenscheid|Nürnberger|Österreicher|Preuß|Rößler|Schäfer|"
        "Süß|Thielemann|Übel|von der Heide|Weiß|Zöllner",
    ),
    _language(
        "ITA",
        female="Alessia Beatrice Chiara Donatella Elisa Francesca Giulia Ilaria Lucia Noemi",
        male="Alessandro Bruno Carlo Davide Emanuele Fabrizio Giacomo Lorenzo Niccolò Pietro",
        last="Bianchi|Caputo|D'Angelo|De Luca|Esposito|Ferrari|Gallo|Lombardi|Nicolò|Rizzo",
    ),
    _language(
        "ESP",
        female="Ángela Begoña Carmen Dolores Elena Inés Lucía Mónica Pilar Soledad",
        male="Álvaro Benjamín Ceferino Diego Emilio Íñigo Joaquín Martín Raúl Sebastián",
        last="Álvarez|Castaño|de la Fuente|Gómez|Ibáñez|López y Núñez|Muñoz|Ordóñez|Peña|Vázquez",
    ),
    _language(
        "FRA",
        female="Adèle Béatrice Chloé Danièle Élodie Françoise Geneviève Hélène Maëlle Zoé",
        male="André Benoît Cédric Didier Étienne François Gaël Jérôme Loïc Rémi",
        last="Aubé|Bélanger|Château|d'Aubigné|Delacroix|Fournier|Géraud|Lefèvre|L'Hôpital|Rémond",
    ),
    _language(
        "POL",
        female="Agnieszka Bożena Celina Danuta Elżbieta Grażyna Hanna Jadwiga Małgorzata Żaneta",
        male="Andrzej Bogusław Czesław Dariusz Grzegorz Jarosław Krzysztof Łukasz Paweł Wojciech",
        last="Błaszczyk|Dąbrowski|Gałązka|Jabłoński|Kędzierski|Łączny|Mączka|Pawłowski|Śliwa|Żak",
    ),
)
