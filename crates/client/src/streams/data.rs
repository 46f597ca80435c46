//! Time series: rows for the program, columns on the wire.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The values of one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// Nanoseconds since 1970.
    pub timestamp: i64,
    /// Values by the id of their parameter.
    pub values: BTreeMap<String, Value>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl Row {
    /// A row without values, at this time in nanoseconds since 1970.
    pub fn at(timestamp: i64) -> Self {
        Self { timestamp, ..Self::default() }
    }

    /// Adds a value.
    #[must_use]
    pub fn with(mut self, parameter: impl Into<String>, value: impl Into<Value>) -> Self {
        self.values.insert(parameter.into(), value.into());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

type Columns<T> = BTreeMap<String, Vec<Option<T>>>;

/// Rows as 0.5.7 writes them: a list of times, and for each parameter and tag a list as long, with null for no value.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Table {
    /// What the times count from.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<i64>,
    timestamps: Vec<i64>,
    numeric_values: Columns<Number>,
    string_values: Columns<String>,
    binary_values: Columns<Base64>,
    tag_values: Columns<String>,
}

impl Table {
    pub(super) fn of(rows: &[Row]) -> Self {
        let mut table = Self { timestamps: rows.iter().map(|row| row.timestamp).collect(), ..Self::default() };
        for (number, row) in rows.iter().enumerate() {
            for (parameter, value) in &row.values {
                match value {
                    Value::Number(value) => {
                        set(&mut table.numeric_values, parameter, rows.len(), number, Number(*value));
                    }
                    Value::Text(value) => set(&mut table.string_values, parameter, rows.len(), number, value.clone()),
                    Value::Binary(value) => {
                        set(&mut table.binary_values, parameter, rows.len(), number, Base64(value.clone()));
                    }
                }
            }
            for (tag, value) in &row.tags {
                set(&mut table.tag_values, tag, rows.len(), number, value.clone());
            }
        }
        table
    }

    pub(super) fn rows(self) -> Vec<Row> {
        let epoch = self.epoch.unwrap_or(0);
        let mut rows: Vec<_> = self.timestamps.iter().map(|timestamp| Row::at(epoch + timestamp)).collect();
        spread(&mut rows, self.numeric_values, |row, parameter, value| {
            row.values.insert(parameter, Value::Number(value.0));
        });
        spread(&mut rows, self.string_values, |row, parameter, value| {
            row.values.entry(parameter).or_insert(Value::Text(value));
        });
        spread(&mut rows, self.binary_values, |row, parameter, value| {
            row.values.entry(parameter).or_insert(Value::Binary(value.0));
        });
        spread(&mut rows, self.tag_values, |row, tag, value| {
            row.tags.insert(tag, value);
        });
        rows
    }
}

fn set<T: Clone>(columns: &mut Columns<T>, name: &str, rows: usize, row: usize, value: T) {
    columns.entry(name.to_owned()).or_insert_with(|| vec![None; rows])[row] = Some(value);
}

fn spread<T>(rows: &mut [Row], columns: Columns<T>, set: impl Fn(&mut Row, String, T)) {
    for (name, column) in columns {
        for (row, value) in rows.iter_mut().zip(column) {
            if let Some(value) = value {
                set(row, name.clone(), value);
            }
        }
    }
}

/// A number, in .NET's spelling where JSON has none.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            number if number.is_nan() => serializer.serialize_str("NaN"),
            f64::INFINITY => serializer.serialize_str("Infinity"),
            f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            number => serializer.serialize_f64(number),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Spelling {
            Number(f64),
            Text(String),
        }
        match Spelling::deserialize(deserializer)? {
            Spelling::Number(number) => Ok(Self(number)),
            Spelling::Text(text) => match text.as_str() {
                "NaN" => Ok(Self(f64::NAN)),
                "Infinity" => Ok(Self(f64::INFINITY)),
                "-Infinity" => Ok(Self(f64::NEG_INFINITY)),
                _ => Err(de::Error::custom("a text where a number belongs")),
            },
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Base64(Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map(Self).map_err(de::Error::custom)
    }
}
