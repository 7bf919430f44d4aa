//! Completions and the manual page, from the definitions of the command line.

use crate::cli::Cli;
use crate::terminal;
use clap::CommandFactory;
use reports::Exit;
use std::io;

/// Prints completions for `shell`.
pub fn completions(shell: clap_complete::Shell) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "comply", &mut text);
    print(&text)
}

/// Prints the manual page: one for all subcommands, each with its options.
pub fn man() -> Exit {
    let mut text = Vec::new();
    match write(&mut text) {
        Ok(()) => print(&text),
        Err(error) => {
            terminal::tell(&format!("comply: cannot make the manual page: {error}\n"));
            Exit::Unable
        }
    }
}

fn write(page: &mut Vec<u8>) -> io::Result<()> {
    let mut command = Cli::command().after_help("");
    command.build();
    let main = clap_mangen::Man::new(command.clone());
    main.render_title(page)?;
    main.render_name_section(page)?;
    main.render_synopsis_section(page)?;
    main.render_description_section(page)?;
    main.render_options_section(page)?;
    for sub in command.get_subcommands() {
        let name = format!("comply {}", sub.get_name());
        let mut section = roff::Roff::new();
        section.control("SH", [name.to_uppercase().as_str()]);
        section.to_writer(page)?;
        let sub = clap_mangen::Man::new(sub.clone().bin_name(name));
        sub.render_synopsis_section(page)?;
        sub.render_description_section(page)?;
        sub.render_options_section(page)?;
    }
    let mut exit = roff::Roff::new();
    exit.control("SH", ["EXIT STATUS"]).control("nf", []).text([roff::roman(Exit::TABLE)]).control("fi", []);
    exit.to_writer(page)?;
    main.render_version_section(page)
}

fn print(text: &[u8]) -> Exit {
    match terminal::print(&String::from_utf8_lossy(text)) {
        Ok(()) => Exit::Compliant,
        Err(error) => {
            terminal::tell(&format!("comply: cannot write to standard output: {error}\n"));
            Exit::Unable
        }
    }
}
