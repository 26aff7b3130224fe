"""Value for money: effects times unit costs, less what the programme cost, by agency and with ranges.

Arrays and frozen values in, frozen values out; records, reports and disclosure are not known here.
"""

from evaluation.value.appraisal import Appraised, Money, appraise, by_agency
from evaluation.value.calculator import Calculator, calculate
from evaluation.value.case import Assumptions, Case, Line, lines_of
from evaluation.value.draws import JointEffects, independent
from evaluation.value.price_book import PriceBook, check_counted_once, read_price_book
from evaluation.value.tornado import Swing, swings

__all__ = [
    "Appraised",
    "Assumptions",
    "Calculator",
    "Case",
    "JointEffects",
    "Line",
    "Money",
    "PriceBook",
    "Swing",
    "appraise",
    "by_agency",
    "calculate",
    "check_counted_once",
    "independent",
    "lines_of",
    "read_price_book",
    "swings",
]
