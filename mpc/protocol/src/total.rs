//! The sum of all rows.

use vdl_share::{Planes, Shared, Xor, vectorised};

use crate::Result;
use crate::convert::add;
use crate::logic::{and, runs};
use crate::party::Party;

/// One row: the sum of the unsigned values of all rows, as wide as so many of them may need.
///
/// Carry-save adders (Wallace, 1964): three numbers become two of the same sum, with one AND per position and
/// without waiting for carries. The rows are cut in three, side by side in words, until two are left, which
/// are added. Rounds: about 1.7 times log2 of the rows, and an addition. Bits per row and party: about the
/// width and 2. Opens: nothing.
pub fn sum_rows(party: &mut Party, mut a: Shared<Planes>) -> Result<Shared<Planes>> {
    let most = a.width() + a.rows().max(1).next_power_of_two().trailing_zeros() as usize;
    if a.rows() == 0 || a.width() == 0 {
        return Ok(Shared::<Planes>::zeros(1, most));
    }
    // From here on rows that are not there are zeros.
    a.each(Planes::mask_tail);
    while Planes::stride(a.rows()) > 2 {
        a = fewer_words(party, &a, most)?;
    }
    while a.rows() > 2 {
        a = fewer_rows(party, &a, most)?;
    }
    match a.rows() {
        1 => Ok(a.resize(most)),
        _ => add(party, &a.slice_rows(0, 1), &a.slice_rows(1, 1), most),
    }
}

/// Two thirds of the words, and what cannot be cut in three: the sums, the carries moved up by a plane, the
/// rest. Of `most` planes none is carried out of, as they hold the sum of all.
fn fewer_words(party: &mut Party, a: &Shared<Planes>, most: usize) -> Result<Shared<Planes>> {
    let (width, stride) = (a.width(), Planes::stride(a.rows()));
    let third = stride / 3;
    let mut fewer = Shared::<Planes>::zeros(64 * (stride - third), most.min(width + 1));
    let Shared { own, next } = &mut fewer;
    let carries = party.reshare_made("sum rows", width * third, |range, carries: &mut [Xor]| {
        let first = range.start;
        for (plane, words) in runs(range, third) {
            let carries = &mut carries[plane * third + words.start - first..][..words.len()];
            let sums = (&mut own.plane_mut(plane)[words.clone()], &mut next.plane_mut(plane)[words.clone()]);
            let parts = [0, 1, 2].map(|part| {
                let words = part * third + words.start..part * third + words.end;
                (&a.own.plane(plane)[words.clone()], &a.next.plane(plane)[words])
            });
            sums_and_carries(sums, carries, parts);
        }
    })?;
    for (to, carries, from) in [(own, &carries.own, &a.own), (next, &carries.next, &a.next)] {
        let carries = bytemuck::cast_slice::<Xor, u64>(carries).chunks_exact(third);
        for (plane, carries) in (1..to.width()).zip(carries) {
            to.plane_mut(plane)[third..2 * third].copy_from_slice(carries);
        }
        for plane in 0..width {
            to.plane_mut(plane)[2 * third..].copy_from_slice(&from.plane(plane)[3 * third..]);
        }
    }
    Ok(fewer)
}

/// This party's components of the sums, and its summands of the carries, which are the majorities: the third
/// bit, unless both others differ from it.
fn sums_and_carries(
    (s, t): (&mut [u64], &mut [u64]),
    carries: &mut [Xor],
    [(a0, a1), (b0, b1), (c0, c1)]: [(&[u64], &[u64]); 3],
) {
    vectorised(
        #[inline(always)]
        move || {
            let sums = s.iter_mut().zip(t);
            let (own, next) = (a0.iter().zip(b0).zip(c0), a1.iter().zip(b1).zip(c1));
            for (((s, t), carry), (((a0, b0), c0), ((a1, b1), c1))) in sums.zip(carries).zip(own.zip(next)) {
                let (x0, x1, y0, y1) = (a0 ^ c0, a1 ^ c1, b0 ^ c0, b1 ^ c1);
                (*s, *t) = (x0 ^ b0, x1 ^ b1);
                *carry = Xor((x0 & (y0 ^ y1)) ^ (x1 & y0) ^ c0);
            }
        },
    );
}

/// The same where rows have to be cut within words.
fn fewer_rows(party: &mut Party, a: &Shared<Planes>, most: usize) -> Result<Shared<Planes>> {
    let (third, rest) = (a.rows() / 3, a.rows() % 3);
    let width = most.min(a.width() + 1);
    let [x, y, z] = [0, 1, 2].map(|part| a.slice_rows(part * third, third));
    let (x, sums) = (x.xor(&z), x.xor(&y).xor(&z));
    let carries = and(party, &x, &y.xor(&z))?.xor(&z);
    let carries = Shared::<Planes>::stack(third, &[&Shared::<Planes>::zeros(third, 1), &carries]);
    let parts = [&sums, &carries, &a.slice_rows(3 * third, rest)].map(|part| part.resize(width));
    Ok(Shared::<Planes>::append_rows(width, &parts.each_ref()))
}
