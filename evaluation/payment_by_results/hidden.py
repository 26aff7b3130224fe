"""How low the share without the programme could be, given how strong something that no record holds might be."""

from __future__ import annotations

# how many times as common, and as much for meeting the rule: told side by side, since nobody knows which; in words, as they are no result
STRENGTHS = {"a quarter": 1.25, "a half": 1.5}


def lowest_share(share: float, strength: float) -> float:
    """The least that the comparison share could be were something hidden known.

    Parameters
    ----------
    share : float
        The comparison share as it is.
    strength : float
        How many times as common it is among comparison families as among the programme families they are matched to, and how many times as likely it
        makes meeting the rule; at least 1.

    Notes
    -----
    A bound for anything of that strength, whatever its kind and however common: the joint bounding factor r * r / (2 r - 1).

    References
    ----------
    Ding and VanderWeele (2016), Epidemiology 27(3), result 1, DOI 10.1097/EDE.0000000000000457.

    Examples
    --------
    >>> lowest_share(0.45, 1.5)
    0.4
    """
    return share * (2 * strength - 1) / strength**2
