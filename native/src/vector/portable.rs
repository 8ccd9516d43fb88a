//! Vectors of the library's elements.
//!
//! What closures do may be compiled apart, without the instructions: products are in plain loops.

use std::array::from_fn;
use std::ops::{Add, Mul, Sub};

use ark_bn254::{Fr, FrConfig};
use ark_ff::{BigInt, Fp, MontConfig, Zero};

use super::{
    INTEGERS, IntegerWeight, Kernel, LANES, LaneSums, Multiples, OFFSET_ELEMENT, PRODUCT_OFFSET,
    Packed, Products, Ring, Simd, Vector,
};
use crate::arithmetic::{
    Dot, Element, Product, add, add_multiple, mul, residue, residue_over_word, sub, sum_of_two,
};
use crate::column::{Cell, Cells};
use crate::field::{Factor, Wide};
use crate::with_cells;

#[derive(Clone, Copy)]
pub struct Portable;

impl Portable {
    /// Run a loop, with products that leave the flags alone where the processor has them.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("bmi2") {
            #[target_feature(enable = "bmi2")]
            fn with_instructions<K: Kernel>(portable: Portable, kernel: K) -> K::Output {
                kernel.run(portable)
            }
            // SAFETY: the processor has these instructions.
            return unsafe { with_instructions(self, kernel) };
        }
        kernel.run(self)
    }
}

/// A factor times the powers of 2^64.
type Weight = [Factor; 4];

/// Reduced elements.
pub struct Elements<C: MontConfig<4>>([Element<C>; LANES]);

impl<C: MontConfig<4>> Copy for Elements<C> {}

impl<C: MontConfig<4>> Clone for Elements<C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl Simd for Portable {
    type Vector<C: MontConfig<4>> = Elements<C>;
    type Weight = Weight;
    type Weights = [Weight; LANES];
    type LaneSums = [Dot; LANES];
    type Multiples = [Wide; LANES];
    type Integers = Integers;
    type IntegerSum = IntegerSum;
    type IntegerProducts = IntegerProducts;

    #[inline(always)]
    fn load<C: MontConfig<4>>(self, elements: &[Element<C>; LANES]) -> Elements<C> {
        Elements(*elements)
    }

    #[inline(always)]
    fn gather<C: MontConfig<4>>(self, elements: [&Element<C>; LANES]) -> Elements<C> {
        Elements(elements.map(|element| *element))
    }

    #[inline(always)]
    fn splat<C: MontConfig<4>>(self, element: Element<C>) -> Elements<C> {
        Elements([element; LANES])
    }

    #[inline(always)]
    fn unpack<C: MontConfig<4>>(self, packed: &Packed) -> Elements<C> {
        let (words, _) = packed.0.as_flattened().as_chunks::<4>();
        Elements(from_fn(|i| Fp::new_unchecked(BigInt(words[i]))))
    }

    #[inline(always)]
    fn signs(self, words: &[[u32; 3]; LANES]) -> [u8; 2] {
        let mut signs = [0; 2];
        for (k, words) in words.iter().enumerate() {
            for (signs, word) in signs.iter_mut().zip(words) {
                *signs |= ((word >> 31) as u8) << k;
            }
        }
        signs
    }

    #[inline(always)]
    fn weight(self, x: Fr) -> Weight {
        let base = Fr::from(1_u128 << 64);
        let mut powers = [Factor::new(x); 4];
        let mut power = x;
        for factor in &mut powers[1..] {
            power *= base;
            *factor = Factor::new(power);
        }
        powers
    }

    #[inline(always)]
    fn weights(self, elements: Elements<FrConfig>) -> [Weight; LANES] {
        elements.0.map(|element| self.weight(element))
    }

    #[inline(always)]
    fn multiples(self) -> [Wide; LANES] {
        [Wide::default(); LANES]
    }

    #[inline(always)]
    fn integer(self, value: i32) -> Integers {
        Integers([value; INTEGERS])
    }

    #[inline(always)]
    fn integers(self, cells: &Cells, row: usize) -> Integers {
        #[inline(always)]
        fn read<C: Cell>(cells: &[C]) -> Integers {
            let mut integers = [0; INTEGERS];
            for (integer, cell) in integers.iter_mut().zip(cells) {
                *integer = cell.words()[0] as i32;
            }
            Integers(integers)
        }
        with_cells!(cells.range(row..row + INTEGERS), cells => read(cells))
    }

    #[inline(always)]
    fn small_integers(self, values: &[i8; INTEGERS]) -> Integers {
        Integers(values.map(i32::from))
    }

    #[inline(always)]
    fn integer_sum(self) -> IntegerSum {
        IntegerSum([[0; 5]; INTEGERS])
    }

    #[inline(always)]
    fn integer_products(self) -> IntegerProducts {
        IntegerProducts([0; 5])
    }

    #[inline(always)]
    fn line_at<C: MontConfig<4>>(self, x: Element<C>) -> Element<C> {
        x
    }

    #[inline(always)]
    fn bilinear_at<C: MontConfig<4>>(self, [x, y]: [Element<C>; 2]) -> [Element<C>; 3] {
        [x, y, x * y]
    }

