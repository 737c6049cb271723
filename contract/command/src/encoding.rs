//! How a text becomes the bits of its column: the client splits these bits, the planner compares
//! constants with them, so both ask here.
//!
//! A `varchar[n]` is `n` characters of 7 (ASCII) or 21 bits. The first character is the most
//! significant, and shorter texts are filled with zero characters at the end: unsigned comparison
//! of the bits is comparison by code point, as Python compares strings. A text holds no NUL.

/// Bits one character takes.
pub fn character_bits(ascii: bool) -> u32 {
    if ascii { 7 } else { 21 }
}

/// 64-bit words that hold one text.
pub fn text_words(length: u32, ascii: bool) -> usize {
    (u64::from(length) * u64::from(character_bits(ascii))).div_ceil(64) as usize
}

/// Writes the bits of `text` into `words` (all zero before; least significant word first).
/// `None` where the text does not fit the type or holds a NUL; `words` then holds anything.
pub fn write_text(text: &str, length: u32, ascii: bool, words: &mut [u64]) -> Option<()> {
    let bits = character_bits(ascii) as usize;
    let mut place = (length as usize).checked_mul(bits)?;
    for character in text.chars() {
        let code = u64::from(u32::from(character));
        if code == 0 || (ascii && code > 127) {
            return None;
        }
        place = place.checked_sub(bits)?;
        let (word, shift) = (place / 64, place % 64);
        *words.get_mut(word)? |= code << shift;
        if shift + bits > 64 {
            *words.get_mut(word + 1)? |= code >> (64 - shift);
        }
    }
    Some(())
}

/// The same in a fresh vector.
pub fn encode_text(text: &str, length: u32, ascii: bool) -> Option<Vec<u64>> {
    let mut words = vec![0; text_words(length, ascii)];
    write_text(text, length, ascii, &mut words)?;
    Some(words)
}

/// Reads a text back; `None` where the bits are none.
pub fn read_text(words: &[u64], length: u32, ascii: bool) -> Option<String> {
    let bits = character_bits(ascii) as usize;
    let mut text = String::new();
    let mut ended = false;
    for index in (0..length as usize).rev() {
        let place = index * bits;
        let (word, shift) = (place / 64, place % 64);
        let mut code = words.get(word)? >> shift;
        if shift + bits > 64 {
            code |= words.get(word + 1)? << (64 - shift);
        }
        code &= (1 << bits) - 1;
        match code {
            0 => ended = true,
            _ if ended => return None,
            _ => text.push(char::from_u32(u32::try_from(code).ok()?)?),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were() {
        for (text, length, ascii) in
            [("", 0, true), ("", 4, true), ("abc", 3, true), ("zebra crossing", 40, true)]
        {
            let words = encode_text(text, length, ascii).unwrap();
            assert_eq!(read_text(&words, length, ascii).unwrap(), text);
        }
        for text in ["", "é", "naïve 𝒳 text, long enough for words"] {
            let words = encode_text(text, 40, false).unwrap();
            assert_eq!(read_text(&words, 40, false).unwrap(), text);
        }
    }

    #[test]
    fn bits_sort_as_texts_do() {
        let number = |text| {
            let mut words = encode_text(text, 12, true).unwrap();
            words.reverse();
            words
        };
        let texts = ["", "a", "aa", "ab", "abcdefghijkl", "b", "ba"];
        assert!(texts.windows(2).all(|pair| number(pair[0]) < number(pair[1])));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(encode_text("abcd", 3, true).is_none());
        assert!(encode_text("é", 3, true).is_none());
        assert!(encode_text("a\0b", 3, true).is_none());
    }

    #[test]
    fn bits_with_a_gap_are_no_text() {
        // Two characters, the first of them missing.
        assert!(read_text(&[u64::from(b'a')], 2, true).is_none());
    }
}
