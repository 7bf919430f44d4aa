//! JSON Schemas of what `comply` tells programs, from the doc comments of the types that are written.

use crate::explain::Explanation;
use crate::report::Report;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema of the JSON report. Fields may be added to a report without its version growing, so none is refused.
pub fn of_report() -> Value {
    of::<Report>()
}

/// The schema of an explanation, of a host or of a resource.
pub fn of_explanation() -> Value {
    of::<Explanation>()
}

/// Draft 7, as for the language: one validator does for all.
fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft07().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}
