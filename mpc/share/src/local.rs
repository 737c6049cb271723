//! What a party does on its own: everything linear. Both components take the same step; a public value
//! enters component 0 only, which parties 0 (own) and 2 (next) hold.

use std::ops::Range;

use crate::planes::Planes;
use crate::ring::Ring;
use crate::rows::Rows;
use crate::shared::Shared;
use crate::simd::{mapped, zipped};

/// Where party `id` keeps component 0, if it does.
fn component_zero<T>(shared: &mut Shared<T>, id: usize) -> Option<&mut T> {
    match id {
        0 => Some(&mut shared.own),
        2 => Some(&mut shared.next),
        _ => None,
    }
}

impl Shared<Planes> {
    pub fn rows(&self) -> usize {
        self.own.rows()
    }

    pub fn width(&self) -> usize {
        self.own.width()
    }

    pub fn zeros(rows: usize, width: usize) -> Self {
        Self::new(Planes::zeros(rows, width), Planes::zeros(rows, width))
    }

    /// Party `id`'s shares of bits everybody knows.
    pub fn public(id: usize, bits: &Planes) -> Self {
        let mut out = Self::zeros(bits.rows(), bits.width());
        out.xor_public_in(id, bits);
        out
    }

    pub fn xor(&self, other: &Self) -> Self {
        self.zip(other, Planes::xor)
    }

    pub fn xor_public(&self, id: usize, bits: &Planes) -> Self {
        let mut out = self.clone();
        out.xor_public_in(id, bits);
        out
    }

    fn xor_public_in(&mut self, id: usize, bits: &Planes) {
        if let Some(component) = component_zero(self, id) {
            component.xor_in(bits);
        }
    }

    pub fn not(&self, id: usize) -> Self {
        let mut out = self.clone();
        out.not_in(id);
        out
    }

    pub fn not_in(&mut self, id: usize) {
        if let Some(component) = component_zero(self, id) {
            component.words_mut().iter_mut().for_each(|word| *word = !*word);
        }
    }

    pub fn select(&self, range: Range<usize>) -> Self {
        self.map(|planes| planes.select(range.clone()))
    }

    pub fn plane(&self, j: usize) -> Self {
        self.select(j..j + 1)
    }

    pub fn pick(&self, planes: impl IntoIterator<Item = usize> + Clone) -> Self {
        self.map(|p| p.pick(planes.clone()))
    }

    pub fn stack(rows: usize, parts: &[&Self]) -> Self {
        let own: Vec<_> = parts.iter().map(|p| &p.own).collect();
        let next: Vec<_> = parts.iter().map(|p| &p.next).collect();
        Self::new(Planes::stack(rows, &own), Planes::stack(rows, &next))
    }

    pub fn repeat(&self, times: usize) -> Self {
        self.map(|planes| planes.repeat(times))
    }

    pub fn resize(&self, width: usize) -> Self {
        self.map(|planes| planes.resize(width))
    }

    pub fn slice_rows(&self, start: usize, len: usize) -> Self {
        self.map(|planes| planes.slice_rows(start, len))
    }

    pub fn append_rows(width: usize, parts: &[&Self]) -> Self {
        let own: Vec<_> = parts.iter().map(|p| &p.own).collect();
        let next: Vec<_> = parts.iter().map(|p| &p.next).collect();
        Self::new(Planes::append_rows(width, &own), Planes::append_rows(width, &next))
    }

    pub fn shift_down(&self, by: usize) -> Self {
        self.map(|planes| planes.shift_down(by))
    }

    pub fn shift_up(&self, by: usize) -> Self {
        self.map(|planes| planes.shift_up(by))
    }

    pub fn to_rows(&self) -> Shared<Rows> {
        self.map(Planes::to_rows)
    }
}

impl Shared<Rows> {
    pub fn rows(&self) -> usize {
        self.own.rows()
    }

    pub fn to_planes(&self, width: usize) -> Shared<Planes> {
        self.map(|rows| rows.to_planes(width))
    }

    pub fn prefix_xor(&mut self) {
        self.each(Rows::prefix_xor);
    }

    pub fn difference_xor(&mut self) {
        self.each(Rows::difference_xor);
    }

    pub fn slice_rows(&self, start: usize, len: usize) -> Self {
        self.map(|rows| rows.slice_rows(start, len))
    }

    pub fn append_rows(stride: usize, parts: &[&Self]) -> Self {
        let own: Vec<_> = parts.iter().map(|p| &p.own).collect();
        let next: Vec<_> = parts.iter().map(|p| &p.next).collect();
        Self::new(Rows::append_rows(stride, &own), Rows::append_rows(stride, &next))
    }
}

impl<R: Ring> Shared<Vec<R>> {
    pub fn rows(&self) -> usize {
        self.own.len()
    }

    pub fn zeros(rows: usize) -> Self {
        Self::new(vec![R::ZERO; rows], vec![R::ZERO; rows])
    }

    /// Party `id`'s shares of values everybody knows.
    pub fn public(id: usize, values: &[R]) -> Self {
        let mut out = Self::zeros(values.len());
        if let Some(component) = component_zero(&mut out, id) {
            component.copy_from_slice(values);
        }
        out
    }

    pub fn add(&self, other: &Self) -> Self {
        self.zip(other, |a, b| zipped(a, b, R::add))
    }

    pub fn sub(&self, other: &Self) -> Self {
        self.zip(other, |a, b| zipped(a, b, R::sub))
    }

    pub fn negate(&self) -> Self {
        self.map(|a| mapped(a, |x| R::ZERO.sub(x)))
    }

    /// Every row times a public number.
    pub fn scale(&self, factor: R) -> Self {
        self.map(|a| mapped(a, |x| x.mul(factor)))
    }

    /// Every row plus a public number.
    pub fn add_constant(&self, id: usize, term: R) -> Self {
        let mut out = self.clone();
        if let Some(component) = component_zero(&mut out, id) {
            component.iter_mut().for_each(|x| *x = x.add(term));
        }
        out
    }

    /// Row `r` becomes the sum of rows `0 ..= r`.
    pub fn prefix_sums(&self) -> Self {
        self.map(|a| {
            let mut sum = R::ZERO;
            a.iter()
                .map(|x| {
                    sum = sum.add(*x);
                    sum
                })
                .collect()
        })
    }

    /// Row `r` becomes row `r` minus row `r - 1`; the first row stays. Undoes `prefix_sums`.
    pub fn differences(&self) -> Self {
        self.map(|a| {
            let mut last = R::ZERO;
            a.iter().map(|x| x.sub(std::mem::replace(&mut last, *x))).collect()
        })
    }

    /// One row: the sum of all.
    pub fn sum(&self) -> Self {
        self.map(|a| vec![a.iter().fold(R::ZERO, |sum, x| sum.add(*x))])
    }

    pub fn slice_rows(&self, start: usize, len: usize) -> Self {
        self.map(|a| a[start..start + len].to_vec())
    }

    pub fn append_rows(parts: &[&Self]) -> Self {
        let all = |side: fn(&Self) -> &Vec<R>| parts.iter().flat_map(|p| side(p).iter().copied()).collect();
        Self::new(all(|p| &p.own), all(|p| &p.next))
    }
}
