"""The curve BLS12-381: additions, multi-scalar multiplications, pairing, maps (EIP-2537)."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from py_ecc import optimized_bls12_381 as bls
from py_ecc.bls.hash_to_curve import (
    clear_cofactor_G1,
    clear_cofactor_G2,
    map_to_curve_G1,
    map_to_curve_G2,
)

from zkevm.evm.precompiles import Precompile, PrecompileFailure

Element: TypeAlias = bls.FQ | bls.FQ2
Point: TypeAlias = tuple[Element, Element, Element]
"""Projective."""

_FIELD_LENGTH = 64
_SCALAR_LENGTH = 32


def _thousandths(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split())


# In thousandths, by the number of pairs; the last entry for all greater numbers.
_G1_DISCOUNTS = _thousandths("""
    1000 949 848 797 764 750 738 728 719 712 705 698 692 687 682 677 673 669 665 661 658 654 651
    648 645 642 640 637 635 632 630 627 625 623 621 619 617 615 613 611 609 608 606 604 603 601
    599 598 596 595 593 592 591 589 588 586 585 584 582 581 580 579 577 576 575 574 573 572 570
    569 568 567 566 565 564 563 562 561 560 559 558 557 556 555 554 553 552 551 550 549 548 547
    547 546 545 544 543 542 541 540 540 539 538 537 536 536 535 534 533 532 532 531 530 529 528
    528 527 526 525 525 524 523 522 522 521 520 520 519
""")
_G2_DISCOUNTS = _thousandths("""
    1000 1000 923 884 855 832 812 796 782 770 759 749 740 732 724 717 711 704 699 693 688 683
    679 674 670 666 663 659 655 652 649 646 643 640 637 634 632 629 627 624 622 620 618 615 613
    611 609 607 606 604 602 600 598 597 595 593 592 590 589 587 586 584 583 582 580 579 578 576
    575 574 573 571 570 569 568 567 566 565 563 562 561 560 559 558 557 556 555 554 553 552 552
    551 550 549 548 547 546 545 545 544 543 542 541 541 540 539 538 537 537 536 535 535 534 533
    532 532 531 530 530 529 528 528 527 526 526 525 524 524
""")


class _Group:
    """One of the two groups: G1 over the field, G2 over its quadratic extension."""

    def __init__(self, degree: int, curve_b: Element) -> None:
        self.degree = degree
        self.b = curve_b
        self.length = 2 * degree * _FIELD_LENGTH

    def element(self, data: bytes) -> Element:
        """Decode a coordinate."""
        numbers = [
            int.from_bytes(data[start : start + _FIELD_LENGTH], "big")
            for start in range(0, len(data), _FIELD_LENGTH)
        ]
        if any(number >= bls.field_modulus for number in numbers):
            raise PrecompileFailure
        return bls.FQ(numbers[0]) if self.degree == 1 else bls.FQ2(numbers)

    def point(self, data: bytes, *, in_subgroup: bool) -> Point:
        """Decode a point, checking that it is on the curve and, if asked, in the subgroup."""
        half = len(data) // 2
        x, y = self.element(data[:half]), self.element(data[half:])
        one = type(x).one()
        if x == type(x).zero() and y == type(x).zero():
            return one, one, type(x).zero()
        point = (x, y, one)
        if not bls.is_on_curve(point, self.b):
            raise PrecompileFailure
        if in_subgroup and not bls.is_inf(bls.multiply(point, bls.curve_order)):
            raise PrecompileFailure
        return point

    def encode(self, point: Point) -> bytes:
        """Encode a point; infinity is zero."""
        if bls.is_inf(point):
            return bytes(self.length)
        coordinates = bls.normalize(point)
        numbers = [
            number
            for coordinate in coordinates
            for number in ([coordinate.n] if self.degree == 1 else coordinate.coeffs)
        ]
        return b"".join(int(number).to_bytes(_FIELD_LENGTH, "big") for number in numbers)

    def add(self, data: bytes) -> bytes:
        """Add two points of the curve, of the subgroup or not."""
        _require(len(data) == 2 * self.length)
        lhs, rhs = (
            self.point(half, in_subgroup=False)
            for half in (data[: self.length], data[self.length :])
        )
        return self.encode(bls.add(lhs, rhs))

    def msm(self, data: bytes) -> bytes:
        """Add up multiples of points of the subgroup."""
        pairs = _split(data, self.length + _SCALAR_LENGTH)
        total = (type(self.b).one(), type(self.b).one(), type(self.b).zero())
        for pair in pairs:
            point = self.point(pair[: self.length], in_subgroup=True)
            scalar = int.from_bytes(pair[self.length :], "big")
            total = bls.add(total, bls.multiply(point, scalar % bls.curve_order))
        return self.encode(total)

    def msm_price(self, single: int, discounts: Sequence[int]) -> Callable[[bytes], int]:
        """Return the price of a multi-scalar multiplication, cheaper by the pair the more."""

        def price(data: bytes) -> int:
            count = len(data) // (self.length + _SCALAR_LENGTH)
            discount = discounts[min(count, len(discounts)) - 1] if count else 0
            return count * single * discount // 1000

        return price


def _require(condition: bool) -> None:
    if not condition:
        raise PrecompileFailure


def _split(data: bytes, length: int) -> list[bytes]:
    """Return the parts of that length, of which there must be at least one."""
    _require(bool(data) and len(data) % length == 0)
    return [data[start : start + length] for start in range(0, len(data), length)]


_G1 = _Group(1, bls.b)
_G2 = _Group(2, bls.b2)


def _pairing_check(data: bytes) -> bytes:
    product = bls.FQ12.one()
    for pair in _split(data, _G1.length + _G2.length):
        p = _G1.point(pair[: _G1.length], in_subgroup=True)
        q = _G2.point(pair[_G1.length :], in_subgroup=True)
        product *= bls.pairing(q, p, final_exponentiate=False)
    return int(bls.final_exponentiate(product) == bls.FQ12.one()).to_bytes(32, "big")


def _map_g1(data: bytes) -> bytes:
    _require(len(data) == _FIELD_LENGTH)
    return _G1.encode(clear_cofactor_G1(map_to_curve_G1(_G1.element(data))))


def _map_g2(data: bytes) -> bytes:
    _require(len(data) == 2 * _FIELD_LENGTH)
    return _G2.encode(clear_cofactor_G2(map_to_curve_G2(_G2.element(data))))


BLS12_G1ADD = Precompile("BLS12_G1ADD", lambda _: 375, _G1.add)
BLS12_G1MSM = Precompile("BLS12_G1MSM", _G1.msm_price(12_000, _G1_DISCOUNTS), _G1.msm)
BLS12_G2ADD = Precompile("BLS12_G2ADD", lambda _: 600, _G2.add)
BLS12_G2MSM = Precompile("BLS12_G2MSM", _G2.msm_price(22_500, _G2_DISCOUNTS), _G2.msm)
BLS12_PAIRING = Precompile(
    "BLS12_PAIRING_CHECK",
    lambda data: 37_700 + 32_600 * (len(data) // (_G1.length + _G2.length)),
    _pairing_check,
)
BLS12_MAP_FP_TO_G1 = Precompile("BLS12_MAP_FP_TO_G1", lambda _: 5_500, _map_g1)
BLS12_MAP_FP2_TO_G2 = Precompile("BLS12_MAP_FP2_TO_G2", lambda _: 23_800, _map_g2)
