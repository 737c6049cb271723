//! Texts as bits: characters side by side, the first one most significant, zeros after the last.

use vdl_plan::Comparison;
use vdl_plan::vdl_command::encoding::{character_bits, text_words};
use vdl_share::Planes;

use crate::column::Bits;

/// Length in characters, and whether all are ASCII.
pub(crate) type Shape = (u32, bool);

/// The same texts in a longer or wider form: zero planes in between and below. Local.
pub(crate) fn recode(bits: &Bits, from: Shape, to: Shape) -> Bits {
    if from == to {
        return bits.clone();
    }
    let (narrow, wide) = (character_bits(from.1) as usize, character_bits(to.1) as usize);
    let (short, long) = (from.0 as usize, to.0 as usize);
    bits.map(|planes| {
        let mut out = Planes::zeros(planes.rows(), long * wide);
        for character in 0..short.min(long) {
            let source = (short - 1 - character) * narrow;
            let target = (long - 1 - character) * wide;
            for j in 0..narrow.min(wide) {
                out.plane_mut(target + j).copy_from_slice(planes.plane(source + j));
            }
        }
        out
    })
}

/// A comparison with a constant, as a question about a column's bits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Compare the bits with these.
    Bits(Comparison, Vec<u64>),
    /// The same answer for every text that is there.
    Always(bool),
}

/// Any text may be compared with any constant. One that does not fit the column (too long, not ASCII,
/// with a NUL) equals nothing in it; for order, its longest part that fits stands in for it: no text
/// of the column lies between the two.
pub(crate) fn question(op: Comparison, constant: &str, shape: Shape) -> Question {
    let (length, ascii) = (shape.0 as usize, shape.1);
    let bits = character_bits(ascii) as usize;
    let mut words = vec![0; text_words(shape.0, ascii)];
    let mut place = length * bits;
    let mut write = |code: u64, place: usize| {
        for j in (0..bits).filter(|j| code >> j & 1 == 1) {
            if let Some(word) = words.get_mut((place + j) / 64) {
                *word |= 1 << ((place + j) % 64);
            }
        }
    };
    let mut fits = true;
    for character in constant.chars() {
        let code = u64::from(u32::from(character));
        if place == 0 || code == 0 {
            fits = false;
            break;
        }
        if ascii && code > 127 {
            // Every text that starts the same way lies below the constant, up to the last of them.
            (0..place / bits).for_each(|rest| write(127, rest * bits));
            fits = false;
            break;
        }
        place -= bits;
        write(code, place);
    }
    match op {
        _ if fits => Question::Bits(op, words),
        Comparison::Equal => Question::Always(false),
        Comparison::NotEqual => Question::Always(true),
        Comparison::Less | Comparison::LessOrEqual => Question::Bits(Comparison::LessOrEqual, words),
        Comparison::Greater | Comparison::GreaterOrEqual => Question::Bits(Comparison::Greater, words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vdl_plan::vdl_command::encoding::encode_text;

    const OPS: [Comparison; 6] = [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ];

    #[test]
    fn constants_that_do_not_fit_still_compare_as_python_does() {
        let texts = ["", "a", "aa", "ab", "abc", "b", "az", "a~~", "~~~", "ab\u{7f}"];
        let constants = ["", "a", "ab", "abcd", "aé", "é", "a\0", "abc\0", "abcde", "zé", "ab\u{1F600}"];
        for constant in constants {
            for text in texts {
                for op in OPS {
                    let expected = op.holds(text.cmp(constant));
                    let got = match question(op, constant, (3, true)) {
                        Question::Always(known) => known,
                        Question::Bits(op, words) => {
                            op.holds(encode_text(text, 3, true).unwrap().cmp(&words))
                        }
                    };
                    assert_eq!(got, expected, "{text:?} {op:?} {constant:?}");
                }
            }
        }
    }
}
