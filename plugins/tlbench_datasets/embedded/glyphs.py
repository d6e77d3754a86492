"""Printed letters of nine scripts, drawn on demand: the embedded upstream task and meta-training source."""

import unicodedata
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tlbench import Labelled
from tlbench_datasets.embedded.drawing import Hand, distance_fields, draw
from tlbench_datasets.embedded.drawn import Drawn

# One letter for each shape. Every drawing fills its image, so letters that differ only in size (c and C) or in
# script (Latin A, Greek Alpha) are one class. None that could be read as a digit is here (O, I, S, Z, ze): the
# digits must be new to a backbone trained on these.
_ALPHABETS = (
    "ABCDEFGHJKLMNPQRTUVWXY" + "abdefghkmnpqrty" + "ÆÐÞßæðþŒœ",
    "ɐɑɒɔɕɖɗɘəɚɛɝɞɟɠɣɤɥɧɨɩɫɬɭɮɯɰɱɲɳɷɸɹɺɻɼɽɾɿʁʂʃʅʆʇʈʉʊʌʍʎʐʑʓʔʕʖʗʚʛʝʞʟʠʢʣʤʦʧʨ",
    "ΓΔΞΣΦΨΩαβγζκλμνξπςτυφχψω",
    "БДЖИЙЛЦЧШЩЪЫЮЯдипфцъыЂЄЉЊЋђћ",
    "ԱԲԳԴԵԶԷԸԹԺԻԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՎՐՒՔՖբգդեէթժիլխծկձճմնչջռվտրփքֆ",
    "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძჭჯჰ",
    "אבגדהזטיךכלםמנעףפץצקרשת",
    "ءؤئبةتثجخدذرزسشصضطعفقكلمنوى",
    "ກຂຄງຈຊຍດຕຖທນບປຜຝພມຢຣລວສຫອຮ",
)
_LETTERS = tuple("".join(_ALPHABETS))
_SIDE = 32  # pixels
_FACES = 6  # a letter, at most; more of them cost more to draw than they add
_PER_CLASS = {"train": 40, "test": 6}
_SEEDS = {"train": 11, "test": 12}


@dataclass(frozen=True)
class Glyphs(Drawn):
    """Letters of many scripts in the faces that matplotlib ships; none looks like a digit."""

    name: ClassVar[str] = "glyphs"
    version: ClassVar[str] = "1"
    license: ClassVar[str] = "Bitstream Vera (DejaVu), STIX Fonts User License, Knuth (Computer Modern)"
    citation: ClassVar[str] = "Drawn from the fonts in Hunter, Matplotlib, Computing in Science & Engineering, 2007"
    classes = tuple(unicodedata.name(letter).replace(" LETTER", "").replace(" ", "-").lower() for letter in _LETTERS)
    class_order: ClassVar[Literal["sorted", "fixed"]] = "fixed"  # by script, then by letter
    domains = ("printed",)

    def draw(self, domain: str, split: str) -> Labelled:
        """Return letters, uint8, (N, 32, 32), white on black, class by class, and labels, int64, (N,)."""
        count = _PER_CLASS[split]
        drawings = []
        for letter in _LETTERS:
            generator = np.random.default_rng([_SEEDS[split], ord(letter)])
            drawings.append(draw(distance_fields(letter, most=_FACES), count, _SIDE, Hand(), generator))
        return Labelled(np.concatenate(drawings), np.repeat(np.arange(len(_LETTERS)), count).astype(np.int64))