    #[inline(always)]
    fn sum<C: MontConfig<4>>(self) -> Dot {
        Dot::default()
    }

    #[inline(always)]
    fn lane_sums(self) -> [Dot; LANES] {
        [Dot::default(); LANES]
    }
}

impl<C: MontConfig<4>> Vector<C> for Elements<C> {
    type Factor = Self;
    type Line = Element<C>;
    /// The factors of x, y and x y.
    type Bilinear = [Element<C>; 3];
    type Sum = Dot;
    type Operand = Self;

    const SCALE: u64 = 1;
    const ROOT: u64 = 1;

    #[inline(always)]
    fn store(self, elements: &mut [Element<C>; LANES]) {
        *elements = self.0;
    }

    #[inline(always)]
    fn store_reduced(self, elements: &mut [Element<C>; LANES]) {
        self.store(elements);
    }

    #[inline(always)]
    fn pack(self, packed: &mut Packed) {
        let (words, _) = packed.0.as_flattened_mut().as_chunks_mut::<4>();
        for (words, element) in words.iter_mut().zip(self.0) {
            *words = element.0.0;
        }
    }

    #[inline(always)]
    fn negate_where(self, signs: u8) -> Self {
        Self(from_fn(|i| match signs >> i & 1 {
            0 => self.0[i],
            _ => -self.0[i],
        }))
    }

    #[inline(always)]
    fn factor(self) -> Self {
        self
    }

    #[inline(always)]
    fn times(self, factor: Self) -> Self {
        let mut product = self;
        for i in 0..LANES {
            product.0[i] = mul(self.0[i], factor.0[i]);
        }
        product
    }

    #[inline(always)]
    fn times_plus(mut self, a: Self, other: Self, b: Self) -> Self {
        for (i, element) in self.0.iter_mut().enumerate() {
            *element = sum_of_two(*element, a.0[i], other.0[i], b.0[i]);
        }
        self
    }

    #[inline(always)]
    fn plus_product(self, a: Self, b: Self) -> Self {
        self + a.times(b)
    }

    #[inline(always)]
    fn line(mut self, high: Self, x: Element<C>) -> Self {
        for (low, high) in self.0.iter_mut().zip(&high.0) {
            *low = add(*low, mul(x, sub(*high, *low)));
        }
        self
    }

    #[inline(always)]
    fn bilinear(corners: [Self; 4], [x, y, both]: [Element<C>; 3]) -> Self {
        let mixed = Self::mixed(corners);
        let [mut a, b, c, _] = corners;
        for (i, low) in a.0.iter_mut().enumerate() {
            let product = |element, factor| Product::new::<C>(element, factor);
            let sum = product(sub(c.0[i], *low), x).plus(product(sub(b.0[i], *low), y));
            *low = add(*low, sum.plus(product(mixed.0[i], both)).reduce());
        }
        a
    }

    #[inline(always)]
    fn has_zero(self) -> bool {
        self.0.iter().any(Element::<C>::is_zero)
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn mixed([a, b, c, d]: [Self; 4]) -> Self {
        (d - c) - (b - a)
    }

    #[inline(always)]
    fn over(self, operand: impl Into<Self>) -> Self {
        self.times(operand.into())
    }

    #[inline(always)]
    fn over_less(self, operand: Self, other: Self) -> Self {
        self.times(operand) - other
    }

    #[inline(always)]
    fn squared_less(self, a: Self, difference: Self) -> Self {
        self.times(self) - a - a - difference
    }

    #[inline(always)]
    fn minus_by_root(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn may_equal(self, other: Self) -> bool {
        (0..LANES).any(|i| self.0[i] == other.0[i])
    }
}

impl<C: MontConfig<4>> Add for Elements<C> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let mut sum = self;
        for i in 0..LANES {
            sum.0[i] = add(self.0[i], other.0[i]);
        }
        sum
    }
}

impl<C: MontConfig<4>> Sub for Elements<C> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let mut difference = self;
        for i in 0..LANES {
            difference.0[i] = sub(self.0[i], other.0[i]);
        }
        difference
    }
}

impl<C: MontConfig<4>> Ring for Elements<C> {
    #[inline(always)]
    fn sum_of_products(self, a: Self, other: Self, b: Self) -> Self {
        self.times_plus(a, other, b)
    }
}

impl<C: MontConfig<4>> Mul for Elements<C> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.times(other)
    }
}

impl<C: MontConfig<4>> Products<C> for Dot {
    type Vector = Elements<C>;

    #[inline(always)]
    fn add(&mut self, a: Elements<C>, b: Elements<C>) {
        for (a, b) in a.0.iter().zip(&b.0) {
            self.add(Product::new(*a, *b));
        }
    }

    #[inline(always)]
    fn add_over(&mut self, [a, b]: [&Elements<C>; 2], [c, d]: [&Elements<C>; 2]) {
        for i in 0..LANES {
            let product = Product::new(a.0[i], b.0[i]);
            self.add(product.plus(Product::new(c.0[i], d.0[i])));
        }
    }

