//! Products of ring columns.

use vdl_share::{Ring, Shared};

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
    let mut summand = vec![R::ZERO; rows];
    for (a, b) in pairs {
        if a.rows() != rows || b.rows() != rows {
            return Err(ProtocolError::Shape { step: "multiply" });
        }
        for (sum, product) in summand.iter_mut().zip(products(a, b)) {
            *sum = sum.add(product);
        }
    }
    party.reshare("multiply", summand)
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

/// This party's summands of the products.
fn products<'a, R: Ring>(a: &'a Shared<Vec<R>>, b: &'a Shared<Vec<R>>) -> impl Iterator<Item = R> + 'a {
    let (left, right) = (a.own.iter().zip(&a.next), b.own.iter().zip(&b.next));
    left.zip(right).map(|((x0, x1), (y0, y1))| x0.mul(y0.add(*y1)).add(x1.mul(*y0)))
}
