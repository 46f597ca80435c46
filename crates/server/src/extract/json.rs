//! JSON bodies: property names in any case, errors that name the field.

use axum::{
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use bytes::Bytes;
use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor, value::StringDeserializer,
    },
    forward_to_deserialize_any,
};
use serde_json::Value;

use crate::error::ApiError;

/// A JSON body of type `T`. Property names are matched in any case: C# clients send `Name`, all others `name`.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let content_type =
            request.headers().get(header::CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| ApiError::Invalid {
            code: if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { "BodyTooLarge" } else { "UnreadableBody" },
            status: rejection.status(),
            message: rejection.body_text(),
        })?;
        if bytes.is_empty() {
            return Err(ApiError::bad_request("BodyMissing", "A JSON body is needed and was not sent"));
        }
        if !content_type.as_deref().is_some_and(is_json) {
            return Err(ApiError::Invalid {
                code: "UnsupportedMediaType",
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                message: "The body must be JSON: send it with Content-Type: application/json".into(),
            });
        }
        parse(&bytes).map(Self)
    }
}

fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    matches!(essence, b"application/json" | b"text/json") || essence.ends_with(b"+json")
}

/// What [`Body`] makes of the bytes of a body.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::bad_request("InvalidJson", format!("The body is not valid JSON: {error}")))?;
    serde_path_to_error::deserialize(AnyCase(value)).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!(" at '{path}'") };
        ApiError::Invalid {
            code: "InvalidBody",
            status: StatusCode::UNPROCESSABLE_ENTITY,
            message: format!("The body is not what this route takes{place}: {}", error.inner()),
        }
    })
}

/// A JSON value that gives a struct the spelling of its fields, whatever the case in the text. Maps keep their keys.
struct AnyCase(Value);

impl IntoDeserializer<'_, serde_json::Error> for AnyCase {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for AnyCase {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Object(entries) => visitor.visit_map(Entries::new(entries.into_iter().collect())),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let Value::Object(entries) = self.0 else { return self.deserialize_any(visitor) };
        let canonical = |key: String| {
            fields.iter().find(|field| field.eq_ignore_ascii_case(&key)).map_or(key, |field| (*field).to_owned())
        };
        visitor.visit_map(Entries::new(entries.into_iter().map(|(key, value)| (canonical(key), value)).collect()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = serde_json::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Self::Error> {
        self.0.next().map(|item| seed.deserialize(AnyCase(item))).transpose()
    }
}

struct Entries {
    rest: std::vec::IntoIter<(String, Value)>,
    value: Option<Value>,
}

impl Entries {
    fn new(entries: Vec<(String, Value)>) -> Self {
        Self { rest: entries.into_iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Entries {
    type Error = serde_json::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Self::Error> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        let key: StringDeserializer<Self::Error> = key.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Self::Error> {
        seed.deserialize(AnyCase(self.value.take().unwrap_or(Value::Null)))
    }
}

#[cfg(test)]
mod tests {
    use twinkey_api::{token_pair::Rotate, topic::NewTopic};

    use super::*;

    #[test]
    fn names_in_any_case_at_any_depth() {
        let body: NewTopic =
            parse(br#"{"Name":"x","CONFIGURATION":{"Partitions":3,"retentionInMinutes":null},"later":[1]}"#)
                .expect("ok");
        assert_eq!(body.name, "x");
        assert_eq!(body.configuration.expect("given").partitions, Some(3));
    }

    #[test]
    fn errors_name_the_field() {
        let message = |body: &[u8]| parse::<NewTopic>(body).expect_err("refused").to_string();
        assert!(message(br#"{"configuration":{"partitions":"two"}}"#).contains("configuration.partitions"));
        assert!(message(b"{").contains("not valid JSON"));
        let missing = parse::<Rotate>(b"{}").expect_err("refused").to_string();
        assert!(missing.contains("expectedGeneration"), "{missing}");
        let unknown = parse::<Rotate>(br#"{"expectedGeneration":1,"forced":true}"#).expect_err("refused").to_string();
        assert!(unknown.contains("forced"), "{unknown}");
    }
}
