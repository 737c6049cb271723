//! Products of ring columns.

use vdl_share::{Ring, Shared, vectorised};

use crate::party::Party;
use crate::{ProtocolError, Result};

/// One party's shares of ring elements, one per row.
pub type Column<R> = Shared<Vec<R>>;

/// Row by row product.
///
/// Araki et al., CCS 2016. Rounds: 1. Bits per row and party: the ring's. Opens: nothing.
pub fn multiply<R: Ring>(
    party: &mut Party,
    a: &Shared<Vec<R>>,
    b: &Shared<Vec<R>>,
) -> Result<Shared<Vec<R>>> {
    sum_of_products(party, &[(a, b)])
}

/// Row by row sum of the products of the pairs of columns.
///
/// The terms are added before they are sent. Rounds: 1. Bits per row and party: the ring's, for any number of
/// pairs. Opens: nothing.
pub fn sum_of_products<R: Ring>(
    party: &mut Party,
    pairs: &[(&Column<R>, &Column<R>)],
) -> Result<Shared<Vec<R>>> {
    let rows = pairs.first().map_or(0, |(a, _)| a.rows());
    if pairs.iter().any(|(a, b)| a.rows() != rows || b.rows() != rows) {
        return Err(ProtocolError::Shape { step: "multiply" });
    }
    party.reshare_made("multiply", rows, |range, out| {
        for (a, b) in pairs {
            let (x, y) = (range.clone(), range.clone());
            add_products(out, (&a.own[x.clone()], &a.next[x]), (&b.own[y.clone()], &b.next[y]));
        }
    })
}

/// One row per pair of columns: their dot product.
///
/// Rounds: 1. Bits per party: the ring's per pair, for any number of rows. Opens: nothing.
pub fn dot<R: Ring>(party: &mut Party, pairs: &[(&Column<R>, &Column<R>)]) -> Result<Shared<Vec<R>>> {
    if pairs.iter().any(|(a, b)| a.rows() != b.rows()) {
        return Err(ProtocolError::Shape { step: "dot" });
    }
    let sums = pairs.iter().map(|(a, b)| products(a, b).fold(R::ZERO, R::add));
    party.reshare("dot", sums.collect())
}

/// Adds this party's summands of the products.
fn add_products<R: Ring>(out: &mut [R], (x0, x1): (&[R], &[R]), (y0, y1): (&[R], &[R])) {
    vectorised(
        #[inline(always)]
        move || {
            let (left, right) = (x0.iter().zip(x1), y0.iter().zip(y1));
            for (sum, ((x0, x1), (y0, y1))) in out.iter_mut().zip(left.zip(right)) {
                *sum = sum.add(x0.mul(y0.add(*y1)).add(x1.mul(*y0)));
            }
        },
    );
}

/// This party's summands of the products.
fn products<'a, R: Ring>(a: &'a Shared<Vec<R>>, b: &'a Shared<Vec<R>>) -> impl Iterator<Item = R> + 'a {
    let (left, right) = (a.own.iter().zip(&a.next), b.own.iter().zip(&b.next));
    left.zip(right).map(|((x0, x1), (y0, y1))| x0.mul(y0.add(*y1)).add(x1.mul(*y0)))
}
