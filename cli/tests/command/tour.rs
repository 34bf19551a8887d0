//! The tour of the README does what it says: its commands are run in order, in one directory, and must print
//! what the README prints.
//!
//! Like on a terminal, rows are shown as tables and errors come after the rows. What differs from run to run
//! is masked on both sides: versions (16 digits and more), times of today, names that contain them.

use std::process::Command;

use crate::workplace::Workplace;

struct Step {
    command: String,
    output: String,
}

/// The commands of the ```` ```console ```` blocks; `> ` continues a command.
fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if !inside {
        } else if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), output: String::new() });
        } else {
            let step = steps.last_mut().expect("a block starts with a command");
            let target = if line.starts_with("> ") { &mut step.command } else { &mut step.output };
            target.push_str(if line.starts_with("> ") { "\n" } else { "" });
            target.push_str(line.strip_prefix("> ").unwrap_or(line));
            if !line.starts_with("> ") {
                target.push('\n');
            }
        }
    }
    steps
}

/// Masks what differs from run to run, and the widths of columns that it makes.
fn masked(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split_whitespace().map(masked_word).collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

fn masked_word(word: &str) -> String {
    if !word.is_empty() && word.chars().all(|character| matches!(character, '-' | '+')) {
        return "-+".repeat(word.matches('+').count()) + "-";
    }
    let word = word.trim_start_matches('(');
    let digits_run = word.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default();
    let is_time = word.contains('T') && word.matches('-').count() >= 2 && word.starts_with("20");
    match word {
        _ if word.starts_with("before_restore_") => "before_restore_*".to_owned(),
        _ if digits_run >= 16 => "*version*".to_owned(),
        _ if is_time && !word.starts_with("2013") => "*time*".to_owned(),
        _ => word.to_owned(),
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads the README")]
fn the_readme_tour_prints_what_it_says() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let steps = steps(&readme);
    assert!(steps.len() >= 8, "the README has lost its tour");
    let work = Workplace::new();
    // What a terminal would choose by itself.
    work.write(
        "bygone",
        &format!("#!/bin/sh\nexec '{}' --format table \"$@\"\n", env!("CARGO_BIN_EXE_bygone")),
    );
    let path = format!("{}:{}", work.path("").display(), std::env::var("PATH").unwrap());
    assert!(Command::new("chmod").arg("+x").arg(work.path("bygone")).status().unwrap().success());
    for step in steps {
        let output = Command::new("sh")
            .args(["-c", &format!("( {}\n) 2>&1", step.command)])
            .env("PATH", &path)
            .current_dir(work.path(""))
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(masked(&printed), masked(&step.output), "$ {}\n{printed}", step.command);
    }
}

#[test]
fn a_readme_is_cut_into_commands_and_their_output() {
    let steps = steps(
        "text\n```console\n$ one \\\n> two\nout\n\n$ three\n```\n$ not a command\n```sh\n$ neither\n```\n",
    );
    let found: Vec<(&str, &str)> =
        steps.iter().map(|step| (step.command.as_str(), step.output.as_str())).collect();
    assert_eq!(found, [("one \\\ntwo", "out\n\n"), ("three", "")]);
}

#[test]
fn masks_hide_versions_and_todays_times_only() {
    assert_eq!(
        masked(
            " v | at | 2013-01-01T05:00:00Z\n---+----+---\n 1700000000000000 | 2026-11-20T10:00:00.5Z | 7"
        ),
        ["v | at | 2013-01-01T05:00:00Z", "-+-+-", "*version* | *time* | 7"]
    );
}
