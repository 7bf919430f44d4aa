//! `comply schema`: what may be written, and what reports say, for editors and programs.

use crate::cli::Schema;
use crate::repository::unable;
use crate::terminal;
use policies::schema::File;
use reports::Exit;

/// Prints one JSON Schema.
pub fn run(what: Schema) -> Exit {
    let language = |file: File| file.schema(modules::MODULES);
    let schema = match what {
        Schema::Project => language(File::Project),
        Schema::Inventory => language(File::Inventory),
        Schema::Policy => language(File::Policy),
        Schema::Technique => language(File::Technique),
        Schema::Waivers => language(File::Waivers),
        Schema::Report => reports::schema::of_report(),
        Schema::Explanation => reports::schema::of_explanation(),
    };
    match terminal::print(&format!("{schema:#}\n")) {
        Ok(()) => Exit::Compliant,
        Err(error) => unable(&format!("cannot write to standard output: {error}")),
    }
}
