//! Who imports whom in a crate, read from its sources: paths are followed through `use` to the file that
//! declares what they name. Macros and names of other crates are left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::names::sources;

/// A module by its path in the crate; the crate itself is the empty one.
pub(super) type ModulePath = Vec<String>;

/// The modules of a crate that are not tests, with the modules that each imports something of.
pub(super) fn imports(src: &Path) -> BTreeMap<ModulePath, BTreeSet<ModulePath>> {
    let modules: Modules = sources(src).iter().filter_map(|(path, text)| module(src, path, text)).collect();
    let imports_of = |(path, module): (&ModulePath, &Module)| {
        let resolve = |named: &Vec<String>| absolute(&modules, path, named).map(|at| declaring(&modules, at));
        let of_uses = module.uses.iter().filter_map(|import| {
            let target = resolve(&import.path)?;
            // What a module says of its own children for others is no import.
            (!(import.is_public && target.starts_with(path))).then_some(target)
        });
        let of_paths = module.paths.iter().filter_map(|named| {
            let import = module.uses.iter().find(|import| import.alias == named[0]);
            let through = import.map(|import| [&import.path[..], &named[1..]].concat());
            resolve(&through.unwrap_or_else(|| named.clone()))
        });
        let targets = of_uses.chain(of_paths).filter(|target| target != path && !target.is_empty());
        (path.clone(), targets.collect())
    };
    modules.iter().map(imports_of).collect()
}

type Modules = BTreeMap<ModulePath, Module>;

struct Module {
    uses: Vec<Import>,
    /// Paths of two names and more outside of `use`.
    paths: Vec<Vec<String>>,
    declared: BTreeSet<String>,
}

struct Import {
    is_public: bool,
    path: Vec<String>,
    alias: String,
}

fn module(src: &Path, file: &Path, text: &str) -> Option<(ModulePath, Module)> {
    let inside = file.strip_prefix(src).expect("a file of the crate").with_extension("");
    let mut path: ModulePath =
        inside.iter().map(|part| part.to_str().expect("names are ASCII").to_owned()).collect();
    if path.iter().any(|part| part == "tests") || path[0] == "testing" {
        return None;
    }
    if matches!(path.last().map(String::as_str), Some("mod" | "lib")) {
        path.pop();
    }
    let code = text.split("#[cfg(test)]\nmod tests {").next().expect("there is a first part");
    Some((path, read(&tokens(code))))
}

/// Names and signs of a text without comments and literals; `::` is one sign.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let len = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '"' {
            literal_len(rest)
        } else if first.is_alphanumeric() || first == '_' {
            let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(rest[..len].to_owned());
            len
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else if rest.starts_with("'\"'") || rest.starts_with("'{'") || rest.starts_with("'}'") {
            3
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[len..];
    }
    tokens
}

/// The length of the text in quotes that `rest` begins with.
fn literal_len(rest: &str) -> usize {
    let mut is_escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let is_end = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        is_end
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

fn read(tokens: &[String]) -> Module {
    const DECLARES: &[&str] =
        &["struct", "enum", "fn", "type", "trait", "const", "static", "union", "mod", "macro_rules"];
    let mut module = Module { uses: Vec::new(), paths: Vec::new(), declared: BTreeSet::new() };
    let mut at = 0;
    while at < tokens.len() {
        let token = tokens[at].as_str();
        if token == "use" {
            let len = tokens[at..].iter().position(|token| token == ";").unwrap_or(tokens.len() - at);
            let is_public = at > 0 && (tokens[at - 1] == "pub" || tokens[at - 1] == ")");
            read_tree(&tokens[at + 1..at + len], &[], is_public, &mut module.uses);
            at += len;
        } else if is_name(token) {
            if at > 0 && DECLARES.contains(&tokens[at - 1].as_str()) {
                module.declared.insert(token.to_owned());
            }
            let mut path = vec![token.to_owned()];
            while tokens.get(at + 1).is_some_and(|next| next == "::")
                && tokens.get(at + 2).is_some_and(|next| is_name(next))
            {
                path.push(tokens[at + 2].clone());
                at += 2;
            }
            if path.len() > 1 {
                module.paths.push(path);
            }
        }
        at += 1;
    }
    module
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The imports of a tree of `use` behind `prefix`.
fn read_tree(tree: &[String], prefix: &[String], is_public: bool, out: &mut Vec<Import>) {
    let names = tree.iter().take_while(|token| *token != "{" && *token != "as");
    let mut path = prefix.to_vec();
    path.extend(names.filter(|token| *token != "::").cloned());
    if let Some(open) = tree.iter().position(|token| token == "{") {
        let mut depth = 0;
        let parts = tree[open + 1..tree.len() - 1].split(|token| {
            depth += i32::from(token == "{") - i32::from(token == "}");
            depth == 0 && token == ","
        });
        parts.filter(|part| !part.is_empty()).for_each(|part| read_tree(part, &path, is_public, out));
        return;
    }
    if path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let renamed = tree.iter().position(|token| token == "as").map(|at| &tree[at + 1]);
    let Some(alias) = renamed.or(path.last()).cloned() else { return };
    out.push(Import { is_public, path, alias });
}

/// The path from the top of the crate that `named` is in `module`; none when it leads out of the crate.
fn absolute(modules: &Modules, module: &ModulePath, named: &[String]) -> Option<ModulePath> {
    let (first, rest) = named.split_first()?;
    match first.as_str() {
        "crate" => return Some(rest.to_vec()),
        "super" | "self" => {}
        _ => {
            let child = [&module[..], &named[..1]].concat();
            return modules.contains_key(&child).then(|| [&module[..], named].concat());
        }
    }
    let ups = named.iter().take_while(|part| *part == "super").count();
    let names = named.iter().skip_while(|part| *part == "super" || *part == "self").cloned();
    Some(module[..module.len().checked_sub(ups)?].iter().cloned().chain(names).collect())
}

/// The module that declares what `path` names, behind any number of `pub use`.
fn declaring(modules: &Modules, path: ModulePath) -> ModulePath {
    let mut path = path;
    // Names that are passed on in a circle end somewhere on it.
    for _ in 0..16 {
        let module =
            (0..=path.len()).rev().map(|len| &path[..len]).find(|front| modules.contains_key(*front));
        let module = module.unwrap_or_default().to_vec();
        let (Some(name), Some(found)) = (path.get(module.len()), modules.get(&module)) else { return module };
        if found.declared.contains(name) {
            return module;
        }
        let passed_on = found.uses.iter().find(|import| import.alias == *name);
        let further = passed_on.and_then(|import| absolute(modules, &module, &import.path));
        match further {
            Some(further) => path = [&further[..], &path[module.len() + 1..]].concat(),
            None => return module,
        }
    }
    path
}
