//! `--format`, in kcat's words.

use std::io::{self, Write};

use twinkey_client::Received;

/// What to print of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Topic,
    Partition,
    Offset,
    Time,
    Key,
    Value,
    KeyLength,
    ValueLength,
    Headers,
}

impl Format {
    /// Reads a format as it is typed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut plain, mut characters) = (Vec::new(), String::new(), text.chars());
        while let Some(character) = characters.next() {
            let part = match (character, characters.as_str().chars().next()) {
                ('%', Some('%')) => Err('%'),
                ('\\', Some('n')) => Err('\n'),
                ('\\', Some('t')) => Err('\t'),
                ('\\', Some('0')) => Err('\0'),
                ('\\', Some('\\')) => Err('\\'),
                ('%', Some('t')) => Ok(Part::Topic),
                ('%', Some('p')) => Ok(Part::Partition),
                ('%', Some('o')) => Ok(Part::Offset),
                ('%', Some('T')) => Ok(Part::Time),
                ('%', Some('k')) => Ok(Part::Key),
                ('%', Some('s')) => Ok(Part::Value),
                ('%', Some('K')) => Ok(Part::KeyLength),
                ('%', Some('S')) => Ok(Part::ValueLength),
                ('%', Some('h')) => Ok(Part::Headers),
                ('%', other) => {
                    return Err(format!("%{} is not known", other.map(String::from).unwrap_or_default()));
                }
                (plain_character, _) => {
                    plain.push(plain_character);
                    continue;
                }
            };
            characters.next();
            match part {
                Err(character) => plain.push(character),
                Ok(part) => {
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(part);
                }
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Prints a message.
    pub fn write(&self, out: &mut impl Write, message: &Received) -> io::Result<()> {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.write_all(text.as_bytes())?,
                Part::Topic => out.write_all(message.topic().as_bytes())?,
                Part::Partition => write!(out, "{}", message.partition())?,
                Part::Offset => write!(out, "{}", message.offset())?,
                Part::Time => write!(out, "{}", message.timestamp().unwrap_or(-1))?,
                Part::Key => out.write_all(message.key())?,
                Part::Value => out.write_all(message.value())?,
                Part::KeyLength => write!(out, "{}", length(message.has_key(), message.key()))?,
                Part::ValueLength => write!(out, "{}", length(!message.is_tombstone(), message.value()))?,
                Part::Headers => {
                    for (number, (name, value)) in message.headers().enumerate() {
                        let comma = if number == 0 { "" } else { "," };
                        write!(out, "{comma}{name}=")?;
                        out.write_all(value.unwrap_or(b"NULL"))?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn length(present: bool, bytes: &[u8]) -> i64 {
    if present { bytes.len() as i64 } else { -1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read() {
        let parts = |text: &str| Format::parse(text).map(|format| format.0);
        let text = |text: &str| Part::Text(text.into());
        assert_eq!(
            parts(r"%p@%o: %s\n"),
            Ok(vec![Part::Partition, text("@"), Part::Offset, text(": "), Part::Value, text("\n")])
        );
        assert_eq!(parts(r"100%% \\ é"), Ok(vec![text(r"100% \ é")]));
        assert!(parts("%x").is_err() && parts("50%").is_err());
    }
}
