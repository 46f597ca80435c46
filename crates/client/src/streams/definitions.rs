//! What parameters and events mean.

use serde::{Deserialize, Serialize};

/// The parameters of a stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ParameterDefinitions {
    /// Groups of parameters.
    pub parameter_groups: Vec<ParameterGroup>,
    /// Parameters outside all groups.
    pub parameters: Vec<ParameterDefinition>,
}

/// A group of parameters.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ParameterGroup {
    /// Its name.
    pub name: String,
    /// A sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_properties: Option<String>,
    /// The groups inside it.
    pub child_groups: Vec<Self>,
    /// Its parameters.
    pub parameters: Vec<ParameterDefinition>,
}

/// A parameter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ParameterDefinition {
    /// Its id, as in the data.
    pub id: String,
    /// The name that people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The least value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_value: Option<f64>,
    /// The greatest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_value: Option<f64>,
    /// The unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How to print a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_properties: Option<String>,
}

/// The events of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EventDefinitions {
    /// Groups of events.
    pub event_groups: Vec<EventGroup>,
    /// Events outside all groups.
    pub events: Vec<EventDefinition>,
}

/// A group of events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EventGroup {
    /// Its name.
    pub name: String,
    /// A sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_properties: Option<String>,
    /// The groups inside it.
    pub child_groups: Vec<Self>,
    /// Its events.
    pub events: Vec<EventDefinition>,
}

/// An event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EventDefinition {
    /// Its id, as in the data.
    pub id: String,
    /// The name that people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_properties: Option<String>,
    /// `Trace`, `Debug`, `Information` (if absent), `Warning`, `Error` or `Critical`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}
