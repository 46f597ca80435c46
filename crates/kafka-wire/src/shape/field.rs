//! How a request's fields lie one after another, and the walk over them.

use super::ShapeError;

/// The layout of one API's request, in all versions that the codec knows.
pub struct Layout {
    /// From which version on strings, bytes and arrays are compact and structures end with tagged fields.
    pub flexible: i16,
    /// The fields of the request.
    pub fields: &'static [Field],
    /// Tagged fields that the codec reads by type instead of by length.
    pub tags: &'static [(u32, Field)],
}

/// One field.
#[derive(Clone, Copy)]
pub struct Field {
    kind: Kind,
    since: i16,
    until: i16,
}

#[derive(Clone, Copy)]
enum Kind {
    /// So many bytes.
    Fixed(usize),
    /// A string; null is allowed here and judged by the codec.
    Text,
    /// Bytes; null is allowed here and judged by the codec.
    Bytes,
    /// An array of structures, with the tagged fields that the codec knows in them.
    Structs(&'static [Field], &'static [(u32, Field)]),
    /// An array of plain values.
    Values(&'static Field),
    /// One structure.
    Struct(&'static [Field]),
}

impl Field {
    const fn of(kind: Kind) -> Self {
        Self { kind, since: 0, until: i16::MAX }
    }
    pub(super) const fn fixed(bytes: usize) -> Self {
        Self::of(Kind::Fixed(bytes))
    }
    pub(super) const fn text() -> Self {
        Self::of(Kind::Text)
    }
    pub(super) const fn bytes() -> Self {
        Self::of(Kind::Bytes)
    }
    pub(super) const fn array(fields: &'static [Field]) -> Self {
        Self::of(Kind::Structs(fields, &[]))
    }
    pub(super) const fn array_with_tags(fields: &'static [Field], tags: &'static [(u32, Field)]) -> Self {
        Self::of(Kind::Structs(fields, tags))
    }
    pub(super) const fn values(of: &'static Field) -> Self {
        Self::of(Kind::Values(of))
    }
    pub(super) const fn one(fields: &'static [Field]) -> Self {
        Self::of(Kind::Struct(fields))
    }
    /// The field exists from `version` on.
    pub(super) const fn since(mut self, version: i16) -> Self {
        self.since = version;
        self
    }
    /// The field exists up to `version`, inclusive.
    pub(super) const fn until(mut self, version: i16) -> Self {
        self.until = version;
        self
    }
}

/// A walk in progress.
pub(super) struct Walk<'a> {
    /// What has not been read.
    pub(super) rest: &'a [u8],
    /// How many elements may still be claimed.
    pub(super) budget: usize,
    pub(super) version: i16,
    pub(super) flexible: bool,
}

impl Walk<'_> {
    pub(super) fn structure(&mut self, fields: &[Field], tags: &[(u32, Field)]) -> Result<(), ShapeError> {
        for field in fields {
            if (field.since..=field.until).contains(&self.version) {
                self.field(*field)?;
            }
        }
        if self.flexible { self.tagged(tags) } else { Ok(()) }
    }

    fn field(&mut self, field: Field) -> Result<(), ShapeError> {
        match field.kind {
            Kind::Fixed(bytes) => self.skip(bytes),
            Kind::Text => {
                let length = if self.flexible { self.compact()? } else { self.short()? };
                self.skip(length.unwrap_or(0))
            }
            Kind::Bytes => {
                let length = self.length()?;
                self.skip(length.unwrap_or(0))
            }
            Kind::Structs(fields, tags) => {
                for _ in 0..self.claim()? {
                    self.structure(fields, tags)?;
                }
                Ok(())
            }
            Kind::Values(of) => {
                for _ in 0..self.claim()? {
                    self.field(*of)?;
                }
                Ok(())
            }
            Kind::Struct(fields) => self.structure(fields, &[]),
        }
    }

    /// The length of an array, taken from the budget. No element is smaller than a byte.
    fn claim(&mut self) -> Result<usize, ShapeError> {
        let count = self.length()?.unwrap_or(0);
        if count > self.rest.len() {
            return Err(ShapeError::Short);
        }
        self.budget = self.budget.checked_sub(count).ok_or(ShapeError::TooMany)?;
        Ok(count)
    }

    fn tagged(&mut self, known: &[(u32, Field)]) -> Result<(), ShapeError> {
        let count = self.varint()? as usize;
        self.budget = self.budget.checked_sub(count).ok_or(ShapeError::TooMany)?;
        for _ in 0..count {
            let tag = self.varint()?;
            let size = self.varint()? as usize;
            let before = self.rest.len();
            match known.iter().find(|(known, _)| *known == tag) {
                // The codec reads these by type and does not look at the size; a size that differs would let the two
                // walks part.
                Some((_, field)) if (field.since..=field.until).contains(&self.version) => {
                    self.field(*field)?;
                    if before - self.rest.len() != size {
                        return Err(ShapeError::Length);
                    }
                }
                _ => self.skip(size)?,
            }
        }
        Ok(())
    }

    fn skip(&mut self, bytes: usize) -> Result<(), ShapeError> {
        self.rest = self.rest.get(bytes..).ok_or(ShapeError::Short)?;
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ShapeError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(ShapeError::Short)?;
        self.rest = rest;
        Ok(*head)
    }

    /// The length of an array or of bytes; `None` is null.
    fn length(&mut self) -> Result<Option<usize>, ShapeError> {
        if self.flexible {
            return self.compact();
        }
        match i32::from_be_bytes(self.take()?) {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| ShapeError::Length),
        }
    }

    /// The length of a string of a version that is not flexible.
    fn short(&mut self) -> Result<Option<usize>, ShapeError> {
        match i16::from_be_bytes(self.take()?) {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| ShapeError::Length),
        }
    }

    fn compact(&mut self) -> Result<Option<usize>, ShapeError> {
        Ok((self.varint()? as usize).checked_sub(1))
    }

    /// As the codec reads it: five bytes at most, what does not fit is lost.
    fn varint(&mut self) -> Result<u32, ShapeError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.take()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Ok(value)
    }
}
