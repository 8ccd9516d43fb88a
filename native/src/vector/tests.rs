//! Every instruction set that runs here against the library, on edge values and at random.

use ark_bn254::{FqConfig, FrConfig};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, Fp, PrimeField, UniformRand, Zero};

use super::*;

/// What a vector may hold: reduced Montgomery forms, or with p added.
struct Check<C: MontConfig<4>> {
    forms: Vec<Element<C>>,
}

impl<C: MontConfig<4>> Kernel for &Check<C> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let (zero, one) = (Element::<C>::zero(), Element::<C>::from(1_u64));
        let x = Element::<C>::from(3_u64).pow([1000]);
        let mix = S::Vector::<C>::mixed;
        let over = Element::<C>::from(<S::Vector<C> as Vector<C>>::SCALE);
        let over = over.inverse().unwrap();
        let root = Element::<C>::from(<S::Vector<C> as Vector<C>>::ROOT);
        assert_eq!(root.square() * over, one);
        let mut sum = simd.sum::<C>();
        let (mut products, mut total) = (0, zero);
        for (i, _) in self.forms.iter().enumerate() {
            // Eight pairs at a time, every form with every other in the end.
            let a: [_; LANES] = std::array::from_fn(|k| self.forms[(i + k) % self.forms.len()]);
            for b in self.forms.chunks_exact(LANES) {
                let b: [_; LANES] = b.try_into().unwrap();
                let (u, v) = (simd.load(&a), simd.load(&b));
                let (w, line) = (simd.splat(x), simd.line_at(x));
                let plane = simd.bilinear_at([x, x + x]);
                let mut packed = Packed([[0; LANES]; 4]);
                u.pack(&mut packed);
                let results = [
                    u,
                    u + v,
                    u - v,
                    u * v,
                    u.times(w.factor()),
                    u.times_plus(v.factor(), v, w.factor()),
                    u.line(v, line),
                    (u + v) * (u - v) - (v - u) * (u + v),
                    simd.splat(zero) - u.negate_where(0b1010_0110),
                    (u - v).squared_less(w, simd.splat(one).minus(w)),
                    w.over_less(u.minus_by_root(v + v), w.negate_where(0b1010_0110)),
                    u.plus_product(v, v.factor()),
                    S::Vector::<C>::bilinear([u, v, v, u + v], plane),
                    simd.unpack(&packed) + v,
                ];
                if products + 4 > MOST_PRODUCTS {
                    assert_eq!(sum.total(), total);
                    (sum, products, total) = (simd.sum::<C>(), 0, zero);
                }
                sum.add(u, v.factor());
                sum.add(v + v, (u + u).factor());
                let (u_v, v_u) = (u.minus(v), v.minus(u));
                let (mixed, opposite) = (mix([u, v, v, u]), mix([v, u, u, v]));
                sum.add_over([&u_v, &v_u], [&mixed, &opposite]);
                products += 4;
                let mut stored = [[zero; LANES]; 14];
                for (result, stored) in results.into_iter().zip(&mut stored) {
                    result.store(stored);
                }
                assert_eq!(u.has_zero(), stored[0].contains(&zero));
                assert_eq!((u - v).has_zero(), stored[2].contains(&zero));
                for lane in 0..LANES {
                    let (a, b) = (reduced(a[lane]), reduced(b[lane]));
                    let is_negated = 0b1010_0110 >> lane & 1 == 1;
                    total += a * b + (a + a) * (b + b);
                    total -= (a - b).square() * Element::<C>::from(5_u64) * over;
                    let expected = [
                        a,
                        a + b,
                        a - b,
                        a * b,
                        a * x,
                        a * b + b * x,
                        a * (one - x) + b * x,
                        (a + b) * (a - b).double(),
                        if is_negated { a } else { -a },
                        (a - b).square() * over - x - one,
                        x * (a - b - b) * over * root - if is_negated { -x } else { x },
                        a + b * b,
                        a * (one - x) * (one - x - x)
                            + b * x * (one - x).double()
                            + b * x * (one - x - x)
                            + (a + b) * x * x.double(),
                        a + b,
                    ];
                    for (stored, expected) in stored.iter().zip(expected) {
                        assert_eq!(stored[lane].0, expected.0);
                    }
                }
            }
        }
        assert_eq!(sum.total(), total);
    }
}

/// The element of a form that may have p added.
fn reduced<C: MontConfig<4>>(form: Element<C>) -> Element<C> {
    let mut words = form.0;
    if words >= C::MODULUS {
        words.sub_with_borrow(&C::MODULUS);
    }
    Fp::new_unchecked(words)
}

/// Numbers with few or many carries at every limb of 52 and every word of 64 bits.
fn edges<C: MontConfig<4>>() -> Vec<Element<C>> {
    let two = Element::<C>::from(2_u64);
    let powers: Vec<_> = (0..=254_u64)
        .filter(|bits| bits % 52 == 0 || bits % 64 == 0 || *bits > 252)
        .map(|bits| two.pow([bits]))
        .collect();
    let mut numbers = vec![Fp::zero()];
    for power in &powers {
        numbers.extend((-2..3).map(|small| *power + Element::<C>::from(small)));
        numbers.extend(powers.iter().map(|other| *power - other));
    }
    numbers.extend(numbers.clone().iter().map(|number| -*number));
    numbers.extend((0..20).map(|_| Fp::rand(&mut rand::thread_rng())));
    // As Montgomery forms.
    let mut forms: Vec<Element<C>> = numbers
        .iter()
        .map(|number| Fp::new_unchecked(number.into_bigint()))
        .collect();
    forms.sort_unstable_by_key(|form| form.0);
    forms.dedup();
    forms.truncate(forms.len() / LANES * LANES);
    forms
}