    #[inline(always)]
    fn total(self) -> Element<C> {
        self.reduce()
    }
}

impl LaneSums for [Dot; LANES] {
    type Vector = Elements<FrConfig>;

    #[inline(always)]
    fn add(&mut self, a: Elements<FrConfig>, b: Elements<FrConfig>) {
        for (sum, (a, b)) in self.iter_mut().zip(a.0.iter().zip(&b.0)) {
            sum.add(Product::new(*a, *b));
        }
    }

    #[inline(always)]
    fn total(self) -> Elements<FrConfig> {
        Elements(self.map(Dot::reduce))
    }
}

impl Multiples for [Wide; LANES] {
    type Vector = Elements<FrConfig>;
    type Weight = Weight;
    type Weights = [Weight; LANES];

    #[inline(always)]
    fn add(&mut self, weight: Weight, cells: &Cells, row: usize) {
        add_multiples(self, |_| &weight, &cells.range(row..row + LANES));
    }

    #[inline(always)]
    fn add_each(&mut self, weights: &[Weight; LANES], cells: &Cells, row: usize) {
        add_multiples(self, |i| &weights[i], &cells.range(row..row + LANES));
    }

    #[inline(always)]
    fn add_one(&mut self, weight: Weight) {
        for sum in self {
            sum.add(&weight[0], 1);
        }
    }

    #[inline(always)]
    fn total(self) -> Elements<FrConfig> {
        Elements(self.map(Wide::reduce))
    }
}

#[inline(always)]
fn add_multiples<'a>(sums: &mut [Wide], weight: impl Fn(usize) -> &'a Weight, cells: &Cells) {
    fn add<'a, C: Cell, const WORDS: usize>(
        sums: &mut [Wide],
        weight: impl Fn(usize) -> &'a Weight,
        cells: &[C],
    ) {
        for (i, (sum, cell)) in sums.iter_mut().zip(cells).enumerate() {
            for (factor, word) in weight(i)[..WORDS].iter().zip(cell.words()) {
                sum.add(factor, word);
            }
        }
    }
    match cells {
        Cells::U8(cells) => add::<_, 1>(sums, weight, cells),
        Cells::U16(cells) => add::<_, 1>(sums, weight, cells),
        Cells::U32(cells) => add::<_, 1>(sums, weight, cells),
        Cells::U64(cells) => add::<_, 1>(sums, weight, cells),
        Cells::U128(cells) => add::<_, 2>(sums, weight, cells),
        Cells::Field(cells) => add::<_, 4>(sums, weight, cells),
    }
}

/// Integers; what exceeds 32 bits wraps.
#[derive(Clone, Copy)]
pub struct Integers([i32; INTEGERS]);

impl Add for Integers {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i].wrapping_add(other.0[i])))
    }
}

impl Sub for Integers {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i].wrapping_sub(other.0[i])))
    }
}

impl Ring for Integers {}

impl Mul for Integers {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i].wrapping_mul(other.0[i])))
    }
}

/// Sums of multiples of Montgomery forms.
#[derive(Clone, Copy)]
pub struct IntegerSum([[u64; 5]; INTEGERS]);

impl super::IntegerSum for IntegerSum {
    type Vector = Elements<FrConfig>;
    type Integers = Integers;

    #[inline(always)]
    fn add(&mut self, terms: &[(IntegerWeight, Integers)]) {
        for (weight, integers) in terms {
            let [a, b, c, d, _] = weight.words();
            for (sum, integer) in self.0.iter_mut().zip(integers.0) {
                add_multiple(sum, &[a, b, c, d], u64::from(integer as u32));
            }
        }
    }

    #[inline(always)]
    fn total(self) -> [Elements<FrConfig>; INTEGERS / LANES] {
        from_fn(|half| Elements(from_fn(|i| residue_over_word(self.0[half * LANES + i]))))
    }

    fn scale() -> Fr {
        Fr::from(1_u128 << 64)
    }
}

/// A Montgomery form that is not reduced, offset.
#[derive(Clone, Copy)]
pub struct IntegerProducts([u64; 5]);

impl super::IntegerProducts for IntegerProducts {
    type Vector = Elements<FrConfig>;
    type Integers = Integers;

    #[inline(always)]
    fn add<'a>(
        &mut self,
        weights: &[Elements<FrConfig>; INTEGERS / LANES],
        products: impl Iterator<Item = [&'a Integers; 2]> + Clone,
    ) {
        let mut sums = [PRODUCT_OFFSET as i64; INTEGERS];
        for [a, b] in products {
            for (sum, (a, b)) in sums.iter_mut().zip(a.0.iter().zip(&b.0)) {
                *sum += i64::from(*a) * i64::from(*b);
            }
        }
        let weights = weights.iter().flat_map(|weights| &weights.0);
        for (weight, sum) in weights.zip(sums) {
            add_multiple(&mut self.0, &weight.0.0, sum as u64);
        }
    }

    fn total(self) -> Fr {
        residue::<FrConfig>(self.0) - OFFSET_ELEMENT
    }
}
