//! Perl's format: the process ends with a message that says where it died.

use super::error::{Language, Uncaught};

/// The last line of a process that died, if it names a place in a script or module.
pub(super) fn end(lines: &[&str], status: Option<i32>) -> Option<Uncaught> {
    // The status is the system's last error, or 255. A program that only warned may also exit with
    // 1.
    status.filter(|it| *it > 1)?;
    let last = lines.iter().rev().find(|line| !line.trim().is_empty())?;
    let (_, place) = last.strip_suffix('.')?.rsplit_once(" at ")?;
    let (file, line) = place.split_once(" line ")?;
    let is_perl = [".pl", ".pm", ".t"].iter().any(|it| file.ends_with(it));
    let number = line.split(", <").next().unwrap_or_default();
    let is_place = is_perl && number.parse::<u32>().is_ok();
    is_place.then(|| Uncaught::new(Language::Perl, last, ""))
}

#[cfg(test)]
mod tests {
    use super::super::{said, uncaught};

    #[test]
    fn a_perl_that_dies_ends_with_its_last_line() {
        for own in [
            "no frame at client.pl line 12.",
            "no frame at /usr/share/perl5/Mojo/IOLoop.pm line 7, <STDIN> line 1.",
        ] {
            let [error] = &uncaught(&format!("connected\n{own}\n"), Some(255))[..] else {
                panic!("{own}")
            };
            assert!(error.ended && error.first == own, "{error:?}");
        }
        assert!(said("no frame at client.pl line 12.\n", None).is_empty());
        assert!(said("no frame at client.pl line 12.\n", Some(1)).is_empty());
        assert!(said("nobody at home on line 12.\n", Some(255)).is_empty());
    }
}
