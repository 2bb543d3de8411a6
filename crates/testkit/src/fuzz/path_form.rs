//! The normal form of a path, as a list of promises.

/// Takes the bytes for a path: what has a normal form has one that is safe to match and to forward.
pub fn path_form(data: &[u8]) {
    let mut out = b"before".to_vec();
    let result = policy::normalize_path(data, &mut out);
    let form = out.strip_prefix(b"before").expect("what was there before stays").to_vec();
    let Ok(facts) = result else {
        assert!(form.is_empty(), "nothing is left behind by an error");
        return;
    };
    assert!(form.starts_with(b"/"));
    assert!(form.len() <= data.len().max(1), "a normal form is never longer");
    assert!(form.iter().all(|byte| byte.is_ascii_graphic() && !b"#?\\".contains(byte)));
    assert!(!form.split(|&byte| byte == b'/').any(|segment| segment == b"." || segment == b".."));
    check_escapes(&form, facts);
    let mut again = Vec::new();
    assert!(policy::normalize_path(&form, &mut again).is_ok());
    assert_eq!(again, form, "a normal form is its own");
}

/// What is still escaped has to be, and is in upper case; a slash among it has been told.
fn check_escapes(form: &[u8], facts: policy::PathFacts) {
    for piece in form.split(|&byte| byte == b'%').skip(1) {
        let digits = piece.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.expect("two digits follow every percent sign");
        assert_eq!(digits, digits.to_ascii_uppercase());
        let byte = u8::from_str_radix(digits, 16).expect("the digits are hexadecimal");
        assert!(byte != 0 && !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte));
        assert!(facts.encoded_slash || !matches!(byte, b'/' | b'\\'));
    }
}
