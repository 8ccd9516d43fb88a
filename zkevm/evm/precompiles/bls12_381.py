"""The curve BLS12-381: additions, multi-scalar multiplications, pairing, maps (EIP-2537)."""

from collections.abc import Callable, Sequence

from zkevm.evm.precompiles import Precompile, deferred

FIELD_LENGTH = 64
SCALAR_LENGTH = 32
_G1_LENGTH = 2 * FIELD_LENGTH
_G2_LENGTH = 4 * FIELD_LENGTH


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


def _msm_price(length: int, single: int, discounts: Sequence[int]) -> Callable[[bytes], int]:
    """Return the price of a multi-scalar multiplication, cheaper by the pair the more."""

    def price(data: bytes) -> int:
        count = len(data) // (length + SCALAR_LENGTH)
        discount = discounts[min(count, len(discounts)) - 1] if count else 0
        return count * single * discount // 1000

    return price


def _body(function: str) -> Callable[[bytes], bytes]:
    return deferred("bls12_381_curve", function)


BLS12_G1ADD = Precompile("BLS12_G1ADD", lambda _: 375, _body("add_g1"))
BLS12_G1MSM = Precompile(
    "BLS12_G1MSM", _msm_price(_G1_LENGTH, 12_000, _G1_DISCOUNTS), _body("msm_g1")
)
BLS12_G2ADD = Precompile("BLS12_G2ADD", lambda _: 600, _body("add_g2"))
BLS12_G2MSM = Precompile(
    "BLS12_G2MSM", _msm_price(_G2_LENGTH, 22_500, _G2_DISCOUNTS), _body("msm_g2")
)
BLS12_PAIRING = Precompile(
    "BLS12_PAIRING_CHECK",
    lambda data: 37_700 + 32_600 * (len(data) // (_G1_LENGTH + _G2_LENGTH)),
    _body("check_pairing"),
)
BLS12_MAP_FP_TO_G1 = Precompile("BLS12_MAP_FP_TO_G1", lambda _: 5_500, _body("map_to_g1"))
BLS12_MAP_FP2_TO_G2 = Precompile("BLS12_MAP_FP2_TO_G2", lambda _: 23_800, _body("map_to_g2"))
