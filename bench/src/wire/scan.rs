//! Members of a JSON text found by their names, without parsing the rest.
//!
//! Right only for texts whose sender-controlled parts are known not to hold the name: the
//! generator wrote them itself.

use memchr::memmem;

/// The decimal number that `digits` is made of.
#[must_use]
pub fn decimal(digits: &[u8]) -> Option<u64> {
    let number = leading_decimal(digits)?;
    digits.iter().all(u8::is_ascii_digit).then_some(number)
}

/// The decimal number at the beginning of `bytes`; none when they begin otherwise.
#[must_use]
pub fn leading_decimal(bytes: &[u8]) -> Option<u64> {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then(|| {
        bytes[..count]
            .iter()
            .fold(0, |number: u64, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
    })
}

/// What follows `name` in `text`: `after(text, b"\"seq\":")` begins with the number.
#[must_use]
pub fn after<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    memmem::find(text, name).map(|at| &text[at + name.len()..])
}

/// The string that follows `name`, up to its closing quote; `name` ends with the opening one.
#[must_use]
pub fn string<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = after(text, name)?;
    memchr::memchr(b'"', value).map(|end| &value[..end])
}

/// The number that follows `name`.
#[must_use]
pub fn number(text: &[u8], name: &[u8]) -> Option<u64> {
    leading_decimal(after(text, name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name() {
        let text = br#"{"payload":{"id":"msg_1","seq":42,"content":{"text":"7 x"}}}"#;
        assert_eq!(string(text, b"\"payload\":{\"id\":\""), Some(&b"msg_1"[..]));
        assert_eq!(number(text, b"\"seq\":"), Some(42));
        assert_eq!(number(text, b"\"absent\":"), None);
    }

    #[test]
    fn decimal_takes_digits_only() {
        assert_eq!(decimal(b"201"), Some(201));
        assert_eq!(decimal(b"20x"), None);
        assert_eq!(leading_decimal(b""), None);
    }
}