fn check<C: MontConfig<4>>() {
    let mut check = Check {
        forms: edges::<C>(),
    };
    assert_eq!(check.forms[0].0, BigInt::zero());
    check.run(portable::Portable);
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = ifma::Ifma::detect() {
        ifma.run(&check);
        let above = check.forms.clone().into_iter().map(|form| {
            let mut words = form.0;
            words.add_with_carry(&C::MODULUS);
            Fp::new_unchecked(words)
        });
        check.forms.extend(above);
        ifma.run(&check);
    }
}

#[test]
fn arithmetic_modulo_the_order_of_the_group() {
    check::<FrConfig>();
}

#[test]
fn arithmetic_modulo_the_order_of_the_coordinates() {
    check::<FqConfig>();
}

#[test]
fn loads_and_stores_end_where_slices_do() {
    struct Copy<'a>(&'a [Element<FrConfig>], usize);
    impl Kernel for Copy<'_> {
        type Output = Vec<Element<FrConfig>>;
        fn run<S: Simd>(self, simd: S) -> Self::Output {
            let mut target = vec![Fp::zero(); self.0.len()];
            simd.load_at(self.0, self.1, Fp::from(7_u64))
                .store_at(&mut target, 0);
            target
        }
    }
    let elements: Vec<_> = (0..20_u64).map(Fp::from).collect();
    for (len, start) in [(0, 0), (3, 0), (8, 0), (20, 5), (20, 16), (20, 30)] {
        let copy = dispatch(Copy(&elements[..len], start));
        for (i, value) in copy.iter().enumerate() {
            let element = elements[..len].get(start + i).copied();
            let rest = if i < LANES {
                Fp::from(7_u64)
            } else {
                Fp::zero()
            };
            let expected = if i < LANES {
                element.unwrap_or(rest)
            } else {
                rest
            };
            assert_eq!(*value, expected);
        }
    }
}

/// Weights times integers, some read from cells.
struct IntegerSums<'a> {
    weights: &'a [Fr],
    cells: [Cells<'a>; 6],
}

impl Kernel for &IntegerSums<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        fn totals<S: Simd>(simd: S, sum: S::IntegerSum) -> [[Fr; LANES]; INTEGERS / LANES] {
            let scale = simd.splat(S::IntegerSum::scale()).factor();
            let mut stored = [[Fr::ZERO; LANES]; INTEGERS / LANES];
            for (total, stored) in sum.total().into_iter().zip(&mut stored) {
                total.times(scale).store(stored);
            }
            stored
        }
        let most = u32::MAX;
        for pair in self.weights.chunks_exact(2) {
            let weights = [0, 1].map(|i| IntegerWeight::new(pair[i]));
            for [a, b] in [[most, 0], [most, most], [0, 1], [7, most - 7]] {
                let mut sum = simd.integer_sum();
                let integers = [a, b].map(|value| simd.integer(value as i32));
                let terms = [(weights[0], integers[0]), (weights[1], integers[1])];
                let times = MOST_INTEGERS / terms.len();
                for _ in 0..times {
                    sum.add(&terms);
                }
                let expected = pair[0] * Fr::from(a) + pair[1] * Fr::from(b);
                let expected = expected * Fr::from(times as u64);
                assert_eq!(totals(simd, sum), [[expected; LANES]; INTEGERS / LANES]);
            }
        }
        for cells in &self.cells {
            for row in [0, 5, 20, 50] {
                let read = simd.integers(cells, row);
                let (three, one) = (simd.integer(3), simd.integer(1 << 28));
                let mut sum = simd.integer_sum();
                sum.add(&[(IntegerWeight::new(Fr::ONE), (one - read) * three + read)]);
                for (i, total) in totals(simd, sum).as_flattened().iter().enumerate() {
                    let cell = cells.get(row + i);
                    let expected = (Fr::from(1_u64 << 28) - cell) * Fr::from(3_u64) + cell;
                    assert_eq!(*total, expected);
                }
            }
        }
    }
}

#[test]
fn multiples_by_integers() {
    let cells: Vec<u32> = (0..30).map(|i| u32::MAX >> (6 + i % 20)).collect();
    let words = |cell: &u32| [u64::from(*cell), 0, 0, 0];
    let sums = IntegerSums {
        weights: &edges::<FrConfig>(),
        cells: [
            Cells::U8(&cells.iter().map(|cell| *cell as u8).collect::<Vec<_>>()),
            Cells::U16(&cells.iter().map(|cell| *cell as u16).collect::<Vec<_>>()),
            Cells::U32(&cells),
            Cells::U64(
                &cells
                    .iter()
                    .map(|cell| u64::from(*cell))
                    .collect::<Vec<_>>(),
            ),
            Cells::U128(&cells.iter().map(|c| [words(c)[0], 0]).collect::<Vec<_>>()),
            Cells::Field(&cells.iter().map(words).collect::<Vec<_>>()),
        ],
    };
    (&sums).run(portable::Portable);
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = ifma::Ifma::detect() {
        ifma.run(&sums);
    }
}
