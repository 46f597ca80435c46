//! Checks the counts that a request claims, before the codec takes memory for them.
//!
//! `kafka-protocol` reserves room for as many array elements as four bytes of a request claim, up to 2³¹ of them; a
//! failed reservation of that size ends the whole process. So every request that came from outside is walked first,
//! by a description of its fields ([`requests`]), and refused if an array claims more elements than the rest of the
//! frame can hold, or all arrays together more than a limit. The walk reads exactly what the codec reads, in the same
//! order, and takes no memory.

mod field;
pub mod requests;

pub use field::{Field, Layout};

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// No description of this API is known.
    #[error("no layout is known for API {0}")]
    UnknownApi(i16),
    /// The request ends inside a field.
    #[error("the request ends inside a field")]
    Short,
    /// A length is negative, or a tagged field does not have the length that it claims.
    #[error("a length in the request makes no sense")]
    Length,
    /// The arrays claim more elements than the limit.
    #[error("the request's arrays claim too many elements")]
    TooMany,
}

/// Whether the body of a request (what follows the header) may be given to the codec. `elements` bounds the elements of
/// all arrays and the tagged fields of the request together.
pub fn check(api: i16, version: i16, body: &[u8], elements: usize) -> Result<(), ShapeError> {
    walk(api, version, body, elements).map(|_| ())
}

/// What of `body` follows the request's last field.
fn walk(api: i16, version: i16, body: &[u8], elements: usize) -> Result<&[u8], ShapeError> {
    let layout = requests::layout(api).ok_or(ShapeError::UnknownApi(api))?;
    let flexible = version >= layout.flexible;
    let mut walk = field::Walk { rest: body, budget: elements, version, flexible };
    walk.structure(layout.fields, layout.tags)?;
    Ok(walk.rest)
}

#[cfg(test)]
mod tests;
